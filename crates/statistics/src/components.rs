//! Where rows are in the plane in which they differ most.

use crate::eigen::greatest_eigenpairs;
use crate::products::gram;
use crate::sums::dot;

/// Centred rows whose squared norms add up to less than this share of the uncentred ones' are only
/// rounding.
const ROUNDING: f64 = 1e-13;

/// The first two principal components of some rows.
#[derive(Clone, Debug, PartialEq)]
pub struct PrincipalComponents {
    /// Each row's place along the first and the second one, in the rows' units; 0 is the mean of
    /// all rows.
    pub places: Vec<[f64; 2]>,
    /// The part of the rows' variance that each accounts for.
    pub shares: [f64; 2],
}

/// The principal components of `rows`, `[rows, hidden]`, about their mean.
///
/// With the eigenvector `u` of the centred rows' inner products and its eigenvalue `lambda`, row
/// `i` is at `sqrt(lambda) u_i`, and the share is `lambda` over the sum of all eigenvalues. A
/// component has no inherent sign: it is turned so that `sum_i toward_i u_i` is not negative, and
/// where that is zero so that its first coordinate that isn't zero is positive. With 1/n for rows
/// of one condition and -1/n for those of another, it points from the second toward the first. Rows
/// that are all the same are at 0, with shares of 0. Source: Pearson (1901); as in scikit-learn's
/// `PCA`, but for the signs.
pub fn principal_components(rows: &[&[f32]], toward: &[f64]) -> PrincipalComponents {
    let count = rows.len();
    let (centred, square) = centred(rows);
    let centred: Vec<&[f64]> = centred.iter().map(Vec::as_slice).collect();
    let products = gram(&centred);
    let variance: f64 = (0..count).map(|i| products[i * count + i]).sum();
    if count == 0 || variance <= ROUNDING * square {
        return PrincipalComponents {
            places: vec![[0.0; 2]; count],
            shares: [0.0; 2],
        };
    }
    let along = greatest_eigenpairs::<2>(products, count).map(|(value, vector)| {
        let length = value.max(0.0).sqrt() * sign(&vector, toward);
        let places: Vec<f64> = vector.iter().map(|part| length * part).collect();
        (places, (value.max(0.0) / variance).min(1.0))
    });
    let [(first, first_share), (second, second_share)] = along;
    PrincipalComponents {
        places: first.into_iter().zip(second).map(|(a, b)| [a, b]).collect(),
        shares: [first_share, second_share],
    }
}

/// The rows less their mean, and the sum of all squares before.
fn centred(rows: &[&[f32]]) -> (Vec<Vec<f64>>, f64) {
    let hidden_size = rows.first().map_or(0, |row| row.len());
    let (mut mean, mut square) = (vec![0.0; hidden_size], 0.0);
    for row in rows {
        for (sum, &value) in mean.iter_mut().zip(*row) {
            let value = f64::from(value);
            *sum += value;
            square += value * value;
        }
    }
    mean.iter_mut().for_each(|sum| *sum /= rows.len() as f64);
    let less_mean = |row: &&[f32]| {
        let pairs = row.iter().zip(&mean);
        pairs.map(|(&value, mean)| f64::from(value) - mean).collect()
    };
    (rows.iter().map(less_mean).collect(), square)
}

fn sign(vector: &[f64], toward: &[f64]) -> f64 {
    let overlap = dot(vector, toward);
    let first = vector.iter().find(|value| **value != 0.0);
    match (overlap, first) {
        (0.0, Some(first)) => first.signum(),
        (0.0, None) => 1.0,
        _ => overlap.signum(),
    }
}
