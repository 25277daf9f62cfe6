//! Cosine matrices and their means, by definition: every row with every other. Source: the method's
//! `compute_cosine_similarity_matrix` and `analyze_similarity_for_layer`.
//!
//! The table of similarities holds these matrices. The means over many prompts come from sums
//! instead; the tests compare the two.

/// Every row divided by its Euclidean norm: `x / ||x||`.
///
/// `rows`: `[prompts, hidden]`, the residual stream's units. The result has the same shape and no
/// unit. No row may be zero; [`sum_by_pooling`](crate::sum_by_pooling) sees to that.
pub fn unit_rows(rows: &[Vec<f32>]) -> Vec<Vec<f64>> {
    rows.iter()
        .map(|row| {
            let norm = row
                .iter()
                .map(|&value| f64::from(value).powi(2))
                .sum::<f64>()
                .sqrt();
            row.iter().map(|&value| f64::from(value) / norm).collect()
        })
        .collect()
}

/// The cosine of every row of `a` with every row of `b`: `C[i][j] = sum_k a[i][k] * b[j][k]`.
///
/// `a`: `[m, hidden]`, `b`: `[n, hidden]`, both of [`unit_rows`]; the result: `[m, n]`, between -1
/// and 1 whatever rounding does.
pub fn cosine_matrix(a: &[Vec<f64>], b: &[Vec<f64>]) -> Vec<Vec<f64>> {
    let product = |x: &[f64], y: &[f64]| x.iter().zip(y).map(|(x, y)| x * y).sum::<f64>();
    let cosine = |x: &[f64], y: &[f64]| product(x, y).clamp(-1.0, 1.0);
    a.iter()
        .map(|x| b.iter().map(|y| cosine(x, y)).collect())
        .collect()
}

/// The mean over pairs of different prompts: the strict upper triangle of a symmetric `[n, n]`
/// matrix, `sum_{i<j} C[i][j] / (n (n - 1) / 2)`. `n` is at least 2.
pub fn mean_of_pairs(matrix: &[Vec<f64>]) -> f64 {
    let pairs = matrix.len() * (matrix.len() - 1) / 2;
    let above_diagonal = matrix
        .iter()
        .enumerate()
        .flat_map(|(index, row)| &row[index + 1..]);
    above_diagonal.sum::<f64>() / pairs as f64
}

/// The mean over all entries of an `[m, n]` matrix, including the diagonal.
pub fn mean_of_all(matrix: &[Vec<f64>]) -> f64 {
    let entries: usize = matrix.iter().map(Vec::len).sum();
    matrix.iter().flatten().sum::<f64>() / entries as f64
}
