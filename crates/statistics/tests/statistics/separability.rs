use statistics::{PairedGram, PairedRows, separability};

use crate::numbers::{paired_rows, rows_sharing, without_contrast};
use crate::reference::{TOLERANCE, all_close, cases, close, numbers};

#[test]
fn numpy_and_scikit_learn_give_the_same_figures() {
    for case in cases() {
        let expected = &case.expected["separability"];
        let result = separability(&PairedGram::of(&case.rows)).unwrap();
        for (scores, name) in [
            (&result.scores_plus, "scores_plus"),
            (&result.scores_minus, "scores_minus"),
        ] {
            let what = format!("{} {name}", case.name);
            all_close(TOLERANCE, &what, scores, &numbers(&expected[name]));
        }
        close(case.name, result.auc, &expected["auc"]);
        close(case.name, result.accuracy, &expected["accuracy"]);
        close(case.name, result.effect_size.unwrap(), &expected["effect_size"]);
    }
}

#[test]
fn a_contrast_of_zero_separates_nothing() {
    let result = separability(&PairedGram::of(&without_contrast(91, 6, 9))).unwrap();
    assert_eq!(
        (result.auc, result.accuracy, result.effect_size),
        (0.5, 0.5, None)
    );
    assert_eq!(result.scores_plus, [0.0; 6]);
}

/// All scores of a condition are the same: they separate, but there is no standard deviation to count in.
#[test]
fn scores_that_do_not_vary_have_no_effect_size() {
    let rows = PairedRows {
        plus: vec![vec![0.3, 1.7, 2.0]; 5],
        minus: vec![vec![0.1, 1.1, 2.9]; 5],
    };
    let result = separability(&PairedGram::of(&rows)).unwrap();
    assert_eq!(
        (result.auc, result.accuracy, result.effect_size),
        (1.0, 1.0, None)
    );
}

/// Again, except for rounding: prompts differ at right angles to the contrast, which is the same in all.
#[test]
fn scores_that_vary_by_rounding_alone_have_no_effect_size() {
    for seed in 0..10 {
        let mut rows = paired_rows(94 + seed, 6, 20, 0.0);
        // Numbers of many sizes, whose products f64 has to round.
        let values = rows.plus.iter_mut().flatten();
        values.for_each(|value| *value = 3.3 * value.powi(3));
        rows.minus.clone_from(&rows.plus);
        rows.plus
            .iter_mut()
            .for_each(|row| row[..2].copy_from_slice(&[0.3, 0.7]));
        rows.minus
            .iter_mut()
            .for_each(|row| row[..2].copy_from_slice(&[-0.3, -0.7]));
        let result = separability(&PairedGram::of(&rows)).unwrap();
        assert_eq!(
            (result.auc, result.accuracy, result.effect_size),
            (1.0, 1.0, None)
        );
    }
}

/// The first two differences cancel, so that the third prompt has no direction to be scored by.
#[test]
fn a_prompt_whose_others_cancel_has_the_scores_zero() {
    for seed in 0..10 {
        let mut rows = rows_of_multiples(940 + seed, 3, 30);
        for k in 0..30 {
            rows.plus[1][k] = rows.minus[1][k] + rows.minus[0][k] - rows.plus[0][k];
        }
        let result = separability(&PairedGram::of(&rows)).unwrap();
        assert_eq!((result.scores_plus[2], result.scores_minus[2]), (0.0, 0.0));
        assert_ne!(result.scores_plus[0], 0.0);
    }
}

/// Multiples of 1/1024: their sums are exact in f32.
fn rows_of_multiples(seed: u64, prompts: usize, hidden: usize) -> PairedRows {
    let rows = paired_rows(seed, prompts, hidden, 1.0);
    let rounded = |rows: &[Vec<f32>]| {
        rows.iter()
            .map(|row| {
                row.iter()
                    .map(|value| (value * 1024.0).round() / 1024.0)
                    .collect()
            })
            .collect()
    };
    PairedRows {
        plus: rounded(&rows.plus),
        minus: rounded(&rows.minus),
    }
}

#[test]
fn swapping_the_conditions_changes_no_figure() {
    let rows = paired_rows(92, 7, 9, 0.5);
    let swapped = PairedRows {
        plus: rows.minus.clone(),
        minus: rows.plus.clone(),
    };
    let (result, swapped) = (
        separability(&PairedGram::of(&rows)).unwrap(),
        separability(&PairedGram::of(&swapped)).unwrap(),
    );
    assert_eq!(result.auc, swapped.auc);
    assert_eq!(result.accuracy, swapped.accuracy);
    assert!((result.effect_size.unwrap() - swapped.effect_size.unwrap()).abs() < 1e-12);
}

/// What the documentation says about data without a difference: no bias to either side, but a different scatter from
/// that of `n` plus and `n` minus scores that are independent, `sqrt((2n + 1) / (12 n^2))`.
#[test]
fn without_a_difference_the_auc_lies_about_a_half_but_is_no_test() {
    let (mean, scatter) = auc_of_nothing(0.0);
    assert!((mean - 0.5).abs() < 0.03, "{mean}");
    assert!(scatter > 1.15, "{scatter}");
    let (mean, scatter) = auc_of_nothing(4.0);
    assert!((mean - 0.5).abs() < 0.03, "{mean}");
    assert!(scatter < 0.7, "{scatter}");
}

/// The mean of the AUC and its scatter in units of that formula, when a prompt's two rows share this much.
fn auc_of_nothing(share: f32) -> (f64, f64) {
    const PROMPTS: usize = 10;
    const ROUNDS: u64 = 400;
    let areas: Vec<f64> = (0..ROUNDS)
        .map(|round| {
            separability(&PairedGram::of(&rows_sharing(
                share,
                9_300 + round,
                PROMPTS,
                14,
                0.0,
            )))
            .unwrap()
            .auc
        })
        .collect();
    let squares: f64 = areas.iter().map(|area| (area - 0.5).powi(2)).sum();
    let n = PROMPTS as f64;
    let independent = ((2.0 * n + 1.0) / (12.0 * n * n)).sqrt();
    let rounds = ROUNDS as f64;
    (
        areas.iter().sum::<f64>() / rounds,
        (squares / rounds).sqrt() / independent,
    )
}
