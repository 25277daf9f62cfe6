//! What one pass over a condition's rows keeps: sums, from which their mean and the means of their
//! cosines follow without comparing any pair of rows.
//!
//! With the unit rows `u_i = x_i / ||x_i||` and their sum `S = sum_i u_i`, the cosines of all `n^2`
//! pairs add up to `sum_ij u_i . u_j = S . S`. The pairs of a row with itself are `sum_i u_i . u_i`
//! of that, which is `n` except for rounding; subtracting the actual sum cancels the rounding too.
//! What remains of it must not push a mean of cosines above 1.

/// The sums over the rows `x_1 .. x_n` of one condition, `[hidden]` each, in f64 and in the order
/// of the rows.
#[derive(Clone, Debug)]
pub struct ConditionSums {
    pub name: String,
    /// The number of rows, `n`.
    pub count: usize,
    /// `sum_i ||x_i||`, in the residual stream's units.
    pub norms: f64,
    /// `sum_i x_i`: `[hidden]`, in the residual stream's units.
    rows: Vec<f64>,
    /// `S = sum_i u_i`: `[hidden]`, no unit.
    units: Vec<f64>,
    /// `sum_i u_i . u_i`.
    unit_squares: f64,
}

impl ConditionSums {
    pub fn new(name: &str, hidden_size: usize) -> Self {
        ConditionSums {
            name: name.to_owned(),
            count: 0,
            norms: 0.0,
            rows: vec![0.0; hidden_size],
            units: vec![0.0; hidden_size],
            unit_squares: 0.0,
        }
    }

    /// Adds a row of `[hidden]`, which must not be zero; [`sum_by_pooling`](crate::sum_by_pooling)
    /// sees to that.
    pub fn add(&mut self, row: &[f32]) {
        let norm = row
            .iter()
            .map(|&value| f64::from(value).powi(2))
            .sum::<f64>()
            .sqrt();
        let sums = self.rows.iter_mut().zip(&mut self.units);
        for (&value, (row_sum, unit_sum)) in row.iter().zip(sums) {
            let value = f64::from(value);
            let unit = value / norm;
            *row_sum += value;
            *unit_sum += unit;
            self.unit_squares += unit * unit;
        }
        self.norms += norm;
        self.count += 1;
    }

    pub fn hidden_size(&self) -> usize {
        self.rows.len()
    }

    /// The mean row, `sum_i x_i / n`: `[hidden]`, in the residual stream's units. Source: the
    /// method's `compute_contrast_vector`.
    pub fn mean(&self) -> Vec<f64> {
        self.rows.iter().map(|sum| sum / self.count as f64).collect()
    }

    /// The mean cosine of two different rows, `(S . S - sum_i u_i . u_i) / (n (n - 1))`; `n` is at
    /// least 2. It is [`mean_of_pairs`](crate::mean_of_pairs) of the cosine matrix of the rows with
    /// themselves.
    pub fn mean_within(&self) -> f64 {
        let pairs = self.count as f64 * (self.count as f64 - 1.0);
        ((dot(&self.units, &self.units) - self.unit_squares) / pairs).clamp(-1.0, 1.0)
    }

    /// The mean cosine of one of these `m` rows with one of the other `n`, `S_a . S_b / (m n)`. It
    /// is [`mean_of_all`](crate::mean_of_all) of their cosine matrix.
    pub fn mean_across(&self, other: &Self) -> f64 {
        let pairs = self.count as f64 * other.count as f64;
        (dot(&self.units, &other.units) / pairs).clamp(-1.0, 1.0)
    }
}

fn dot(a: &[f64], b: &[f64]) -> f64 {
    a.iter().zip(b).map(|(a, b)| a * b).sum()
}
