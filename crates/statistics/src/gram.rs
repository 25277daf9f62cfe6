//! The inner products of the rows, from which nearly everything else follows.

use crate::products::gram;
use crate::rows::PairedRows;
use crate::sums::mean;

/// A centred row whose squared norm is below this share of the greatest uncentred one is only
/// rounding.
const ROUNDING: f64 = 1e-13;

/// Inner products of all `2n` rows: the plus rows first, then the minus rows. `[2n, 2n]`, in
/// squared units of the rows, symmetric.
#[derive(Clone, Debug, PartialEq)]
pub struct PairedGram {
    prompts: usize,
    values: Vec<f64>,
}

impl PairedGram {
    /// `G[i][j] = x_i . x_j` for `x = a_1 .. a_n, b_1 .. b_n`, in f64.
    pub fn of(rows: &PairedRows) -> Self {
        let all: Vec<&[f32]> = rows.plus.iter().chain(&rows.minus).map(Vec::as_slice).collect();
        PairedGram::new(rows.prompts(), gram(&all))
    }

    /// The number of prompts, which is half the number of rows.
    pub fn prompts(&self) -> usize {
        self.prompts
    }

    /// `x_i . x_j`, for `i` and `j` below `2n`: below `n` a plus row, from `n` on a minus row.
    pub fn get(&self, i: usize, j: usize) -> f64 {
        self.values[i * 2 * self.prompts + j]
    }

    /// The cosines, `G_ij / (sqrt(G_ii) sqrt(G_jj))`: the inner products of the rows divided by
    /// their norms. None is farther from 0 than that of a row with itself, which is 1 except for
    /// its last bit. A row that is zero has no cosines: it gets 0 with every row, itself included,
    /// and [`similarity`](crate::similarity) gives nothing then.
    pub fn unit(&self) -> Self {
        let inverse_norm = |square: f64| if square > 0.0 { 1.0 / square.sqrt() } else { 0.0 };
        let inverse_norms: Vec<f64> = self.diagonal().map(inverse_norm).collect();
        let cosine = |i: usize, j: usize| {
            let cosine = self.get(i, j) * (inverse_norms[i] * inverse_norms[j]);
            if cosine.is_finite() { cosine } else { 0.0 }
        };
        // That of a row with itself may be rounded up, and equal rows must have the same with each
        // other.
        let own: Vec<f64> = (0..2 * self.prompts).map(|i| cosine(i, i)).collect();
        self.mapped(|i, j, _| {
            let most = own[i].max(own[j]);
            cosine(i, j).clamp(-most, most)
        })
    }

    /// Whether a row is zero, or not finite: then not all cosines are defined.
    pub(crate) fn lacks_cosines(&self) -> bool {
        self.diagonal()
            .any(|square| !(square > 0.0 && square.is_finite()))
    }

    /// The inner products after the mean of all `2n` rows is subtracted from each of them:
    /// `G_ij - mean_k G_ik - mean_k G_jk + mean_kl G_kl`.
    ///
    /// A row that is the mean itself, except for rounding, gives zeros: its direction would be that
    /// of the rounding. Since this subtracts, entries carry an error of about 1e-16 of the
    /// uncentred rows' squared norms.
    pub fn centred(&self) -> Self {
        let means: Vec<f64> = (0..2 * self.prompts).map(|i| mean(self.row(i))).collect();
        let grand = mean(&means);
        let centred = self.mapped(|i, j, value| value - (means[i] + means[j]) + grand);
        let least = ROUNDING * self.greatest_square();
        let is_zero: Vec<bool> = centred.diagonal().map(|square| square <= least).collect();
        centred.mapped(|i, j, value| if is_zero[i] || is_zero[j] { 0.0 } else { value })
    }

    /// The inner products of the differences, `d_i . d_j = a_i.a_j - a_i.b_j - b_i.a_j + b_i.b_j`:
    /// `[n, n]`, row-major.
    pub fn differences(&self) -> Vec<f64> {
        let n = self.prompts;
        let entry = |i, j| {
            let same = self.get(i, j) + self.get(n + i, n + j);
            same - (self.get(i, n + j) + self.get(n + i, j))
        };
        square(n, entry)
    }

    pub(crate) fn new(prompts: usize, values: Vec<f64>) -> Self {
        PairedGram { prompts, values }
    }

    /// All entries: `[2n, 2n]`, row-major.
    pub(crate) fn values(&self) -> &[f64] {
        &self.values
    }

    pub(crate) fn row(&self, i: usize) -> &[f64] {
        &self.values[i * 2 * self.prompts..][..2 * self.prompts]
    }

    /// The squared norms of the rows.
    pub(crate) fn diagonal(&self) -> impl Iterator<Item = f64> {
        (0..2 * self.prompts).map(|i| self.get(i, i))
    }

    pub(crate) fn trace(&self) -> f64 {
        self.diagonal().sum()
    }

    pub(crate) fn greatest_square(&self) -> f64 {
        self.diagonal().fold(0.0, f64::max)
    }

    /// `a_i . a_j`: `[n, n]`, row-major.
    pub(crate) fn plus(&self) -> Vec<f64> {
        square(self.prompts, |i, j| self.get(i, j))
    }

    /// `b_i . b_j`: `[n, n]`, row-major.
    pub(crate) fn minus(&self) -> Vec<f64> {
        square(self.prompts, |i, j| self.get(self.prompts + i, self.prompts + j))
    }

    /// `(a_i . b_j + a_j . b_i) / 2`: `[n, n]`, row-major. It has the same sums over pairs as `a_i
    /// . b_j` itself, and it is symmetric.
    pub(crate) fn cross(&self) -> Vec<f64> {
        let n = self.prompts;
        square(n, |i, j| (self.get(i, n + j) + self.get(j, n + i)) / 2.0)
    }

    fn mapped(&self, map: impl Fn(usize, usize, f64) -> f64) -> Self {
        let size = 2 * self.prompts;
        let entry = |i, j| map(i, j, self.get(i, j));
        PairedGram::new(self.prompts, square(size, entry))
    }
}

/// A square matrix from its entries, row-major.
pub(crate) fn square(size: usize, entry: impl Fn(usize, usize) -> f64) -> Vec<f64> {
    let mut values = Vec::with_capacity(size * size);
    for i in 0..size {
        values.extend((0..size).map(|j| entry(i, j)));
    }
    values
}
