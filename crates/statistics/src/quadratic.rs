//! Many quadratic forms of one matrix: what swapping labels and drawing prompts again come down to.

use rayon::prelude::*;

/// This many weightings go through the matrix together; a block of them stays in the cache.
const LANES: usize = 8;

/// `sum_{i != j} w_i w_j A_ij` for every weighting `w`, in their order.
///
/// `matrix`: symmetric, `[n, n]`, row-major; `weightings`: `[count, n]`. Each sum has the same
/// order whatever the other weightings are and however many threads there are.
pub(crate) fn off_diagonal_forms<W: Copy + Into<f64> + Sync>(
    matrix: &[f64],
    weightings: &[Vec<W>],
) -> Vec<f64> {
    let blocks: Vec<[f64; LANES]> = weightings
        .par_chunks(LANES)
        .map(|block| forms_of_block(matrix, block))
        .collect();
    let mut forms = blocks.concat();
    forms.truncate(weightings.len());
    forms
}

/// Twice the sum below the diagonal.
fn forms_of_block<W: Copy + Into<f64>>(matrix: &[f64], weightings: &[Vec<W>]) -> [f64; LANES] {
    let n = weightings.first().map_or(0, Vec::len);
    let mut block = vec![[0.0; LANES]; n];
    for (lane, weights) in weightings.iter().enumerate() {
        for (values, &weight) in block.iter_mut().zip(weights) {
            values[lane] = weight.into();
        }
    }
    let mut forms = [0.0; LANES];
    for (i, own) in block.iter().enumerate() {
        let row = &matrix[i * n..][..i];
        let mut sums = [0.0; LANES];
        for (&entry, values) in row.iter().zip(&block) {
            for lane in 0..LANES {
                sums[lane] += entry * values[lane];
            }
        }
        for lane in 0..LANES {
            forms[lane] += 2.0 * own[lane] * sums[lane];
        }
    }
    forms
}

/// `sum_i w_i A_ii`.
pub(crate) fn diagonal_sum<W: Copy + Into<f64>>(matrix: &[f64], weights: &[W]) -> f64 {
    let n = weights.len();
    let weighted = |(i, &weight): (usize, &W)| weight.into() * matrix[i * n + i];
    weights.iter().enumerate().map(weighted).sum()
}

/// `sum_i w_i^2 A_ii`: what [`off_diagonal_forms`] leaves out of `w^T A w`.
pub(crate) fn diagonal_form<W: Copy + Into<f64>>(matrix: &[f64], weights: &[W]) -> f64 {
    let n = weights.len();
    let weighted = |(i, &weight): (usize, &W)| weight.into().powi(2) * matrix[i * n + i];
    weights.iter().enumerate().map(weighted).sum()
}
