//! The contrast vector and projections on it. Source: the method's `compute_contrast_vector`.

/// The contrast vector `v = mean(positive) - mean(negative)`, all three `[hidden]`: it points
/// toward the positive condition.
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

/// How far `activation` reaches along `direction`: `dot(h, v) / ||v||`, in the residual stream's
/// units.
///
/// Both are `[hidden]`. `length` is `||v||`, given so that it is computed once for many rows. A
/// zero direction points nowhere, so the projection on it is 0.
pub fn projection(activation: &[f32], direction: &[f64], length: f64) -> f64 {
    if length == 0.0 {
        return 0.0;
    }
    let products = activation.iter().zip(direction).map(|(&h, v)| f64::from(h) * v);
    products.sum::<f64>() / length
}
