use std::cmp::Ordering;
use std::collections::HashMap;

use super::keys::TOKENS;

/// The merges that a vocabulary implies, best first: each way to cut a token into two tokens is
/// one.
///
/// A SentencePiece vocabulary has no list of merges; its scores give their order. This is how
/// Hugging Face's converter makes the list of a tokenizer.json (`generate_merges` of transformers):
/// by score, the longer left part first among equal scores, then by the order of tokens, and last
/// by the ids of the parts.
///
/// `ids` has every token with its place in `tokens`; `scores` is as long as `tokens`.
///
/// # Errors
/// A token that is too long to be one.
pub(super) fn implied_merges(
    tokens: &[String],
    scores: &[f64],
    ids: &HashMap<&str, u32>,
) -> Result<Vec<(String, String)>, String> {
    if let Some(id) = tokens.iter().position(|text| text.len() > LONGEST_TOKEN) {
        return Err(format!(
            "`{TOKENS}` has a token of more than {LONGEST_TOKEN} bytes (number {id}); download the file again"
        ));
    }
    let mut cuts = Vec::new();
    for (token, score) in tokens.iter().zip(scores) {
        add_cuts(token, *score, ids, &mut cuts);
    }
    // The sort keeps the order of equal items, and with it the order of tokens.
    cuts.sort_by(Cut::compare);
    let pairs = cuts.iter().map(|cut| (cut.left.to_owned(), cut.right.to_owned()));
    Ok(pairs.collect())
}

/// Published vocabularies have tokens of under 100 bytes. Each way to cut a token is looked at, so
/// a long one would take forever.
const LONGEST_TOKEN: usize = 512;

/// A way to cut a token in two.
struct Cut<'a> {
    left: &'a str,
    right: &'a str,
    score: f64,
    /// In characters.
    left_length: u32,
    right_length: u32,
}

impl Cut<'_> {
    fn compare(&self, other: &Self) -> Ordering {
        // Not total_cmp, for which 0 and -0 differ: files have both and mean the same.
        let by_score = other.score.partial_cmp(&self.score).unwrap_or(Ordering::Equal);
        by_score
            .then(other.left_length.cmp(&self.left_length))
            .then(other.right_length.cmp(&self.right_length))
    }
}

fn add_cuts<'a>(token: &'a str, score: f64, ids: &HashMap<&str, u32>, cuts: &mut Vec<Cut<'a>>) {
    let length = token.chars().count();
    let first = cuts.len();
    for (left_length, (middle, _)) in token.char_indices().enumerate().skip(1) {
        let (left, right) = token.split_at(middle);
        if ids.contains_key(left) && ids.contains_key(right) {
            cuts.push(Cut {
                left,
                right,
                score,
                left_length: left_length as u32,
                right_length: (length - left_length) as u32,
            });
        }
    }
    cuts[first..].sort_by_key(|cut| (ids.get(cut.left), ids.get(cut.right)));
}
