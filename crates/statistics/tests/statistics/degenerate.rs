//! Rows about which little or nothing can be said: everything must still be finite, and nothing may
//! panic.

use statistics::{
    Cells, Interval, PairedGram, PairedRows, bootstrap, contrast_norm_unbiased, effects, label_swap_tests,
    logistic_probe, outlier_dimensions, paired_difference_pca, separability, shrinkage_lda, similarity,
    split_half, whitened,
};

use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

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
    check("one prompt", rows.plus[..1].to_vec(), rows.minus[..1].to_vec());
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

/// Rows as a generator of degenerate cases makes them: few prompts, few dimensions, copies, zeros,
/// constants, one line.
fn degenerate(generator: &mut ChaCha8Rng) -> PairedRows {
    let prompts = generator.random_range(1..=9);
    let hidden = generator.random_range(1..=12);
    let mut rows = paired_rows(
        generator.random(),
        prompts,
        hidden,
        generator.random_range(0.0..2.0),
    );
    for _ in 0..generator.random_range(0..=4) {
        spoil(&mut rows, generator);
        let values = rows.plus.iter_mut().chain(&mut rows.minus).flatten();
        values.for_each(|value| *value = value.clamp(-1e30, 1e30));
    }
    rows
}

fn spoil(rows: &mut PairedRows, generator: &mut ChaCha8Rng) {
    let (prompt, other) = (
        generator.random_range(0..rows.prompts()),
        generator.random_range(0..rows.prompts()),
    );
    let dimension = generator.random_range(0..rows.hidden_size());
    let value: f32 = [0.0, 1.0, 0.1, 1e-30, 1e20, 3.3e7][generator.random_range(0..6)];
    let all = |rows: &mut PairedRows, change: &dyn Fn(&mut Vec<f32>)| {
        rows.plus.iter_mut().chain(&mut rows.minus).for_each(change);
    };
    match generator.random_range(0..13) {
        // A prompt is a copy of another.
        0 => {
            rows.plus[prompt] = rows.plus[other].clone();
            rows.minus[prompt] = rows.minus[other].clone();
        }
        1 => rows.plus = vec![rows.plus[prompt].clone(); rows.prompts()],
        2 => rows.minus = vec![rows.minus[prompt].clone(); rows.prompts()],
        3 => rows.minus.clone_from(&rows.plus),
        4 => {
            rows.minus = rows
                .plus
                .iter()
                .map(|row| row.iter().map(|value| -value).collect())
                .collect();
        }
        5 => rows.minus = rows.plus.iter().rev().cloned().collect(),
        6 => all(rows, &|row| row[dimension] = value),
        7 => rows.plus[prompt].fill(0.0),
        8 => all(rows, &|row| row.iter_mut().for_each(|entry| *entry *= 1e-18)),
        // All rows on one line.
        9 => {
            let line = rows.plus[0].clone();
            all(rows, &|row| {
                let first = row[0];
                row.iter_mut()
                    .zip(&line)
                    .for_each(|(entry, along)| *entry = first * along);
            });
        }
        10 => all(rows, &|row| row.fill(value)),
        // The mean of all other rows.
        11 => {
            let count = (2 * rows.prompts() - 1) as f32;
            for k in 0..rows.hidden_size() {
                let all = rows.plus.iter().chain(&rows.minus).map(|row| row[k]);
                let rest = all.sum::<f32>() - rows.plus[prompt][k];
                rows.plus[prompt][k] = rest / count;
            }
        }
        // A difference of one unit in the last place.
        _ => {
            let bits = rows.plus[prompt][dimension].to_bits();
            rows.minus = rows.plus.clone();
            rows.minus[prompt][dimension] = f32::from_bits(bits ^ 1);
        }
    }
}

fn is_cosine(what: &str, value: f64, rows: &PairedRows) {
    assert!((-1.0..=1.0).contains(&value), "{what} is {value} of {rows:?}");
}

fn is_interval(what: &str, interval: Interval, rows: &PairedRows) {
    is_cosine(what, interval.low, rows);
    is_cosine(what, interval.high, rows);
    assert!(interval.low <= interval.high, "{what}: {interval:?} of {rows:?}");
}

