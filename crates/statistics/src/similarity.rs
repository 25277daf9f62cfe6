//! Mean cosines within and across conditions.

use crate::gram::PairedGram;

/// Mean cosines, between -1 and 1, no unit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SimilarityFigures {
    /// `mean_{i != j} cos(a_i, a_j)`.
    pub within_plus: f64,
    /// `mean_{i != j} cos(b_i, b_j)`.
    pub within_minus: f64,
    /// `(within_plus + within_minus) / 2`.
    pub within: f64,
    /// `mean_{i, j} cos(a_i, b_j)` over all `n^2` pairs, a prompt with itself too.
    pub cross: f64,
    /// `within - cross`.
    pub difference: f64,
    /// `mean_i cos(a_i, b_i)`: a prompt in one condition with the same prompt in the other.
    pub matched: f64,
}

/// The mean cosines of rows whose cosines `unit` holds; see [`PairedGram::unit`]. None where they
/// are not defined: with fewer than two prompts, and where a row is zero. Source: the method's
/// `analyze_similarity_for_layer`; `matched` is an addition.
pub fn similarity(unit: &PairedGram) -> Option<SimilarityFigures> {
    let n = unit.prompts();
    if n < 2 || unit.lacks_cosines() {
        return None;
    }
    let pairs = (n * (n - 1)) as f64;
    // Rounding must not carry a mean of cosines beyond 1.
    let mean = |sum: f64, count: f64| (sum / count).clamp(-1.0, 1.0);
    let within_plus = mean(off_diagonal_sum(n, |i, j| unit.get(i, j)), pairs);
    let within_minus = mean(off_diagonal_sum(n, |i, j| unit.get(n + i, n + j)), pairs);
    let matched_sum: f64 = (0..n).map(|i| unit.get(i, n + i)).sum();
    let cross_sum = off_diagonal_sum(n, |i, j| unit.get(i, n + j)) + matched_sum;
    let within = (within_plus + within_minus) / 2.0;
    let cross = mean(cross_sum, (n * n) as f64);
    Some(SimilarityFigures {
        within_plus,
        within_minus,
        within,
        cross,
        difference: within - cross,
        matched: mean(matched_sum, n as f64),
    })
}

fn off_diagonal_sum(n: usize, entry: impl Fn(usize, usize) -> f64) -> f64 {
    let others = |i: usize| (0..n).filter(move |&j| j != i);
    (0..n).map(|i| others(i).map(|j| entry(i, j)).sum::<f64>()).sum()
}
