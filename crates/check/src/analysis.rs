//! The tables of the analysis together: numbers of rows, and figures that follow from each other.

use pipeline::VectorKind;
use results::{
    LayerStatistics, Metadata, Projection, Result, Run, Shape, Summary, VectorRow, read_contrast_vectors,
    read_statistics_summary,
};

use crate::activations::Means;
use crate::numbers::are_near;
use crate::problem::Problem;

/// For f64 figures that are the same sum in a different order.
const SAME: f64 = 1e-9;
/// Vectors are rounded to f32.
const ROUNDED: f64 = 1e-6;

pub fn check(run: &Run, shape: &Shape, means: &Means, problems: &mut Vec<Problem>) -> Result<()> {
    let (summaries, metadata) = run.read_with_footer::<Summary>()?;
    check_summaries(run, &summaries, problems);
    check_csv(run, &metadata, &summaries, problems)?;
    check_vectors(run, shape, &metadata, means, problems)?;
    check_projections(run, shape, &metadata, &summaries, problems)?;
    check_statistics(run, problems)
}

fn check_summaries(run: &Run, rows: &[Summary], problems: &mut Vec<Problem>) {
    let file = run.layout().inside(&run.layout().table::<Summary>());
    for (index, row) in rows.iter().enumerate() {
        let within = (row.avg_within_positive + row.avg_within_negative) / 2.0;
        if !are_near(row.avg_within_category, within, SAME) {
            let message = "it is not the mean of the two within figures";
            problems.push(Problem::of_value(&file, "avg_within_category", index, message));
        }
        let difference = row.avg_within_category - row.avg_cross_category;
        if !are_near(row.similarity_difference, difference, SAME) {
            let message = "it is not within minus cross";
            problems.push(Problem::of_value(&file, "similarity_difference", index, message));
        }
    }
}

/// The notebook's table matches the summary for the contrast's pooling.
fn check_csv(run: &Run, metadata: &Metadata, rows: &[Summary], problems: &mut Vec<Problem>) -> Result<()> {
    let path = run.layout().table::<Summary>().with_extension("csv");
    let text = fs_err::read_to_string(&path)?;
    let shown = rows
        .iter()
        .filter(|row| metadata.get("pooling") == Some(row.pooling.as_str()));
    let expected = shown.map(|row| {
        let figures = [
            row.avg_within_category,
            row.avg_cross_category,
            row.similarity_difference,
            row.avg_within_positive,
            row.avg_within_negative,
        ];
        figures
            .iter()
            .fold(row.layer.to_string(), |line, value| format!("{line},{value:?}"))
    });
    if !text.lines().skip(1).eq(expected) {
        let message = "it does not say what summary.parquet says; run `cargo xtask analyze --force`";
        problems.push(Problem::of_file(&run.layout().inside(&path), message));
    }
    Ok(())
}

fn check_vectors(
    run: &Run,
    shape: &Shape,
    metadata: &Metadata,
    means: &Means,
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let file = run.layout().inside(&run.layout().table::<VectorRow>());
    let rows = run.read::<VectorRow>()?;
    let contrast_file = run.layout().inside(&run.layout().contrast_vectors());
    let contrasts = read_contrast_vectors(&run.layout().contrast_vectors())?;
    if contrasts.metadata.get("model_fingerprint") != metadata.get("model_fingerprint") {
        problems.push(Problem::of_file(
            &contrast_file,
            "it is of another model than the tables",
        ));
    }
    let condition = |key: &str| metadata.get(key).unwrap_or_default().to_owned();
    let (positive, negative) = (condition("positive"), condition("negative"));
    let mut contrast_rows = 0;
    for (index, row) in rows.iter().enumerate() {
        let mean = |condition: &str| means.get(&(row.layer, row.pooling, condition.to_owned()));
        let expected = match &row.vector_name {
            VectorKind::Contrast => {
                contrast_rows += 1;
                let (positive, negative) = (mean(&positive), mean(&negative));
                positive
                    .zip(negative)
                    .map(|(a, b)| a.iter().zip(b).map(|(a, b)| a - b).collect())
            }
            VectorKind::Mean(condition) => mean(condition).cloned(),
            _ => Some(
                row.vector
                    .iter()
                    .map(|value| f64::from(*value))
                    .collect::<Vec<f64>>(),
            ),
        };
        if !expected.is_some_and(|expected| is_vector(row, &expected)) {
            let message = format!(
                "`{}` is not what the activations of its layer and pooling make, or has another norm",
                row.vector_name.name()
            );
            problems.push(Problem::of_value(&file, "vector", index, message));
        }
        let is_steered_with = metadata.get("pooling") == Some(row.pooling.as_str());
        let same = contrasts.get(&row.vector_name.name(), row.layer) == Some(row.vector.as_slice());
        if is_steered_with && !same {
            let message = format!(
                "`{}` of layer {} is another one in {}",
                row.vector_name.name(),
                row.layer,
                file.display()
            );
            problems.push(Problem::of_file(&contrast_file, message));
        }
    }
    let expected = shape.layers * shape.poolings.len();
    if contrast_rows != expected {
        let message = format!("{contrast_rows} contrasts, not {expected} (layers x poolings)");
        problems.push(Problem::of_column(&file, "vector_name", message));
    }
    Ok(())
}

