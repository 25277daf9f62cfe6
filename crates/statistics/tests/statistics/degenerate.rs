//! Rows of which little or nothing can be said: everything must still be finite, and nothing may panic.

use statistics::{
    Cells, PairedGram, PairedRows, bootstrap, contrast_norm_unbiased, effects, label_swap_tests,
    logistic_probe, outlier_dimensions, paired_difference_pca, separability, shrinkage_lda, similarity,
    split_half, whitened,
};

use crate::numbers::paired_rows;

fn everything(rows: &PairedRows) -> String {
    let hidden = rows.hidden_size();
    let raw = PairedGram::of(rows);
    let centred = raw.centred();
    let white = whitened(&centred, hidden);
    let tests = label_swap_tests(&[raw.unit(), white.gram.unit()], 1);
    for test in &tests.tests {
        assert!(
            test.p > 0.0 && test.p <= test.p_family && test.p_family <= 1.0,
            "{test:?}"
        );
    }
    let cells = Cells {
        cells: [[&rows.plus, &rows.minus], [&rows.minus, &rows.plus]],
    };
    let directions = [
        paired_difference_pca(&raw),
        logistic_probe(&raw),
        shrinkage_lda(&raw, hidden),
    ];
    format!(
        "{raw:?} {centred:?} {white:?} {tests:?} {directions:?} {:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        similarity(&raw.unit()),
        outlier_dimensions(rows),
        bootstrap(&raw, 1),
        contrast_norm_unbiased(&raw),
        split_half(&raw, 1),
        separability(&raw),
        effects(&cells, 1),
    )
}

fn check(what: &str, plus: Vec<Vec<f32>>, minus: Vec<Vec<f32>>) {
    let text = everything(&PairedRows { plus, minus });
    for word in ["NaN", "inf"] {
        assert!(!text.contains(word), "{what} gives {word}: {text}");
    }
}

#[test]
fn all_figures_are_finite() {
    let rows = paired_rows(131, 4, 5, 1.0);
    let negated: Vec<Vec<f32>> = rows
        .plus
        .iter()
        .map(|row| row.iter().map(|value| -value).collect())
        .collect();
    check("zeros", vec![vec![0.0; 3]; 4], vec![vec![0.0; 3]; 4]);
    check("zeros in one condition", rows.plus.clone(), vec![vec![0.0; 5]; 4]);
    check("opposite rows", rows.plus.clone(), negated);
    check("the same rows", rows.plus.clone(), rows.plus.clone());
    check(
        "one row everywhere",
        vec![rows.plus[0].clone(); 4],
        vec![rows.plus[0].clone(); 4],
    );
    check(
        "two clusters",
        vec![rows.plus[0].clone(); 4],
        vec![rows.minus[0].clone(); 4],
    );
    check(
        "conditions in another order",
        rows.plus.clone(),
        rows.plus.iter().rev().cloned().collect(),
    );
    check(
        "one dimension",
        vec![vec![1.0], vec![2.0]],
        vec![vec![-1.0], vec![3.0]],
    );
    check(
        "one dimension, two clusters",
        vec![vec![1.0]; 2],
        vec![vec![-1.0]; 2],
    );
    check("two prompts", rows.plus[..2].to_vec(), rows.minus[..2].to_vec());
}

#[test]
fn all_figures_are_finite_at_the_ends_of_f32() {
    let rows = paired_rows(132, 4, 5, 1.0);
    for scale in [1e37, 1e-40] {
        let scaled = |rows: &[Vec<f32>]| -> Vec<Vec<f32>> {
            rows.iter()
                .map(|row| row.iter().map(|value| value * scale).collect())
                .collect()
        };
        check(&format!("scale {scale}"), scaled(&rows.plus), scaled(&rows.minus));
    }
}
