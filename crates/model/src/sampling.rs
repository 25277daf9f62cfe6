use std::cmp::Ordering;

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How the next token is chosen, in the order and with the semantics of Hugging Face's `generate`.
#[derive(Clone, Debug, PartialEq)]
pub struct Sampling {
    /// The likeliest token; temperature, top-k and top-p don't matter then.
    pub greedy: bool,
    pub temperature: f64,
    /// 0 keeps all.
    pub top_k: usize,
    /// 1 keeps all.
    pub top_p: f64,
    /// 1 is none. Counts over the prompt and what was generated, once for each token that occurs.
    pub repetition_penalty: f64,
    /// Tokens that are never generated.
    pub suppress: Vec<u32>,
}

impl Sampling {
    pub fn greedy() -> Self {
        Sampling {
            greedy: true,
            temperature: 1.0,
            top_k: 0,
            top_p: 1.0,
            repetition_penalty: 1.0,
            suppress: Vec::new(),
        }
    }
}

/// One row's choices: its settings and its own random generator, so that a row's text does not depend on which
/// other rows are generated beside it.
pub struct Sampler {
    sampling: Sampling,
    generator: ChaCha8Rng,
}

impl Sampler {
    pub fn new(sampling: Sampling, seed: u64) -> Self {
        Sampler {
            sampling,
            generator: ChaCha8Rng::seed_from_u64(seed),
        }
    }

    /// The next token after `history` (prompt and generated tokens). `logits` are changed.
    pub fn next(&mut self, logits: &mut [f32], history: &[u32]) -> u32 {
        process_logits(logits, history, &self.sampling);
        if self.sampling.greedy {
            likeliest(logits)
        } else {
            draw(logits, self.generator.random())
        }
    }
}

/// Repetition penalty, suppressed tokens, then (unless greedy) temperature, top-k and top-p. Tokens that are out
/// get negative infinity.
///
/// Source: the logits processors of Hugging Face transformers, in the order in which `generate` applies them.
pub fn process_logits(logits: &mut [f32], history: &[u32], sampling: &Sampling) {
    penalize_repetition(logits, history, sampling.repetition_penalty as f32);
    for id in &sampling.suppress {
        if let Some(logit) = logits.get_mut(*id as usize) {
            *logit = f32::NEG_INFINITY;
        }
    }
    if sampling.greedy {
        return;
    }
    for logit in logits.iter_mut() {
        *logit /= sampling.temperature as f32;
    }
    keep_top_k(logits, sampling.top_k);
    keep_top_p(logits, sampling.top_p);
}

/// A positive logit is divided by the penalty, a negative one multiplied, once for each token that occurs.
fn penalize_repetition(logits: &mut [f32], history: &[u32], penalty: f32) {
    if penalty == 1.0 {
        return;
    }
    let mut seen = vec![false; logits.len()];
    for id in history {
        let index = *id as usize;
        if index < logits.len() && !std::mem::replace(&mut seen[index], true) {
            let logit = &mut logits[index];
            *logit = if *logit < 0.0 {
                *logit * penalty
            } else {
                *logit / penalty
            };
        }
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

/// Keeps the smallest set of likeliest tokens whose probabilities reach p, at least one.
fn keep_top_p(logits: &mut [f32], p: f64) {
    if p >= 1.0 {
        return;
    }
    let probabilities = softmax(logits);
    let mut ascending: Vec<usize> = (0..logits.len()).collect();
    ascending.sort_by(|a, b| logits[*a].total_cmp(&logits[*b]));
    let mut sum = 0.0;
    let likeliest = ascending.len().saturating_sub(1);
    for index in &ascending[..likeliest] {
        sum += probabilities[*index];
        if sum > 1.0 - p {
            break;
        }
        logits[*index] = f32::NEG_INFINITY;
    }
}

/// The first of the largest logits, as torch's argmax gives it on the CPU.
fn likeliest(logits: &[f32]) -> u32 {
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
