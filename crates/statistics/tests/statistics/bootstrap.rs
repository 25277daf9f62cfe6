use statistics::{
    BOOTSTRAP_DRAWS, Interval, PairedGram, PairedRows, bootstrap, bootstrap_mean, bootstrap_statistic,
    contrast_norm_unbiased, quantile, resampled, similarity,
};

use crate::numbers::{norm, paired_rows, without_contrast};
use crate::reference::{
    TOLERANCE, all_close, cases, close, fixture, interval_close, numbers, paired_rows as rows_of,
};

#[test]
fn numpy_gives_the_same_figures_of_drawn_rows() {
    for case in cases() {
        let raw = PairedGram::of(&case.rows);
        let counts: Vec<u16> = numbers(&case.expected["counts"])
            .into_iter()
            .map(|count| count as u16)
            .collect();
        let figures = resampled(&raw, &counts);
        for (name, value) in [
            ("within_plus", figures.within_plus),
            ("within_minus", figures.within_minus),
            ("within", figures.within),
            ("cross", figures.cross),
            ("difference", figures.difference),
            ("matched", figures.matched),
            ("contrast_norm", figures.contrast_norm),
        ] {
            close(
                &format!("{} {name}", case.name),
                value,
                &case.expected["resampled"][name],
            );
        }
        let unbiased = contrast_norm_unbiased(&raw).unwrap();
        close(case.name, unbiased, &case.expected["contrast_norm_unbiased"]);
    }
}

#[test]
fn drawing_every_prompt_once_gives_the_figures_themselves() {
    let raw = PairedGram::of(&paired_rows(71, 7, 9, 1.0));
    let figures = similarity(&raw.unit()).unwrap();
    let once = resampled(&raw, &[1; 7]);
    for (value, expected) in [
        (once.within_plus, figures.within_plus),
        (once.within_minus, figures.within_minus),
        (once.cross, figures.cross),
        (once.difference, figures.difference),
        (once.matched, figures.matched),
        (once.contrast_norm, contrast_norm_unbiased(&raw).unwrap()),
    ] {
        assert!((value - expected).abs() < 1e-14, "{value} is not {expected}");
    }
}

#[test]
fn scipy_gives_the_same_intervals_but_for_the_draws() {
    let expected = fixture("bootstrap");
    let intervals = bootstrap(&PairedGram::of(&rows_of(expected)), 3).unwrap();
    for (name, interval) in [
        ("within_plus", intervals.within_plus),
        ("cross", intervals.cross),
        ("difference", intervals.difference),
        ("matched", intervals.matched),
        ("contrast_norm", intervals.contrast_norm),
    ] {
        interval_close(name, interval, &expected["intervals"][name]);
    }
    let expected = fixture("bootstrap_mean");
    let interval = bootstrap_mean(&numbers(&expected["values"]), 5_000, 3).unwrap();
    interval_close("mean", interval, &expected["interval"]);
}

#[test]
fn the_norm_free_of_noise_is_right_on_average_where_the_plain_one_is_not() {
    // Differences of two uniform numbers have the variance 2/3; the direction is the same in all.
    let (prompts, hidden, rounds) = (5, 30, 200);
    let (mut plain, mut unbiased) = (0.0, 0.0);
    for round in 0..rounds {
        let rows = paired_rows(72 + round, prompts, hidden, 0.0);
        let mut mean = vec![0.0; hidden];
        for difference in rows.differences() {
            for (mean, value) in mean.iter_mut().zip(difference) {
                *mean += value / prompts as f64;
            }
        }
        plain += norm(&mean).powi(2) / rounds as f64;
        unbiased += contrast_norm_unbiased(&PairedGram::of(&rows)).unwrap().powi(2) / rounds as f64;
    }
    let noise = 2.0 / 3.0 * hidden as f64 / prompts as f64;
    assert!((plain / noise - 1.0).abs() < 0.1, "{plain} is not {noise}");
    assert!(unbiased < 0.2 * noise, "{unbiased}");
}

#[test]
fn a_contrast_of_zero_has_the_norm_zero() {
    let raw = PairedGram::of(&without_contrast(73, 4, 5));
    assert_eq!(contrast_norm_unbiased(&raw), Some(0.0));
    assert_eq!(
        bootstrap(&raw, 1).unwrap().contrast_norm,
        Interval { low: 0.0, high: 0.0 }
    );
}

/// Two prompts leave one draw that holds a pair: both, once each. An interval of it would have no
/// width.
#[test]
fn two_prompts_have_no_intervals() {
    let rows = paired_rows(74, 3, 5, 1.0);
    let of = |prompts: usize| PairedRows {
        plus: rows.plus[..prompts].to_vec(),
        minus: rows.minus[..prompts].to_vec(),
    };
    for prompts in [1, 2] {
        assert_eq!(bootstrap(&PairedGram::of(&of(prompts)), 1), None);
    }
    let intervals = bootstrap(&PairedGram::of(&of(3)), 1).unwrap();
    assert!(intervals.within.low < intervals.within.high);
}

#[test]
fn numpy_gives_the_same_quantiles() {
    let expected = fixture("quantile");
    let values = numbers(&expected["values"]);
    let places = numbers(&expected["places"]);
    let quantiles: Vec<f64> = places.iter().map(|&place| quantile(&values, place)).collect();
    all_close(
        TOLERANCE,
        "quantile",
        &quantiles,
        &numbers(&expected["quantiles"]),
    );
    assert_eq!(quantile(&[7.0], 0.3), 7.0);
    assert_eq!(quantile(&[], 0.3), 0.0);
}

#[test]
fn a_statistic_gets_as_many_indices_as_there_are_units() {
    let interval = bootstrap_statistic(9, 50, 1, |indices| {
        assert_eq!(indices.len(), 9);
        assert!(indices.iter().all(|&index| index < 9));
        indices[0] as f64
    })
    .unwrap();
    assert!(interval.low < 2.0 && interval.high > 6.0, "{interval:?}");
    assert_eq!(bootstrap_statistic(1, 50, 1, |_| 1.0), None);
    assert_eq!(bootstrap_statistic(0, 50, 1, |_| 1.0), None);
    assert_eq!(bootstrap_mean(&[2.5], 50, 1), None);
    assert_eq!(
        bootstrap_mean(&[2.5; 4], 50, 1),
        Some(Interval { low: 2.5, high: 2.5 })
    );
}

#[test]
fn seeds_decide_the_draws() {
    let raw = PairedGram::of(&paired_rows(75, 8, 6, 0.5));
    assert_eq!(BOOTSTRAP_DRAWS, 5000);
    assert_eq!(bootstrap(&raw, 1), bootstrap(&raw, 1));
    assert_ne!(bootstrap(&raw, 1), bootstrap(&raw, 2));
}
