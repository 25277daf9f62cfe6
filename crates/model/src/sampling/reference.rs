//! The choice of a token, written plainly: one step after another, each over all logits.

use std::cmp::Ordering;

use super::not_a_number::NotANumber;
use super::settings::Sampling;

/// Repetition penalty, suppressed tokens, then (unless greedy) temperature, top-k and top-p. Tokens
/// that are ruled out get negative infinity.
///
/// Source: the logits processors of Hugging Face transformers, in the order in which `generate`
/// applies them.
pub fn process_logits(logits: &mut [f32], history: &[u32], sampling: &Sampling) {
    penalize_and_suppress(logits, history, sampling);
    if !sampling.greedy {
        divide(logits, sampling.temperature as f32);
        keep_top_k(logits, sampling.top_k);
        keep_top_p(logits, sampling.top_p);
    }
}

/// The whole choice. `random` gives a number from 0 up to 1, and is asked only if a token is drawn.
pub(super) fn choose(
    logits: &mut [f32],
    history: &[u32],
    sampling: &Sampling,
    random: impl FnOnce() -> f64,
) -> Result<u32, NotANumber> {
    if let Some(token) = logits.iter().position(|logit| logit.is_nan()) {
        return Err(NotANumber { token });
    }
    penalize_and_suppress(logits, history, sampling);
    if sampling.greedy {
        return Ok(most_likely(logits));
    }
    let infinite = |logit: &f32| *logit / sampling.temperature as f32 == f32::INFINITY;
    match logits.iter().position(infinite) {
        Some(token) => Err(NotANumber { token }),
        None => Ok(draw_kept(logits, sampling, random())),
    }
}

/// The steps that concern single tokens. A suppressed NaN stays, so that a search for one
/// finds it.
pub(super) fn penalize_and_suppress(logits: &mut [f32], history: &[u32], sampling: &Sampling) {
    penalize_repetition(logits, history, sampling.repetition_penalty as f32);
    for id in &sampling.suppress {
        if let Some(logit) = logits.get_mut(*id as usize)
            && !logit.is_nan()
        {
            *logit = f32::NEG_INFINITY;
        }
    }
}

/// The choice after [`penalize_and_suppress`], for a token that is drawn.
pub(super) fn draw_kept(logits: &mut [f32], sampling: &Sampling, at: f64) -> u32 {
    divide(logits, sampling.temperature as f32);
    keep_top_k(logits, sampling.top_k);
    keep_top_p(logits, sampling.top_p);
    draw(logits, at)
}

/// A positive logit is divided by the penalty, a negative one multiplied, once for each token that
/// occurs.
fn penalize_repetition(logits: &mut [f32], history: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    // All are read before one is written: a token that occurs again gets the same number again.
    let penalized: Vec<f32> = history
        .iter()
        .map(|id| match logits.get(*id as usize) {
            Some(logit) if *logit < 0.0 => logit * penalty,
            Some(logit) => logit / penalty,
            None => f32::NEG_INFINITY,
        })
        .collect();
    for (id, value) in history.iter().zip(penalized) {
        if let Some(logit) = logits.get_mut(*id as usize) {
            *logit = value;
        }
    }
}

fn divide(logits: &mut [f32], temperature: f32) {
    for logit in logits.iter_mut() {
        *logit /= temperature;
    }
}

/// Keeps the k largest logits, and those that equal the k-th.
fn keep_top_k(logits: &mut [f32], k: usize) {
    if k == 0 || k >= logits.len() {
        return;
    }
    let mut sorted = logits.to_vec();
    let (_, kth, _) = sorted.select_nth_unstable_by(k - 1, |a, b| b.total_cmp(a));
    let smallest = *kth;
    for logit in logits.iter_mut().filter(|logit| **logit < smallest) {
        *logit = f32::NEG_INFINITY;
    }
}

/// Keeps the smallest set of most likely tokens whose probabilities reach p, at least one.
fn keep_top_p(logits: &mut [f32], p: f64) {
    if p >= 1.0 {
        return;
    }
    let probabilities = softmax(logits);
    let mut ascending: Vec<usize> = (0..logits.len()).collect();
    ascending.sort_by(|a, b| logits[*a].total_cmp(&logits[*b]));
    let mut sum = 0.0;
    let most_likely = ascending.len().saturating_sub(1);
    for index in &ascending[..most_likely] {
        sum += probabilities[*index];
        if sum > 1.0 - p {
            break;
        }
        logits[*index] = f32::NEG_INFINITY;
    }
}

/// The first of the largest logits, as torch's argmax gives it on the CPU.
fn most_likely(logits: &[f32]) -> u32 {
    let mut best = 0;
    for (index, logit) in logits.iter().enumerate() {
        if logit.partial_cmp(&logits[best]) == Some(Ordering::Greater) {
            best = index;
        }
    }
    best as u32
}

/// The token at which the running sum of probabilities passes `at`, a number from 0 up to 1.
fn draw(logits: &[f32], at: f64) -> u32 {
    let probabilities = softmax(logits);
    let (mut sum, mut last) = (0.0, 0);
    for (index, probability) in probabilities
        .iter()
        .enumerate()
        .filter(|(_, probability)| **probability > 0.0)
    {
        sum += probability;
        last = index;
        if at < sum {
            break;
        }
    }
    last as u32
}

fn softmax(logits: &[f32]) -> Vec<f64> {
    let largest = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    let exponentials: Vec<f64> = logits
        .iter()
        .map(|logit| f64::from(*logit - largest).exp())
        .collect();
    let sum: f64 = exponentials.iter().sum();
    exponentials.into_iter().map(|value| value / sum).collect()
}
