//! The contrast vector and projections on it. Source: the method's `compute_contrast_vector`.

/// The mean over prompts, `m[k] = sum_i rows[i][k] / prompts`.
///
/// `rows`: `[prompts, hidden]`, at least one row; the result: `[hidden]`, in the residual stream's units.
pub fn mean_row(rows: &[Vec<f32>]) -> Vec<f64> {
    let hidden_size = rows.first().map_or(0, Vec::len);
    let sum_of = |index: usize| rows.iter().map(|row| f64::from(row[index])).sum::<f64>();
    (0..hidden_size)
        .map(|index| sum_of(index) / rows.len() as f64)
        .collect()
}

/// The contrast vector `v = mean(positive) - mean(negative)`, all three `[hidden]`: it points toward the
/// positive condition.
pub fn difference(positive: &[f64], negative: &[f64]) -> Vec<f64> {
    positive
        .iter()
        .zip(negative)
        .map(|(positive, negative)| positive - negative)
        .collect()
}

/// The Euclidean norm `||v||`, in the units of `v`.
pub fn norm(vector: &[f64]) -> f64 {
    vector.iter().map(|value| value * value).sum::<f64>().sqrt()
}

/// How far `activation` reaches along `direction`: `dot(h, v) / ||v||`, in the residual stream's units.
///
/// Both are `[hidden]`. A zero direction points nowhere, so the projection on it is 0.
pub fn projection(activation: &[f32], direction: &[f64]) -> f64 {
    let length = norm(direction);
    if length == 0.0 {
        return 0.0;
    }
    activation
        .iter()
        .zip(direction)
        .map(|(&h, v)| f64::from(h) * v)
        .sum::<f64>()
        / length
}
