//! Numbers that look random and are the same every time, and rows made of them.

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use statistics::PairedRows;

/// Uniform in [-1, 1).
pub struct Numbers(ChaCha8Rng);

impl Numbers {
    pub fn new(seed: u64) -> Self {
        Numbers(ChaCha8Rng::seed_from_u64(seed))
    }

    pub fn next(&mut self) -> f32 {
        self.0.random_range(-1.0..1.0)
    }

    pub fn row(&mut self, hidden: usize) -> Vec<f32> {
        (0..hidden).map(|_| self.next()).collect()
    }
}

/// Rows with a part of each prompt in common, and a contrast of `contrast` times a random
/// direction.
pub fn paired_rows(seed: u64, prompts: usize, hidden: usize, contrast: f32) -> PairedRows {
    rows_sharing(1.0, seed, prompts, hidden, contrast)
}

/// The same with this much in common between a prompt's two rows.
pub fn rows_sharing(share: f32, seed: u64, prompts: usize, hidden: usize, contrast: f32) -> PairedRows {
    let mut numbers = Numbers::new(seed);
    let direction = numbers.row(hidden);
    let mut rows = PairedRows {
        plus: Vec::new(),
        minus: Vec::new(),
    };
    for _ in 0..prompts {
        let shared = numbers.row(hidden);
        let mut row = |sign: f32| {
            let parts = shared.iter().zip(&direction);
            parts
                .map(|(shared, along)| 1.0 + share * shared + sign * contrast * along / 2.0 + numbers.next())
                .collect()
        };
        rows.plus.push(row(1.0));
        rows.minus.push(row(-1.0));
    }
    rows
}

/// Rows whose two conditions are the same numbers.
pub fn without_contrast(seed: u64, prompts: usize, hidden: usize) -> PairedRows {
    let rows = paired_rows(seed, prompts, hidden, 0.0);
    PairedRows {
        minus: rows.plus.clone(),
        plus: rows.plus,
    }
}

pub fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}

pub fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

pub fn wide(row: &[f32]) -> Vec<f64> {
    row.iter().map(|&value| f64::from(value)).collect()
}
