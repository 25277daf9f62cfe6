use anyhow::{Result, anyhow};
use rand::seq::SliceRandom;
use rand_chacha::ChaCha8Rng;
use tokenizers::Tokenizer;

use crate::grammar::{Conversation, render};

/// Longer conversations are cut: nearly all are shorter, and a batch costs as much as its longest
/// row.
const MAX_TOKENS: usize = 112;

/// Token ids of each conversation, `<bos>` first.
pub fn tokenize(tokenizer: &Tokenizer, conversations: &[Conversation]) -> Result<Vec<Vec<u32>>> {
    let texts: Vec<String> = conversations
        .iter()
        .map(|conversation| render(conversation))
        .collect();
    let encodings = tokenizer
        .encode_batch(texts, true)
        .map_err(|error| anyhow!("tokenizing the corpus: {error}"))?;
    let ids = |encoding: &tokenizers::Encoding| encoding.get_ids().iter().take(MAX_TOKENS).copied().collect();
    Ok(encodings.iter().map(ids).collect())
}

/// All rows in batches of `size` rows of about one length, in a random order.
///
/// Rows are shuffled, and sorted by length only within groups of a few batches, so that every batch
/// is a mixture.
pub fn batches(rows: &[Vec<u32>], size: usize, generator: &mut ChaCha8Rng) -> Vec<Vec<Vec<u32>>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.shuffle(generator);
    let mut batches = Vec::new();
    for group in order.chunks_mut(16 * size) {
        group.sort_by_key(|index| rows[*index].len());
        let batch = |indices: &[usize]| indices.iter().map(|index| rows[*index].clone()).collect();
        batches.extend(group.chunks(size).map(batch));
    }
    batches.shuffle(generator);
    batches
}
