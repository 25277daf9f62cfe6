//! Sums over slices, in an order that is fixed and that the compiler can still vectorise.

const LANES: usize = 8;

/// `sum_i a_i b_i`. Both have the same length.
pub(crate) fn dot(a: &[f64], b: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (a_blocks, a_rest) = a.as_chunks::<LANES>();
    let (b_blocks, b_rest) = b.as_chunks::<LANES>();
    for (a, b) in a_blocks.iter().zip(b_blocks) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    let rest: f64 = a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum();
    lanes.iter().sum::<f64>() + rest
}

/// `sum_i values_i`.
pub(crate) fn sum(values: &[f64]) -> f64 {
    let mut lanes = [0.0; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for lane in 0..LANES {
            lanes[lane] += block[lane];
        }
    }
    lanes.iter().sum::<f64>() + rest.iter().sum::<f64>()
}

/// The mean of values, of which there is at least one.
pub(crate) fn mean(values: &[f64]) -> f64 {
    sum(values) / values.len() as f64
}

/// `sqrt(sum_i a_i^2)`.
pub(crate) fn norm(a: &[f64]) -> f64 {
    dot(a, a).sqrt()
}

/// `a . b / (||a|| ||b||)`, within -1 and 1; none where either is not longer than `least`, which is
/// zero except for rounding.
pub(crate) fn cosine(a: &[f64], b: &[f64], least: f64) -> Option<f64> {
    let (a_norm, b_norm) = (norm(a), norm(b));
    (a_norm > least && b_norm > least).then(|| (dot(a, b) / (a_norm * b_norm)).clamp(-1.0, 1.0))
}

/// The mean of rows, of which there is at least one: `[hidden]`.
pub(crate) fn mean_row(rows: &[Vec<f64>]) -> Vec<f64> {
    let mut mean = vec![0.0; rows.first().map_or(0, Vec::len)];
    for row in rows {
        for (sum, value) in mean.iter_mut().zip(row) {
            *sum += value;
        }
    }
    let count = rows.len() as f64;
    mean.iter_mut().for_each(|sum| *sum /= count);
    mean
}

/// `matrix x`, for a row-major matrix with as many columns as `x` has entries.
pub(crate) fn product(matrix: &[f64], x: &[f64]) -> Vec<f64> {
    matrix.chunks_exact(x.len()).map(|row| dot(row, x)).collect()
}
