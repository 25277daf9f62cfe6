use statistics::{
    Direction, PairedGram, PairedRows, logistic_probe, mean_difference, paired_difference_pca, shrinkage_lda,
};

use crate::numbers::{dot, norm, paired_rows, without_contrast};
use crate::reference::{TOLERANCE, all_close, cases, numbers};

fn all_of(raw: &PairedGram, hidden: usize) -> [(&'static str, Direction); 3] {
    [
        ("paired_difference_pca", paired_difference_pca(raw)),
        ("logistic_probe", logistic_probe(raw)),
        ("shrinkage_lda", shrinkage_lda(raw, hidden)),
    ]
}

#[test]
fn numpy_and_scikit_learn_give_the_same_directions() {
    for case in cases() {
        let raw = PairedGram::of(&case.rows);
        for (name, direction) in all_of(&raw, case.rows.hidden_size()) {
            let tolerance = if name == "logistic_probe" { 1e-6 } else { TOLERANCE };
            let what = format!("{} {name}", case.name);
            let expected = numbers(&case.expected["directions"][name]);
            all_close(tolerance, &what, &direction.vector(&case.rows), &expected);
        }
        let contrast = mean_difference(case.rows.prompts()).vector(&case.rows);
        let expected = numbers(&case.expected["directions"]["mean_difference"]);
        all_close(TOLERANCE, case.name, &contrast, &expected);
    }
}

#[test]
fn directions_have_norm_1_and_point_from_minus_to_plus() {
    let rows = paired_rows(101, 30, 50, 1.5);
    let contrast = mean_difference(30).vector(&rows);
    for (name, direction) in all_of(&PairedGram::of(&rows), 50) {
        let vector = direction.vector(&rows);
        assert!((norm(&vector) - 1.0).abs() < 1e-10, "{name}: {}", norm(&vector));
        assert!(dot(&vector, &contrast) > 0.5 * norm(&contrast), "{name}");
        let weights: f64 = direction.plus.iter().chain(&direction.minus).sum();
        assert!(weights.abs() < 1e-10, "{name}: {weights}");
    }
}

/// The gradient of scikit-learn's objective, from the rows, at the probe's own length along its
/// direction.
#[test]
fn no_step_along_or_across_the_probe_makes_it_better() {
    let rows = paired_rows(102, 25, 6, 0.8);
    let probe = logistic_probe(&PairedGram::of(&rows)).vector(&rows);
    let scaled = scaled_rows(&rows);
    let (weights, _) = best_along(&scaled, &probe);
    let best = objective(&scaled, &weights);
    let mut moved = weights.clone();
    for k in 0..6 {
        for step in [-0.05, 0.05] {
            moved[k] = weights[k] + step;
            assert!(objective(&scaled, &moved) > best);
            moved[k] = weights[k];
        }
    }
}

fn scaled_rows(rows: &PairedRows) -> Vec<Vec<f64>> {
    let all: Vec<Vec<f64>> = rows
        .plus
        .iter()
        .chain(&rows.minus)
        .map(|row| row.iter().map(|&value| f64::from(value)).collect())
        .collect();
    let count = all.len() as f64;
    let mean = |k: usize| all.iter().map(|row| row[k]).sum::<f64>() / count;
    let means: Vec<f64> = (0..rows.hidden_size()).map(mean).collect();
    let centred: Vec<Vec<f64>> = all
        .iter()
        .map(|row| row.iter().zip(&means).map(|(value, mean)| value - mean).collect())
        .collect();
    let mean_square = centred.iter().map(|row| dot(row, row)).sum::<f64>() / count;
    let scaled = |row: Vec<f64>| row.iter().map(|value| value / mean_square.sqrt()).collect();
    centred.into_iter().map(scaled).collect()
}

/// The objective at its best intercept, which ternary search finds, as the objective is convex.
fn objective(rows: &[Vec<f64>], weights: &[f64]) -> f64 {
    let scores: Vec<f64> = rows.iter().map(|row| dot(row, weights)).collect();
    let at = |intercept: f64| {
        let losses = scores.iter().enumerate().map(|(index, score)| {
            let sign = if index < rows.len() / 2 { 1.0 } else { -1.0 };
            (-sign * (score + intercept)).exp().ln_1p()
        });
        dot(weights, weights) / 2.0 + losses.sum::<f64>()
    };
    least(at).1
}

fn best_along(rows: &[Vec<f64>], direction: &[f64]) -> (Vec<f64>, f64) {
    let along = |length: f64| -> Vec<f64> { direction.iter().map(|value| value * length).collect() };
    let (length, objective) = least(|length| objective(rows, &along(length)));
    (along(length), objective)
}

fn least(function: impl Fn(f64) -> f64) -> (f64, f64) {
    let (mut low, mut high) = (-20.0, 20.0);
    for _ in 0..80 {
        let (third, two_thirds) = ((2.0 * low + high) / 3.0, (low + 2.0 * high) / 3.0);
        if function(third) < function(two_thirds) {
            high = two_thirds;
        } else {
            low = third;
        }
    }
    (low, function(low))
}

/// The two greatest eigenvalues are close together, where iterating with the matrix would stop too
/// early.
#[test]
fn the_principal_direction_is_found_where_two_are_nearly_as_great() {
    let row = |k: usize, size: f32| {
        let mut row = vec![0.0; 6];
        row[k] = size;
        row
    };
    let rows = PairedRows {
        plus: (0..6)
            .map(|k| row(k, if k == 3 { 1.000_01 } else { 1.0 }))
            .collect(),
        minus: vec![vec![0.0; 6]; 6],
    };
    let vector = paired_difference_pca(&PairedGram::of(&rows)).vector(&rows);
    for (k, value) in vector.into_iter().enumerate() {
        let expected = if k == 3 { 1.0 } else { 0.0 };
        assert!((value - expected).abs() < 1e-9, "{k}: {value}");
    }
}

#[test]
fn many_prompts_have_a_principal_direction_that_is_an_eigenvector() {
    let rows = paired_rows(103, 120, 40, 0.05);
    let vector = paired_difference_pca(&PairedGram::of(&rows)).vector(&rows);
    let mut image = vec![0.0; 40];
    for difference in rows.differences() {
        let along = dot(&difference, &vector);
        for (image, value) in image.iter_mut().zip(difference) {
            *image += along * value;
        }
    }
    let value = dot(&image, &vector);
    let expected: Vec<f64> = vector.iter().map(|part| value * part).collect();
    all_close(1e-10, "eigenvector", &image, &expected);
}

#[test]
fn a_contrast_of_zero_has_no_direction() {
    let rows = without_contrast(104, 6, 9);
    for (name, direction) in all_of(&PairedGram::of(&rows), 9) {
        assert_eq!(direction.vector(&rows), [0.0; 9], "{name}");
    }
}

/// The conditions have the same rows in another order: differences that are not zero, and a
/// contrast that is, but for rounding.
#[test]
fn a_contrast_that_cancels_has_no_direction_but_the_principal_one() {
    for prompts in 3..12 {
        let mut rows = paired_rows(105, prompts, 9, 0.0);
        rows.minus = rows.plus.iter().rev().cloned().collect();
        let raw = PairedGram::of(&rows);
        assert_eq!(
            shrinkage_lda(&raw, 9).vector(&rows),
            [0.0; 9],
            "{prompts} prompts"
        );
        assert_eq!(logistic_probe(&raw).vector(&rows), [0.0; 9], "{prompts} prompts");
        let principal = norm(&paired_difference_pca(&raw).vector(&rows));
        assert!((principal - 1.0).abs() < 1e-10, "{principal}");
    }
}

/// Nothing varies within the conditions, so that there is no covariance to divide by.
#[test]
fn clusters_without_spread_have_the_contrast_as_their_direction() {
    for prompts in 2..20 {
        let [plus, minus] = [0.1_f32, 0.7].map(|base| vec![base + 3.3, base - 1.1, base]);
        let rows = PairedRows {
            plus: vec![plus; prompts],
            minus: vec![minus; prompts],
        };
        let contrast = mean_difference(prompts).vector(&rows);
        let unit: Vec<f64> = contrast.iter().map(|value| value / norm(&contrast)).collect();
        for (name, direction) in all_of(&PairedGram::of(&rows), 3) {
            all_close(1e-9, name, &direction.vector(&rows), &unit);
        }
    }
}
