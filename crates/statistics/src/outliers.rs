//! Dimensions that carry far more than their share.

use crate::rows::PairedRows;

const MOST: usize = 8;
const LEAST_SHARE: f64 = 0.01;
const LEAST_TIMES_EVEN_SHARE: f64 = 10.0;

/// A dimension and the share of the rows' total squared norm that it carries, 0 to 1.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OutlierDimension {
    /// Its index in a row, from 0.
    pub dimension: usize,
    /// Its share, 0 to 1.
    pub share: f64,
}

/// The dimensions `k` whose share `sum_i (a_ik^2 + b_ik^2) / sum_i (||a_i||^2 + ||b_i||^2)` is at
/// least 0.01 and at least ten times the even share `1 / hidden`: at most the 8 greatest, greatest
/// first, equal ones in the order of the dimensions.
///
/// Residual streams have a few such dimensions, and they can decide cosines by themselves. Rows
/// that are all zero have none. Source: the thresholds are this program's; for the phenomenon see
/// Timkey & van Schijndel (2021), "All Bark and No Bite: Rogue Dimensions in Transformer Language
/// Models Obscure Representational Quality".
pub fn outlier_dimensions(rows: &PairedRows) -> Vec<OutlierDimension> {
    let mut squares = vec![0.0; rows.hidden_size()];
    for row in rows.plus.iter().chain(&rows.minus) {
        for (sum, &value) in squares.iter_mut().zip(row) {
            *sum += f64::from(value).powi(2);
        }
    }
    let total: f64 = squares.iter().sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let least = LEAST_SHARE.max(LEAST_TIMES_EVEN_SHARE / rows.hidden_size() as f64);
    let mut outliers: Vec<OutlierDimension> = squares
        .into_iter()
        .enumerate()
        .map(|(dimension, square)| OutlierDimension {
            dimension,
            share: square / total,
        })
        .filter(|outlier| outlier.share >= least)
        .collect();
    outliers.sort_by(|a, b| b.share.total_cmp(&a.share));
    outliers.truncate(MOST);
    outliers
}
