//! Numbers that must agree.

use std::path::Path;

use results::Run;

use crate::problem::Problem;

/// Says so where a table has another number of rows than one of `allowed`.
pub fn require_rows(
    run: &Run,
    path: &Path,
    rows: usize,
    allowed: &[usize],
    why: &str,
    problems: &mut Vec<Problem>,
) {
    if !allowed.contains(&rows) {
        let words: Vec<String> = allowed.iter().map(usize::to_string).collect();
        let message = format!("{rows} rows, not {} ({why})", words.join(" or "));
        problems.push(Problem::of_file(&run.layout().inside(path), message));
    }
}

/// Two numbers that differ by rounding only: `tolerance` is relative to the larger one, or to 1 for
/// small ones.
pub fn are_near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}