fn check_cosines(raw: &PairedGram, rows: &PairedRows) {
    let centred = raw.centred();
    let white = whitened(&centred, rows.hidden_size());
    assert!((0.0..=1.0).contains(&white.shrinkage), "{rows:?}");
    for (what, gram) in [
        ("raw", raw.unit()),
        ("centred", centred.unit()),
        ("whitened", white.gram.unit()),
    ] {
        for i in 0..2 * rows.prompts() {
            for j in (0..2 * rows.prompts()).filter(|j| i != *j) {
                // Except for the last bit of a row with itself.
                is_cosine(what, gram.get(i, j) * (1.0 - 4.0 * f64::EPSILON), rows);
            }
        }
        let Some(figures) = similarity(&gram) else {
            continue;
        };
        for value in [
            figures.within_plus,
            figures.within_minus,
            figures.cross,
            figures.matched,
        ] {
            is_cosine(what, value, rows);
        }
    }
}

fn check_intervals(raw: &PairedGram, rows: &PairedRows) {
    let Some(intervals) = bootstrap(raw, 1) else {
        return;
    };
    assert!(rows.prompts() > 2, "{rows:?}");
    for (what, interval) in [
        ("within plus", intervals.within_plus),
        ("within minus", intervals.within_minus),
        ("cross", intervals.cross),
        ("matched", intervals.matched),
    ] {
        is_interval(what, interval, rows);
    }
}

fn check_tests(raw: &PairedGram, rows: &PairedRows) {
    let unit = raw.unit();
    let family = label_swap_tests(&[unit.clone(), raw.centred().unit(), unit], 1);
    assert!(family.smallest_p * family.labellings as f64 >= 1.0, "{family:?}");
    for test in &family.tests {
        let is_valid = family.smallest_p <= test.p && test.p <= test.p_family && test.p_family <= 1.0;
        assert!(is_valid, "{test:?} of {rows:?}");
    }
    assert_eq!(family.tests.is_empty(), rows.prompts() < 2);
}

fn check_separation(raw: &PairedGram, rows: &PairedRows) {
    if let Some(halves) = split_half(raw, 1) {
        for value in [
            halves.cosine,
            halves.low,
            halves.high,
            halves.floor.unwrap_or(0.0),
        ] {
            is_cosine("split half", value, rows);
        }
    }
    let Some(found) = separability(raw) else {
        assert_eq!(rows.prompts(), 1);
        return;
    };
    assert!((0.0..=1.0).contains(&found.auc) && (0.0..=1.0).contains(&found.accuracy));
    // A spread that counts is at least what rounding makes of the greatest row, and no score is
    // longer than two rows.
    if let Some(size) = found.effect_size {
        assert!(size.abs() <= 4.0 / f64::from(f32::EPSILON), "{size} of {rows:?}");
    }
}

fn check_effects(rows: &PairedRows) {
    let cells = Cells {
        cells: [[&rows.plus, &rows.minus], [&rows.plus, &rows.plus]],
    };
    let found = effects(&cells, 1);
    for cosine in [
        found.speaker_contrast_cosine,
        found.transcript_contrast_cosine,
        found.speaker_transcript_cosine,
        found.simple_cosine,
    ] {
        is_cosine("effects", cosine.unwrap_or(0.0), rows);
    }
    for share in [found.speaker.share, found.prompt_share, found.residual_share] {
        assert!(
            (0.0..=1.0).contains(&share.unwrap_or(0.0)),
            "{share:?} of {rows:?}"
        );
    }
    assert!(found.speaker.norm_interval.is_none() || rows.prompts() > 2);
}

#[test]
fn figures_of_degenerate_rows_are_within_their_ranges_or_none() {
    let mut generator = ChaCha8Rng::seed_from_u64(20);
    for _ in 0..300 {
        let rows = degenerate(&mut generator);
        let text = everything(&rows);
        assert!(!text.contains("NaN") && !text.contains("inf"), "{rows:?}: {text}");
        let raw = PairedGram::of(&rows);
        check_cosines(&raw, &rows);
        check_intervals(&raw, &rows);
        check_tests(&raw, &rows);
        check_separation(&raw, &rows);
        check_effects(&rows);
    }
}
