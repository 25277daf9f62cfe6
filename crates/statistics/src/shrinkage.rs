//! Ledoit and Wolf's shrunk covariance, from the rows' inner products: never a `[hidden, hidden]`
//! matrix.

use crate::cholesky::Cholesky;
use crate::sums::{dot, sum};

/// The least ridge, as a share of the covariance's trace. Below it, rounding in the inner products
/// would be divided by next to nothing. Only rows that are almost on one line come near it.
const LEAST_RIDGE: f64 = 1e-11;

/// `Sigma = scale X^T X + ridge I` for `count` rows `X` whose mean is zero.
///
/// With the covariance `S = X^T X / count` and `mu = trace S / hidden`, it is
/// `(1 - shrinkage) S + shrinkage mu I`.
pub(crate) struct Shrinkage {
    pub shrinkage: f64,
    scale: f64,
    ridge: f64,
}

impl Shrinkage {
    /// `gram = X X^T`: `[count, count]`, row-major. None where all rows are zero.
    ///
    /// The shrinkage is `min(beta, delta) / delta` with `delta = (||S||^2 - hidden mu^2) / hidden` (how far
    /// the covariance is from a multiple of the identity) and
    /// `beta = (mean_k ||x_k||^4 - ||S||^2) / (hidden count)` (how far it is from what more rows would give),
    /// where `||S||^2 = sum_kl (x_k . x_l)^2 / count^2`. Source: Ledoit & Wolf (2004), "A well-conditioned
    /// estimator for large-dimensional covariance matrices".
    pub fn of(gram: &[f64], count: usize, hidden_size: usize) -> Option<Self> {
        let (rows, hidden) = (count as f64, hidden_size as f64);
        let squares: Vec<f64> = (0..count).map(|i| gram[i * count + i]).collect();
        let trace = sum(&squares) / rows;
        if trace <= 0.0 {
            return None;
        }
        let mu = trace / hidden;
        let norm_square = dot(gram, gram) / (rows * rows);
        let delta = (norm_square - hidden * mu * mu) / hidden;
        let beta = (dot(&squares, &squares) / rows - norm_square) / (hidden * rows);
        // With one dimension the covariance is a multiple of the identity already, and delta is
        // only rounding.
        let shrinkage = match beta {
            _ if hidden_size == 1 || beta <= 0.0 => 0.0,
            _ if beta >= delta => 1.0,
            _ => beta / delta,
        };
        Some(Shrinkage {
            shrinkage,
            scale: (1.0 - shrinkage) / rows,
            ridge: (shrinkage * mu).max(LEAST_RIDGE * trace),
        })
    }

    /// `X Sigma^-1 X^T = G (scale G + ridge I)^-1` with `G = X X^T`: Woodbury's identity.
    pub fn whitened(&self, gram: &[f64], count: usize) -> Vec<f64> {
        let solved = self.inner(gram, count).solve_rows(gram);
        let mut whitened = solved.clone();
        for i in 0..count {
            for j in 0..count {
                whitened[i * count + j] = (solved[i * count + j] + solved[j * count + i]) / 2.0;
            }
        }
        whitened
    }

    /// The weights `w` for which `Sigma^-1 v = (v - X^T w) / ridge`, from `along = X v`: `w = scale
    /// (scale G + ridge I)^-1 X v`. Woodbury's identity too. Where groups of the rows add up to
    /// zero, so do their weights.
    pub fn taken_away(&self, gram: &[f64], along: &[f64]) -> Vec<f64> {
        let solved = self.inner(gram, along.len()).solve(along);
        solved.into_iter().map(|value| self.scale * value).collect()
    }

    /// `scale G + ridge I`.
    fn inner(&self, gram: &[f64], count: usize) -> Cholesky {
        let mut inner: Vec<f64> = gram.iter().map(|value| self.scale * value).collect();
        for i in 0..count {
            inner[i * count + i] += self.ridge;
        }
        Cholesky::of(inner, count)
    }
}
