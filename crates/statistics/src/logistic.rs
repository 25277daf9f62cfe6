//! L2-regularised logistic regression of labels on rows that are known by their inner products.

use crate::cholesky::Cholesky;
use crate::sums::{dot, product, sum};

/// Newton's method takes about ten steps; the rest is for rows that are all but separable.
const MOST_STEPS: usize = 100;
const MOST_HALVINGS: usize = 40;
const LEAST_GRADIENT: f64 = 1e-10;

/// The weights `beta` of the rows, which add up to zero, for which `w = sum_k beta_k x_k` and an
/// intercept `c` minimise `||w||^2 / 2 + sum_k log(1 + exp(-y_k (w . x_k + c)))`.
///
/// `kernel = X X^T`: `[count, count]`, row-major. `labels`: 1 or 0, for `y_k` = 1 or -1. The
/// minimum is reached when the gradient's norm is below 1e-10.
pub(crate) fn fit(kernel: &[f64], labels: &[f64]) -> Vec<f64> {
    let mut state = State::at(kernel, labels, vec![0.0; labels.len()], 0.0);
    for _ in 0..MOST_STEPS {
        if state.gradient_norm(kernel) < LEAST_GRADIENT {
            break;
        }
        let (weights, intercept) = state.newton(kernel);
        let Some(next) = state.towards(kernel, labels, &weights, intercept) else {
            break;
        };
        state = next;
    }
    state.weights
}

struct State {
    weights: Vec<f64>,
    intercept: f64,
    /// `w . x_k + c`.
    scores: Vec<f64>,
    /// The label minus its fitted probability.
    residuals: Vec<f64>,
    objective: f64,
}

impl State {
    fn at(kernel: &[f64], labels: &[f64], weights: Vec<f64>, intercept: f64) -> Self {
        let along = product(kernel, &weights);
        let scores: Vec<f64> = along.iter().map(|value| value + intercept).collect();
        let each = || scores.iter().zip(labels);
        let losses: f64 = each().map(|(&score, &label)| loss(score, label)).sum();
        let residuals = each()
            .map(|(&score, &label)| label - probability(score))
            .collect();
        State {
            objective: dot(&weights, &along) / 2.0 + losses,
            residuals,
            scores,
            intercept,
            weights,
        }
    }

    /// Of the gradient with regard to `w`, which is `sum_k (beta_k - residual_k) x_k`, and to `c`.
    fn gradient_norm(&self, kernel: &[f64]) -> f64 {
        let pairs = self.weights.iter().zip(&self.residuals);
        let excess: Vec<f64> = pairs.map(|(weight, residual)| weight - residual).collect();
        let square = dot(&excess, &product(kernel, &excess)).max(0.0);
        (square + sum(&self.residuals).powi(2)).sqrt()
    }

    /// The minimum of the second-order approximation: with the curvatures `h_k = p_k (1 - p_k)` it
    /// solves `(K + H^-1) beta + c = f + residual / h`, `sum_k beta_k = 0`, here through `I +
    /// H^(1/2) K H^(1/2)`, which stays well conditioned where curvatures are small (Rasmussen &
    /// Williams 2006, section 3.4).
    fn newton(&self, kernel: &[f64]) -> (Vec<f64>, f64) {
        let count = self.scores.len();
        let curvature = |&score: &f64| probability(score) * probability(-score);
        let roots: Vec<f64> = self.scores.iter().map(|score| curvature(score).sqrt()).collect();
        let mut inner: Vec<f64> = kernel.to_vec();
        for (row, &root) in inner.chunks_exact_mut(count).zip(&roots) {
            row.iter_mut()
                .zip(&roots)
                .for_each(|(entry, other)| *entry *= root * other);
        }
        (0..count).for_each(|i| inner[i * count + i] += 1.0);
        let factor = Cholesky::of(inner, count);
        let scaled = |values: &[f64]| -> Vec<f64> {
            values
                .iter()
                .zip(&roots)
                .map(|(value, root)| value * root)
                .collect()
        };
        let solved_targets = scaled(&factor.solve(&self.scaled_targets(&roots)));
        let solved_ones = scaled(&factor.solve(&roots));
        let intercept = sum(&solved_targets) / sum(&solved_ones);
        let pairs = solved_targets.iter().zip(&solved_ones);
        let weights = pairs.map(|(target, one)| target - intercept * one).collect();
        (weights, intercept)
    }

    /// `sqrt(h) (f + residual / h)`.
    fn scaled_targets(&self, roots: &[f64]) -> Vec<f64> {
        let each = self.scores.iter().zip(&self.residuals).zip(roots);
        each.map(|((score, residual), root)| root * score + residual / root.max(f64::MIN_POSITIVE))
            .collect()
    }

    /// The whole way to the new weights, or half of it, or a quarter: the first that is no worse
    /// except for rounding.
    fn towards(&self, kernel: &[f64], labels: &[f64], weights: &[f64], intercept: f64) -> Option<State> {
        let acceptable = self.objective + 1e-13 * self.objective.abs();
        let mut share = 1.0;
        for _ in 0..MOST_HALVINGS {
            let between = |from: f64, to: f64| from + share * (to - from);
            let pairs = self.weights.iter().zip(weights);
            let weights = pairs.map(|(&from, &to)| between(from, to)).collect();
            let next = State::at(kernel, labels, weights, between(self.intercept, intercept));
            if next.objective <= acceptable {
                return Some(next);
            }
            share /= 2.0;
        }
        None
    }
}

fn probability(score: f64) -> f64 {
    if score >= 0.0 {
        1.0 / (1.0 + (-score).exp())
    } else {
        score.exp() / (1.0 + score.exp())
    }
}

/// `log(1 + exp(-y f))`.
fn loss(score: f64, label: f64) -> f64 {
    let against = if label > 0.5 { -score } else { score };
    against.max(0.0) + (-against.abs()).exp().ln_1p()
}
