//! Sums against the definitions: every row with every other.

use analyze::{
    ConditionSums, analyze_layer, cosine_matrix, mean_of_all, mean_of_pairs, sum_by_pooling, unit_rows,
};
use results::Activation;
use terms::Pooling;

use crate::example::activation;
use crate::numbers::Numbers;

const HIDDEN: usize = 48;

/// How the rows of a condition are distributed: `spread` is how far each is from the condition's
/// own direction, and `outlier` multiplies three of the dimensions, as in real residual streams.
struct Cloud {
    spread: f32,
    outlier: f32,
}

const CLOUDS: [Cloud; 5] = [
    Cloud {
        spread: 1.0,
        outlier: 1.0,
    },
    // No direction in common: the mean cosines are near zero.
    Cloud {
        spread: 1e6,
        outlier: 1.0,
    },
    // Nearly parallel: the mean cosines differ from 1 in the twelfth digit.
    Cloud {
        spread: 1e-6,
        outlier: 1.0,
    },
    Cloud {
        spread: 1.0,
        outlier: 1e4,
    },
    Cloud {
        spread: 1e-3,
        outlier: 1e30,
    },
];

fn rows(numbers: &mut Numbers, cloud: &Cloud, count: usize) -> Vec<Vec<f32>> {
    let centre: Vec<f32> = (0..HIDDEN).map(|_| numbers.next()).collect();
    let scale = |index: usize| if index % 16 == 3 { cloud.outlier } else { 1.0 };
    let row = |numbers: &mut Numbers| {
        let values = centre.iter().enumerate();
        values
            .map(|(index, value)| (value + cloud.spread * numbers.next()) * scale(index))
            .collect()
    };
    (0..count).map(|_| row(numbers)).collect()
}

fn sums(name: &str, rows: &[Vec<f32>]) -> ConditionSums {
    let mut sums = ConditionSums::new(name, HIDDEN);
    rows.iter().for_each(|row| sums.add(row));
    sums
}

#[track_caller]
fn close(value: f64, expected: f64, scale: f64) {
    let error = (value - expected).abs() / scale;
    assert!(error < 1e-9, "{value} is not {expected}: {error:e}");
}

#[test]
fn sums_give_the_means_of_the_cosine_matrices() {
    let mut numbers = Numbers(11);
    for cloud in &CLOUDS {
        for count in [2, 3, 7, 64, 257] {
            let (a, b) = (
                rows(&mut numbers, cloud, count),
                rows(&mut numbers, cloud, count + 1),
            );
            let (units_a, units_b) = (unit_rows(&a), unit_rows(&b));
            let (sums_a, sums_b) = (sums("a", &a), sums("b", &b));
            let within = mean_of_pairs(&cosine_matrix(&units_a, &units_a));
            close(sums_a.mean_within(), within, 1.0);
            let within = mean_of_pairs(&cosine_matrix(&units_b, &units_b));
            close(sums_b.mean_within(), within, 1.0);
            let across = mean_of_all(&cosine_matrix(&units_a, &units_b));
            close(sums_a.mean_across(&sums_b), across, 1.0);
            close(sums_b.mean_across(&sums_a), across, 1.0);
        }
    }
}

/// What is left of 1 when rows are nearly parallel must itself be right, not only small.
#[test]
fn the_spread_of_nearly_parallel_rows_is_not_lost_in_rounding() {
    let mut numbers = Numbers(12);
    let cloud = Cloud {
        spread: 1e-4,
        outlier: 1.0,
    };
    let rows = rows(&mut numbers, &cloud, 200);
    let units = unit_rows(&rows);
    let direct = 1.0 - mean_of_pairs(&cosine_matrix(&units, &units));
    let summed = 1.0 - sums("a", &rows).mean_within();
    assert!(direct > 0.0 && direct < 1e-6, "{direct:e}");
    assert!(
        (summed / direct - 1.0).abs() < 1e-5,
        "{summed:e} is not {direct:e}"
    );
}

#[test]
fn a_layers_figures_are_those_of_the_definitions() {
    let mut numbers = Numbers(13);
    for cloud in &CLOUDS {
        for count in [2, 5, 90] {
            let by_condition = ["normal", "swapped"].map(|name| (name, rows(&mut numbers, cloud, count)));
            let activations: Vec<Activation> = by_condition
                .iter()
                .flat_map(|(name, rows)| {
                    let of_row = |(index, row): (usize, &Vec<f32>)| {
                        activation(name, &format!("prompt-{index}"), Pooling::Last, row)
                    };
                    rows.iter().enumerate().map(of_row)
                })
                .collect();
            // In uneven pieces, as batches may come.
            let batches = activations.chunks(7).map(|batch| Ok(batch.to_vec()));
            let layer = sum_by_pooling("a".as_ref(), 0, &["normal", "swapped"], batches)
                .unwrap()
                .remove(0);
            let analysis = analyze_layer(&layer, &layer.conditions[0], &layer.conditions[1]);
            let [(_, positive), (_, negative)] = &by_condition;
            check_vectors(&analysis.contrast, positive, negative);
            let norms = positive.iter().chain(negative).map(|row| norm(row));
            let mean_norm = norms.sum::<f64>() / (2 * count) as f64;
            close(analysis.summary.mean_residual_norm, mean_norm, mean_norm);
        }
    }
}

fn check_vectors(contrast: &[f64], positive: &[Vec<f32>], negative: &[Vec<f32>]) {
    let mean = |rows: &[Vec<f32>], index: usize| {
        rows.iter().map(|row| f64::from(row[index])).sum::<f64>() / rows.len() as f64
    };
    for (index, value) in contrast.iter().enumerate() {
        let (positive, negative) = (mean(positive, index), mean(negative, index));
        close(*value, positive - negative, positive.abs().max(negative.abs()));
    }
}

fn norm(row: &[f32]) -> f64 {
    row.iter()
        .map(|value| f64::from(*value).powi(2))
        .sum::<f64>()
        .sqrt()
}
