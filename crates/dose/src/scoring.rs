//! Teacher-forced log-probabilities: what a model gives the tokens of an existing
//! text.

use std::collections::BTreeSet;

use anyhow::{Context, Result};
use model::{Batch, Network, ResidualTap};
use progress::progress_bar;
use rayon::prelude::*;

/// A text after a prompt.
#[derive(Clone, Debug)]
pub struct Sequence {
    pub tokens: Vec<u32>,
    /// Where the text begins; at least 1.
    pub start: usize,
}

impl Sequence {
    pub fn new(prompt: &[u32], text: &[u32]) -> Self {
        Sequence {
            tokens: [prompt, text].concat(),
            start: prompt.len(),
        }
    }

    pub fn text(&self) -> &[u32] {
        &self.tokens[self.start..]
    }

    /// The positions whose logits are those of the text's tokens.
    fn positions(&self) -> std::ops::Range<usize> {
        self.start - 1..self.tokens.len() - 1
    }
}

/// Calls `each` for every sequence with its index and the logits before each token of its text,
/// `[vocabulary]` each, and gives back what it returns, in the order of the sequences. The tap sees
/// a sequence by its index.
///
/// `what` is what the progress bar counts. Sequences with a common beginning, and the same group by
/// the tap, share its computation; they are ordered so that these are adjacent. The
/// memory is that of the logits of one pass: about 64 MB, or one sequence.
pub fn map_logits<T: Send>(
    network: &Network,
    sequences: &[Sequence],
    tap: &mut dyn ResidualTap,
    what: &'static str,
    each: impl Fn(usize, &[&[f32]]) -> T + Sync,
) -> Result<Vec<T>> {
    let bar = progress_bar(sequences.len() as u64, "dose", what);
    let mut order: Vec<usize> = (0..sequences.len()).collect();
    order.sort_by_key(|index| (tap.group(*index), &sequences[*index].tokens));
    let vocabulary = network.config().vocab_size;
    let mut results: Vec<Option<T>> = sequences.iter().map(|_| None).collect();
    let mut rest = order.as_slice();
    while !rest.is_empty() {
        let (pass, others) = rest.split_at(fitting(sequences, rest, LOGITS_AT_ONCE / vocabulary));
        rest = others;
        bar.inc(pass.len() as u64);
        for (index, result) in map_pass(network, sequences, pass, tap, &each)? {
            results[index] = Some(result);
        }
    }
    bar.finish_and_clear();
    results
        .into_iter()
        .collect::<Option<Vec<T>>>()
        .context("a sequence was left out")
}

/// One pass for the sequences of these indices.
fn map_pass<T: Send>(
    network: &Network,
    sequences: &[Sequence],
    indices: &[usize],
    tap: &mut dyn ResidualTap,
    each: &(impl Fn(usize, &[&[f32]]) -> T + Sync),
) -> Result<Vec<(usize, T)>> {
    let mut batch = Batch::default();
    for index in indices {
        let tokens = &sequences[*index].tokens;
        batch.push(*index, tap.group(*index), 0, &tokens[..tokens.len() - 1])?;
    }
    let places: Vec<Vec<usize>> = indices
        .iter()
        .enumerate()
        .map(|(row, index)| batch.places(row)[sequences[*index].positions()].to_vec())
        .collect();
    let wanted: BTreeSet<usize> = places.iter().flatten().copied().collect();
    let wanted: Vec<usize> = wanted.into_iter().collect();
    let h = network.forward(&batch.with_wanted(wanted.clone()), None, tap)?;
    let logits = network.head(h).try_into_data().ok();
    let logits: Vec<f32> = logits
        .and_then(|data| data.try_into_vec().ok())
        .context("the device gave no logits")?;
    let vocabulary = logits.len() / wanted.len();
    let of_place = |place: &usize| {
        let row = wanted.binary_search(place).unwrap_or_default();
        &logits[row * vocabulary..(row + 1) * vocabulary]
    };
    let results = indices.par_iter().zip(&places).map(|(index, places)| {
        let rows: Vec<&[f32]> = places.iter().map(of_place).collect();
        (*index, each(*index, &rows))
    });
    Ok(results.collect())
}

/// Number of logits: 64 MB.
const LOGITS_AT_ONCE: usize = 1 << 24;

/// Tokens of whole sequences in one pass, beyond which a larger pass gains nothing.
const TOKENS_AT_ONCE: usize = 2048;

/// How many of the sequences of these indices go into one pass: at least one.
fn fitting(sequences: &[Sequence], indices: &[usize], most_rows: usize) -> usize {
    let (mut rows, mut tokens) = (0, 0);
    let fits = |index: &&usize| {
        let sequence = &sequences[**index];
        rows += sequence.text().len();
        tokens += sequence.tokens.len();
        rows <= most_rows && tokens <= TOKENS_AT_ONCE
    };
    indices.iter().take_while(fits).count().max(1)
}

/// `log softmax(logits)[token]`, in nats, summed in f64.
pub fn log_probability(logits: &[f32], token: u32) -> f64 {
    f64::from(logits[token as usize]) - log_sum(logits)
}

/// `log sum_i exp(logits_i)`.
pub fn log_sum(logits: &[f32]) -> f64 {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let largest = f64::from(largest);
    let sum: f64 = logits
        .iter()
        .map(|logit| (f64::from(*logit) - largest).exp())
        .sum();
    largest + sum.ln()
}