fn is_vector(row: &VectorRow, expected: &[f64]) -> bool {
    let norm = expected.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = norm.max(1.0);
    let distances = row
        .vector
        .iter()
        .zip(expected)
        .map(|(a, b)| (f64::from(*a) - b).abs());
    expected.len() == row.vector.len()
        && are_near(row.norm, norm, ROUNDED)
        && distances.fold(0.0, f64::max) <= ROUNDED * scale
}

/// The mean projections of the two conditions differ by the contrast's norm.
fn check_projections(
    run: &Run,
    shape: &Shape,
    metadata: &Metadata,
    summaries: &[Summary],
    problems: &mut Vec<Problem>,
) -> Result<()> {
    let path = run.layout().table::<Projection>();
    let mut apart = vec![0.0; summaries.len()];
    for batch in run.batches::<Projection>()? {
        for row in batch? {
            let sign = match Some(row.condition.as_str()) {
                condition if condition == metadata.get("positive") => 1.0,
                condition if condition == metadata.get("negative") => -1.0,
                _ => continue,
            };
            let of_row = |summary: &Summary| summary.layer == row.layer && summary.pooling == row.pooling;
            if let Some(place) = summaries.iter().position(of_row) {
                apart[place] += sign * row.projection / shape.prompts.len() as f64;
            }
        }
    }
    for (summary, apart) in summaries.iter().zip(apart) {
        if !are_near(apart, summary.contrast_norm, ROUNDED) {
            let message = format!(
                "layer {}, pooling {}: the conditions' means are {apart} apart, and the contrast's norm is {}",
                summary.layer, summary.pooling, summary.contrast_norm
            );
            problems.push(Problem::of_column(
                &run.layout().inside(&path),
                "projection",
                message,
            ));
        }
    }
    Ok(())
}

/// No p-value is smaller than the number of labellings allows.
fn check_p_values(run: &Run, rows: &[LayerStatistics], problems: &mut Vec<Problem>) -> Result<()> {
    let path = run.layout().statistics_summary();
    if !path.exists() {
        return Ok(());
    }
    let summary = read_statistics_summary(&path)?;
    if !(summary.smallest_p > 0.0 && summary.smallest_p <= 1.0) {
        let message = format!(
            "`smallest_p` is {}, and a probability is above 0, at most 1",
            summary.smallest_p
        );
        problems.push(Problem::of_file(&run.layout().inside(&path), message));
    }
    let file = run.layout().inside(&run.layout().table::<LayerStatistics>());
    for (index, row) in rows.iter().enumerate() {
        if row.pooling == summary.pooling && row.permutation_p < summary.smallest_p - SAME {
            let message =
                "it is below the smallest p-value of statistics.json, which the number of prompts allows";
            problems.push(Problem::of_value(&file, "permutation_p", index, message));
        }
    }
    Ok(())
}

fn check_statistics(run: &Run, problems: &mut Vec<Problem>) -> Result<()> {
    let path = run.layout().table::<LayerStatistics>();
    let statistics = run.read::<LayerStatistics>()?;
    for (index, row) in statistics.iter().enumerate() {
        if row.permutation_p > row.permutation_p_family + SAME {
            let message = "it is above the p-value that is corrected for all layers";
            problems.push(Problem::of_value(
                &run.layout().inside(&path),
                "permutation_p",
                index,
                message,
            ));
        }
    }
    check_p_values(run, &statistics, problems)
}
