use analyze::{LayerAnalysis, PooledSums, analyze_layer, difference, norm, projection, sum_by_pooling};
use pipeline::VectorKind;
use results::Activation;

use crate::example::{Example, Tables, four_rows};

fn sums(rows: Vec<Activation>) -> PooledSums {
    sum_by_pooling("example.parquet".as_ref(), 7, &["normal", "swapped"], [Ok(rows)])
        .unwrap()
        .remove(0)
}

fn analyze(layer: &PooledSums, positive: &str, negative: &str) -> LayerAnalysis {
    analyze_layer(
        layer,
        layer.condition(positive).unwrap(),
        layer.condition(negative).unwrap(),
    )
}

/// The tables of a run over one layer.
fn tables(rows: &[Activation], positive: &str, negative: &str) -> Tables {
    let example = Example::new();
    example.write_layer(0, rows);
    example.tables(&example.pipeline(positive, negative))
}

fn projections(tables: &Tables) -> Vec<f64> {
    tables.projections.iter().map(|row| row.projection).collect()
}

#[test]
fn means_difference_and_projection_by_hand() {
    let layer = sums(four_rows());
    let (positive, negative) = (layer.conditions[0].mean(), layer.conditions[1].mean());
    assert_eq!(
        (&positive[..], &negative[..]),
        (&[2.0, 2.0, 0.0][..], &[0.0, 2.5, 2.0][..])
    );
    let contrast = difference(&positive, &negative);
    assert_eq!(contrast, [2.0, -0.5, -2.0]);
    assert_eq!(norm(&contrast), 8.25_f64.sqrt());
    assert_eq!(
        projection(&[3.0, 4.0, 0.0], &contrast, norm(&contrast)),
        4.0 / 8.25_f64.sqrt()
    );
}

#[test]
fn one_layer_by_hand() {
    let analysis = analyze(&sums(four_rows()), "normal", "swapped");
    let summary = &analysis.summary;
    let close =
        |value: f64, expected: f64| assert!((value - expected).abs() < 1e-15, "{value} is not {expected}");
    close(summary.avg_within_positive, 0.6);
    close(summary.avg_within_negative, 0.6);
    close(summary.avg_within_category, 0.6);
    // who x who 0, who x job 0, job x who 0.8, job x job 0.48.
    close(summary.avg_cross_category, 0.32);
    close(summary.similarity_difference, 0.28);
    close(summary.contrast_norm, 8.25_f64.sqrt());
    close(summary.mean_residual_norm, (1.0 + 5.0 + 2.0 + 5.0) / 4.0);
    assert_eq!((summary.layer, summary.pooling.as_str()), (7, "newline"));
    let kinds: Vec<String> = analysis
        .vectors
        .iter()
        .map(|row| row.vector_name.name())
        .collect();
    assert_eq!(kinds, ["contrast", "mean.normal", "mean.swapped"]);
    assert_eq!(analysis.vectors[0].vector, [2.0, -0.5, -2.0]);
    assert_eq!(analysis.vectors[2].vector, [0.0, 2.5, 2.0]);
}

#[test]
fn swapping_positive_and_negative_flips_contrast_and_projections() {
    let (forward, backward) = (
        tables(&four_rows(), "normal", "swapped"),
        tables(&four_rows(), "swapped", "normal"),
    );
    let flipped: Vec<f64> = projections(&backward).iter().map(|value| -value).collect();
    assert_eq!(projections(&forward), flipped);
    let contrast = |tables: &Tables| {
        let row = tables
            .vectors
            .iter()
            .find(|row| row.vector_name == VectorKind::Contrast)
            .unwrap();
        row.vector.clone()
    };
    assert_eq!(
        contrast(&forward),
        contrast(&backward)
            .iter()
            .map(|value| -value)
            .collect::<Vec<f32>>()
    );
    assert_eq!(
        forward.summaries[0].similarity_difference,
        backward.summaries[0].similarity_difference
    );
    assert_eq!(forward.similarities, backward.similarities);
}

/// With equal conditions the cross matrix is a within matrix whose diagonal counts: cross = (1 +
/// (n-1) within) / n, so within - cross = (within - 1) / n.
#[test]
fn equal_conditions_have_no_contrast_and_a_known_difference() {
    let mut rows = four_rows();
    for index in 0..2 {
        rows[index + 2].activation = rows[index].activation.clone();
    }
    let tables = tables(&rows, "normal", "swapped");
    let summary = &tables.summaries[0];
    assert_eq!(summary.contrast_norm, 0.0);
    assert_eq!(projections(&tables), [0.0; 4]);
    assert!((summary.similarity_difference - (0.6 - 1.0) / 2.0).abs() < 1e-15);
}

#[test]
fn projections_of_the_means_differ_by_the_contrast_norm() {
    let tables = tables(&four_rows(), "normal", "swapped");
    let values = projections(&tables);
    let gap = (values[0] + values[1]) / 2.0 - (values[2] + values[3]) / 2.0;
    assert!((gap - tables.summaries[0].contrast_norm).abs() < 1e-14);
}
