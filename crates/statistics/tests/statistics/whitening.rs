use statistics::{PairedGram, PairedRows, similarity, whitened};

use crate::numbers::{paired_rows, without_contrast};
use crate::reference::{all_close, cases, close_within, number, numbers};

fn entries(gram: &PairedGram) -> Vec<f64> {
    let size = 2 * gram.prompts();
    (0..size)
        .flat_map(|i| (0..size).map(move |j| gram.get(i, j)))
        .collect()
}

#[test]
fn scikit_learn_gives_the_same_whitened_rows() {
    let mut wholly_shrunk = 0;
    for case in cases() {
        let centred = PairedGram::of(&case.rows).centred();
        let result = whitened(&centred, case.rows.hidden_size());
        let expected = &case.expected["whitened"];
        let shrinkage = number(&expected["shrinkage"]);
        close_within(1e-9, case.name, result.shrinkage, shrinkage);
        wholly_shrunk += u32::from(result.shrinkage == 1.0);
        let rows: Vec<f64> = expected["gram"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(numbers)
            .collect();
        all_close(1e-9, case.name, &entries(&result.gram), &rows);
    }
    assert_eq!(wholly_shrunk, 1);
}

/// With few dimensions and many rows hardly anything is shrunk, and white rows have the mean square
/// 1 in each.
#[test]
fn whitened_rows_have_about_unit_variance_in_every_dimension() {
    let hidden = 3;
    let mut rows = paired_rows(51, 400, hidden, 1.0);
    for row in rows.plus.iter_mut().chain(&mut rows.minus) {
        row[1] *= 30.0;
    }
    let result = whitened(&PairedGram::of(&rows).centred(), hidden);
    let count = 2 * result.gram.prompts();
    let squares: f64 = (0..count).map(|i| result.gram.get(i, i)).sum();
    let mean_square = squares / (count * hidden) as f64;
    assert!(result.shrinkage < 0.02, "{}", result.shrinkage);
    assert!(mean_square > 0.6 && mean_square <= 1.0, "{mean_square}");
}

#[test]
fn rows_that_are_all_the_same_give_zeros() {
    let mut rows = without_contrast(52, 5, 6);
    rows.plus = vec![rows.plus[0].clone(); 5];
    rows.minus.clone_from(&rows.plus);
    let result = whitened(&PairedGram::of(&rows).centred(), 6);
    assert_eq!(result.shrinkage, 1.0);
    assert_eq!(entries(&result.gram), vec![0.0; 100]);
    assert_eq!(similarity(&result.gram.unit()), None);
}

/// Two clusters of equal rows are on one line, and Ledoit and Wolf shrink nothing: the least ridge
/// is all that keeps the covariance invertible. One dimension is as white as it gets: `x^2 / mean
/// x^2`.
#[test]
fn rows_in_one_line_are_whitened_along_it() {
    let two_clusters = PairedRows {
        plus: vec![vec![3.0, 1.0, 2.0]; 4],
        minus: vec![vec![1.0, 1.0, -2.0]; 4],
    };
    let result = whitened(&PairedGram::of(&two_clusters).centred(), 3);
    assert!(result.shrinkage < 1e-12, "{}", result.shrinkage);
    for i in 0..8 {
        let sign = if i < 4 { 1.0 } else { -1.0 };
        let entry = result.gram.get(0, i);
        assert!((entry - sign).abs() < 1e-5, "{entry}");
    }
    let one_dimension = PairedRows {
        plus: vec![vec![1.0], vec![2.0]],
        minus: vec![vec![-1.0], vec![-2.0]],
    };
    let result = whitened(&PairedGram::of(&one_dimension).centred(), 1);
    assert_eq!(result.shrinkage, 0.0);
    assert!((result.gram.get(0, 1) - 2.0 / 2.5).abs() < 1e-9);
}
