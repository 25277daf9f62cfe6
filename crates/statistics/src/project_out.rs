//! What is left of a vector after directions are removed from it.

use crate::sums::{dot, norm};

/// How much of a direction must be left after the earlier ones are removed for it to count as new.
const LEAST_LEFT: f64 = 1e-10;

/// `vector` without its part in the span of `directions`: `v - Q Q^T v` for an orthonormal basis
/// `Q` of the span. All have the same length; the result has the units of `vector`.
///
/// Directions need not be independent nor have norm 1: one that is zero, or that the earlier ones
/// already span to within 1e-10 of its norm, is skipped. Without directions the vector stays as it
/// is. Source: modified Gram–Schmidt, done twice, which is orthogonal to working precision (Giraud,
/// Langou & Rozloznik 2005).
pub fn project_out(vector: &[f64], directions: &[Vec<f64>]) -> Vec<f64> {
    let mut basis: Vec<Vec<f64>> = Vec::new();
    for direction in directions {
        let left = taken_from(direction, &basis);
        let length = norm(&left);
        if length > LEAST_LEFT * norm(direction) {
            basis.push(left.iter().map(|value| value / length).collect());
        }
    }
    taken_from(vector, &basis)
}

fn taken_from(vector: &[f64], basis: &[Vec<f64>]) -> Vec<f64> {
    let mut left = vector.to_vec();
    for direction in basis.iter().chain(basis) {
        let along = dot(&left, direction);
        for (value, unit) in left.iter_mut().zip(direction) {
            *value -= along * unit;
        }
    }
    left
}
