//! Directions that tell the conditions apart, each as weights of the rows.

use crate::eigen::greatest_eigenpair;
use crate::gram::{PairedGram, square};
use crate::logistic;
use crate::rows::PairedRows;
use crate::shrinkage::Shrinkage;
use crate::sums::{dot, mean, product, sum};

/// A direction as weights of the rows, `sum_i plus[i] a_i + sum_i minus[i] b_i`, so that it can be
/// found from inner products alone. The weights of all rows add up to zero: where the rows are as a
/// whole makes no difference.
#[derive(Clone, Debug, PartialEq)]
pub struct Direction {
    /// The weight of each plus row: `[prompts]`.
    pub plus: Vec<f64>,
    /// The weight of each minus row: `[prompts]`.
    pub minus: Vec<f64>,
}

impl Direction {
    /// The direction itself: `[hidden]`.
    pub fn vector(&self, rows: &PairedRows) -> Vec<f64> {
        let mut vector = vec![0.0; rows.hidden_size()];
        let weights = self.plus.iter().chain(&self.minus);
        for (row, weight) in rows.plus.iter().chain(&rows.minus).zip(weights) {
            for (sum, &value) in vector.iter_mut().zip(row) {
                *sum += weight * f64::from(value);
            }
        }
        vector
    }
}

/// The contrast, `mean_i d_i`, in the residual stream's units: the weights `1/n` and `-1/n`. Its
/// norm is the contrast's, not 1. Source: the method's `compute_contrast_vector`.
pub fn mean_difference(prompts: usize) -> Direction {
    let weight = 1.0 / prompts as f64;
    Direction {
        plus: vec![weight; prompts],
        minus: vec![-weight; prompts],
    }
}

/// The first principal direction of the differences, not centred: the eigenvector of norm 1 of
/// `sum_i d_i d_i^T` with the greatest eigenvalue, turned so that its product with the contrast is
/// not negative.
///
/// With the eigenvector `alpha` of `d_i . d_j` and its eigenvalue `lambda` it is `sum_i alpha_i d_i
/// / sqrt(lambda)`. Differences that are all zero give the weights 0. Source: Zou et al. (2023),
/// "Representation Engineering", whose differences come in random order; here their sign is known
/// and kept.
pub fn paired_difference_pca(raw: &PairedGram) -> Direction {
    let (value, vector) = greatest_eigenpair(raw.differences(), raw.prompts());
    if value <= ROUNDING * raw.greatest_square() {
        return zero(raw.prompts());
    }
    let scale = value.sqrt().copysign(sum(&vector));
    let plus: Vec<f64> = vector.iter().map(|weight| weight / scale).collect();
    let minus = plus.iter().map(|weight| -weight).collect();
    Direction { plus, minus }
}

/// The direction of a logistic probe, of norm 1: `w / ||w||` where `w` and an intercept `c`
/// minimise `||w||^2 / 2 + sum_k log(1 + exp(-y_k (w . x_k + c)))` over all `2n` rows, `y` = 1 for
/// plus and -1 for minus.
///
/// `x = (row - mean) / s` with the mean of all `2n` rows and `s` the root mean square of the
/// centred rows' norms, so that the penalty means the same in every layer. Pairs are not used as
/// such. It is scikit-learn's `LogisticRegression(C=1)` on these `x`. Rows that don't differ
/// between the conditions give the weights 0. Source: linear probes, Alain & Bengio (2016),
/// "Understanding intermediate layers using linear classifier probes".
pub fn logistic_probe(raw: &PairedGram) -> Direction {
    let prompts = raw.prompts();
    let centred = raw.centred();
    let mean_square = centred.trace() / (2 * prompts) as f64;
    if mean_square <= 0.0 {
        return zero(prompts);
    }
    let kernel: Vec<f64> = centred.values().iter().map(|value| value / mean_square).collect();
    let labels: Vec<f64> = (0..2 * prompts)
        .map(|row| if row < prompts { 1.0 } else { 0.0 })
        .collect();
    let weights = logistic::fit(&kernel, &labels);
    of_norm_one(raw, &centred, &weights)
}

/// The direction of linear discriminant analysis with a shrunk covariance, of norm 1: along
/// `Sigma^-1 (mean a - mean b)`.
///
/// `Sigma` is Ledoit and Wolf's covariance of the `2n` rows, each less the mean of its condition;
/// see [`whitened`](crate::whitened) for the formula and for the least ridge. `Sigma^-1` goes
/// through Woodbury's identity. A contrast of zero gives the weights 0; rows that are all the same
/// within their conditions give the contrast's direction. Source: Fisher (1936); Ledoit & Wolf
/// (2004).
pub fn shrinkage_lda(raw: &PairedGram, hidden_size: usize) -> Direction {
    let prompts = raw.prompts();
    let contrast = mean_difference(prompts);
    let mut weights = [contrast.plus, contrast.minus].concat();
    let centred = raw.centred();
    let residual = class_centred(&centred);
    if let Some(shrunk) = Shrinkage::of(&residual, 2 * prompts, hidden_size) {
        let along = less_class_means(&product(centred.values(), &weights));
        let taken = shrunk.taken_away(&residual, &along);
        weights
            .iter_mut()
            .zip(taken)
            .for_each(|(weight, taken)| *weight -= taken);
    }
    of_norm_one(raw, &centred, &weights)
}

/// A squared norm below this share of the rows' greatest, for weights whose squares add up to 1, is
/// rounding.
const ROUNDING: f64 = 1e-14;

fn zero(prompts: usize) -> Direction {
    Direction {
        plus: vec![0.0; prompts],
        minus: vec![0.0; prompts],
    }
}

/// The weights of all rows, which add up to zero, divided by the norm of their direction.
fn of_norm_one(raw: &PairedGram, centred: &PairedGram, weights: &[f64]) -> Direction {
    let square = dot(weights, &product(centred.values(), weights));
    if square <= ROUNDING * raw.greatest_square() * dot(weights, weights) {
        return zero(raw.prompts());
    }
    let norm = square.sqrt();
    let unit: Vec<f64> = weights.iter().map(|weight| weight / norm).collect();
    let (plus, minus) = unit.split_at(raw.prompts());
    Direction {
        plus: plus.to_vec(),
        minus: minus.to_vec(),
    }
}

/// The inner products after each condition's mean is subtracted from its rows; zeros where only
/// rounding is left.
fn class_centred(centred: &PairedGram) -> Vec<f64> {
    let size = 2 * centred.prompts();
    let by_row: Vec<f64> = (0..size).flat_map(|i| less_class_means(centred.row(i))).collect();
    let transposed = square(size, |i, j| by_row[j * size + i]);
    let twice: Vec<f64> = transposed.chunks_exact(size).flat_map(less_class_means).collect();
    let greatest = (0..size).map(|i| twice[i * size + i]).fold(0.0, f64::max);
    if greatest <= ROUNDING_OF_CENTRED * centred.greatest_square() {
        return vec![0.0; size * size];
    }
    square(size, |i, j| (twice[i * size + j] + twice[j * size + i]) / 2.0)
}

const ROUNDING_OF_CENTRED: f64 = 1e-13;

/// The first half of the values less its mean, then the second half less its own.
fn less_class_means(values: &[f64]) -> Vec<f64> {
    let (plus, minus) = values.split_at(values.len() / 2);
    let less_mean = |values: &[f64]| -> Vec<f64> {
        let mean = mean(values);
        values.iter().map(|value| value - mean).collect()
    };
    [less_mean(plus), less_mean(minus)].concat()
}
