use statistics::{PairedGram, PairedRows, label_swap_tests, prompts_for, similarity, smallest_p};

use crate::numbers::{paired_rows, without_contrast};
use crate::reference::{TOLERANCE, all_close, cases, close, fixture, numbers, paired_rows as rows_of};

fn unit(rows: &PairedRows) -> PairedGram {
    PairedGram::of(rows).unit()
}

#[test]
fn scipy_gives_the_same_p_values() {
    let mut compared = 0;
    for case in cases() {
        let expected = &case.expected["label_swap"];
        let family = label_swap_tests(&[unit(&case.rows)], 1);
        let test = family.tests[0];
        let observed = &case.expected["similarity"]["difference"];
        close(case.name, test.observed, observed);
        if expected.is_null() {
            assert!(!family.exact);
            continue;
        }
        assert!(family.exact);
        assert_eq!(family.labellings, 1 << case.rows.prompts());
        close(case.name, test.observed, &expected["observed"]);
        close(case.name, test.centre, &expected["centre"]);
        close(
            case.name,
            test.standard_deviation,
            &expected["standard_deviation"],
        );
        close(case.name, test.p, &expected["p"]);
        assert_eq!(test.p, test.p_family);
        compared += 1;
    }
    assert_eq!(compared, 5);
}

#[test]
fn numpy_gives_the_same_p_values_of_a_family() {
    let expected = fixture("family");
    let layers = expected["layers"].as_array().unwrap();
    let layers: Vec<PairedGram> = layers.iter().map(|layer| unit(&rows_of(layer))).collect();
    let family = label_swap_tests(&layers, 1);
    let p: Vec<f64> = family.tests.iter().map(|test| test.p).collect();
    let p_family: Vec<f64> = family.tests.iter().map(|test| test.p_family).collect();
    all_close(TOLERANCE, "p", &p, &numbers(&expected["p"]));
    all_close(TOLERANCE, "p_family", &p_family, &numbers(&expected["p_family"]));
    assert!(p_family[0] > p[0]);
}

/// The formula for the statistic against labels that are really swapped, for every labelling of 9
/// prompts.
#[test]
fn relabelled_rows_have_the_statistic_of_the_formula() {
    let rows = paired_rows(61, 9, 11, 0.5);
    let test = label_swap_tests(&[unit(&rows)], 1).tests[0];
    let differences: Vec<f64> = (0..1 << 9)
        .map(|labelling| {
            similarity(&unit(&relabelled(&rows, labelling)))
                .unwrap()
                .difference
        })
        .collect();
    let count = differences.len() as f64;
    let mean = differences.iter().sum::<f64>() / count;
    let squares: f64 = differences.iter().map(|value| (value - mean).powi(2)).sum();
    assert!((test.observed - differences[0]).abs() < 1e-14);
    assert!((test.centre - mean).abs() < 1e-14);
    assert!((test.standard_deviation - (squares / count).sqrt()).abs() < 1e-14);
    let observed = (differences[0] - mean).abs() - 1e-13;
    let as_extreme = differences
        .iter()
        .filter(|&value| (value - mean).abs() >= observed);
    assert_eq!(test.p, as_extreme.count() as f64 / count);
}

fn relabelled(rows: &PairedRows, labelling: usize) -> PairedRows {
    let mut rows = rows.clone();
    for prompt in 0..rows.prompts() {
        if labelling >> prompt & 1 == 1 {
            std::mem::swap(&mut rows.plus[prompt], &mut rows.minus[prompt]);
        }
    }
    rows
}

#[test]
fn a_strong_difference_has_the_smallest_p_there_is() {
    for (prompts, expected) in [(3, 0.25), (6, 2.0 / 64.0), (14, 2.0 / 16_384.0), (30, 1e-4)] {
        let family = label_swap_tests(&[unit(&paired_rows(62, prompts, 60, 6.0))], 5);
        assert_eq!(family.tests[0].p, expected, "{prompts} prompts");
        assert_eq!(family.smallest_p, expected);
        assert_eq!(smallest_p(prompts), expected);
        assert_eq!(family.exact, prompts <= 14);
        assert_eq!(
            family.labellings,
            if prompts <= 14 { 1 << prompts } else { 9_999 }
        );
    }
    // Two prompts have two values of the statistic, both as far from their mean.
    let family = label_swap_tests(&[unit(&paired_rows(62, 2, 60, 6.0))], 5);
    assert_eq!((family.tests[0].p, family.smallest_p), (1.0, 1.0));
}

