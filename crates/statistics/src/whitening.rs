//! Rows made alike in all directions, so that a few dimensions with large variance don't decide
//! every cosine.

use crate::gram::PairedGram;
use crate::shrinkage::Shrinkage;

/// Rows after whitening.
#[derive(Clone, Debug, PartialEq)]
pub struct Whitened {
    /// `X Sigma^-1 X^T`, no unit: the inner products of the rows `Sigma^(-1/2) x`.
    pub gram: PairedGram,
    /// How much of the covariance is the identity's: 0 to 1.
    pub shrinkage: f64,
}

/// The inner products `X Sigma^-1 X^T` of the whitened rows, where `X` are the `2n` centred rows
/// (`centred` holds `X X^T`; see [`PairedGram::centred`]) and `Sigma` is their shrunk covariance
/// `(1 - shrinkage) X^T X / 2n + shrinkage mu I`, `mu = trace(X^T X / 2n) / hidden`.
///
/// Assumes that the covariance of all rows is what should count as alike, labels aside: swapping
/// labels leaves it as it is, so that label swaps remain a fair test after it. A row that is the
/// mean of all gives zeros; rows that are all the same give only zeros and the shrinkage 1. Where
/// the shrinkage is next to nothing, `Sigma` keeps a ridge of 1e-11 of its trace. Source: Ledoit &
/// Wolf (2004), "A well-conditioned estimator for large-dimensional covariance matrices"; the same
/// as scikit-learn's `ledoit_wolf`.
pub fn whitened(centred: &PairedGram, hidden_size: usize) -> Whitened {
    let prompts = centred.prompts();
    let rows = 2 * prompts;
    match Shrinkage::of(centred.values(), rows, hidden_size) {
        Some(shrunk) => Whitened {
            gram: PairedGram::new(prompts, shrunk.whitened(centred.values(), rows)),
            shrinkage: shrunk.shrinkage,
        },
        None => Whitened {
            gram: PairedGram::new(prompts, vec![0.0; rows * rows]),
            shrinkage: 1.0,
        },
    }
}