/// Drawn labellings must agree with what all labellings give: here with 14 prompts and with one
/// more of no weight in the statistic's spread, since its rows are the same.
#[test]
fn drawn_labellings_agree_with_all_of_them() {
    let rows = paired_rows(63, 14, 8, 0.4);
    let exact = label_swap_tests(&[unit(&rows)], 1).tests[0];
    let mut with_one_more = rows;
    let same = with_one_more.plus[0].clone();
    with_one_more.plus.push(same.clone());
    with_one_more.minus.push(same);
    let family = label_swap_tests(&[unit(&with_one_more)], 1);
    assert!(!family.exact);
    let drawn = family.tests[0];
    // Six standard errors of a share.
    let allowed = 6.0 * (exact.p * (1.0 - exact.p) / 9_999.0).sqrt();
    assert!(exact.p > 0.001 && exact.p < 0.9, "{}", exact.p);
    assert!(
        (drawn.p - exact.p).abs() < allowed,
        "{} is not {}",
        drawn.p,
        exact.p
    );
}

#[test]
fn a_contrast_of_zero_has_p_1_and_takes_no_part_in_the_family() {
    let strong = unit(&paired_rows(64, 8, 20, 4.0));
    let nothing = unit(&without_contrast(65, 8, 20));
    let alone = label_swap_tests(std::slice::from_ref(&strong), 1);
    let family = label_swap_tests(&[nothing, strong], 1);
    let [nothing, strong] = family.tests[..] else {
        panic!("two layers have two tests");
    };
    assert_eq!((nothing.p, nothing.p_family), (1.0, 1.0));
    assert_eq!(nothing.standard_deviation, 0.0);
    assert_eq!(strong, alone.tests[0]);
    let none = label_swap_tests(&[], 1);
    assert_eq!((none.tests.len(), none.labellings), (0, 0));
}

/// Rows three times as long have the same cosines, except for rounding, which must not pass for a
/// difference.
#[test]
fn rows_that_differ_in_length_alone_have_p_1() {
    for seed in 0..10 {
        let mut rows = paired_rows(660 + seed, 8, 20, 0.0);
        // Multiples of 1/1024, so that three times each is exact in f32.
        let values = rows.plus.iter_mut().flatten();
        values.for_each(|value| *value = (*value * 1024.0).round() / 1024.0);
        rows.minus.clone_from(&rows.plus);
        rows.minus.iter_mut().flatten().for_each(|value| *value *= 3.0);
        let test = label_swap_tests(&[unit(&rows)], 1).tests[0];
        assert_eq!((test.standard_deviation, test.p, test.p_family), (0.0, 1.0, 1.0));
    }
}

/// Conditions that are more alike than random labels would make them: every labelling but this one
/// and its opposite moves the means apart.
#[test]
fn conditions_that_are_too_alike_are_as_extreme() {
    let mut rows = paired_rows(66, 10, 40, 4.0);
    for prompt in 0..5 {
        std::mem::swap(&mut rows.plus[prompt], &mut rows.minus[prompt]);
    }
    let test = label_swap_tests(&[unit(&rows)], 1).tests[0];
    assert!(test.observed < test.centre);
    assert!(test.p < 0.7, "{}", test.p);
    assert!(test.p > smallest_p(10));
}

#[test]
fn enough_prompts_for_a_p_value() {
    assert_eq!(prompts_for(0.05), 6);
    assert_eq!(prompts_for(0.01), 8);
    assert_eq!(prompts_for(2.0 / 64.0), 7);
    assert_eq!(prompts_for(0.000_11), 15);
    assert_eq!(prompts_for(0.000_1), usize::MAX);
}

/// Under no difference one test in twenty comes out below 0.05, and so does one family in twenty.
#[test]
fn under_no_difference_the_test_errs_as_often_as_it_says() {
    const SIMULATIONS: u64 = 300;
    let (mut single, mut whole_family) = (0, 0);
    for simulation in 0..SIMULATIONS {
        let layers: Vec<PairedGram> = (0..3)
            .map(|layer| unit(&paired_rows(7_000 + 10 * simulation + layer, 12, 16, 0.0)))
            .collect();
        let tests = label_swap_tests(&layers, simulation).tests;
        single += u32::from(tests[0].p < 0.05);
        whole_family += u32::from(tests.iter().any(|test| test.p_family < 0.05));
    }
    for (what, errors) in [("single", single), ("family", whole_family)] {
        let rate = f64::from(errors) / SIMULATIONS as f64;
        assert!((0.02..=0.085).contains(&rate), "{what}: {rate}");
    }
}
