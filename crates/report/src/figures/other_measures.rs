//! The difference and the direction of the contrast, found in other ways.

use anyhow::Result;
use pages::chart_style::{BLUE, GREEN, ORANGE, PURPLE, VERMILLION, axis, chart};
use plotly::common::DashType;
use plotly::layout::AxisRange;
use results::LayerStatistics;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::figure::{Figure, Size};

pub const SIMILARITIES: Figure = Figure {
    id: "other-similarities",
    section: "certainty",
    label: "The similarity difference measured in other ways, by layer",
    size: Size::Full(420),
    draw: |content| similarities(&content.inputs.evidence.statistics).map(Some),
    caption: "The same difference measured in other ways. Centred: the mean of all residuals is \
        subtracted first, so that a direction that all of them share does not make everything \
        similar; cosines then range more widely, from −1 to 1, so only sign and shape can be \
        compared with the others. Whitened: directions in which residuals vary a lot count no more \
        than others. Without outlier dimensions: a few large ones do not decide. Rounded to bf16: \
        as published tables were computed. Where all are above zero, the difference does not \
        depend on how it is measured. {{ outliers }} Data: \
        <a href=\"{{ links.statistics|safe }}\">statistics.parquet</a>, \
        <a href=\"{{ links.outliers|safe }}\">outliers.parquet</a>.",
    left_out: None,
};

pub const DIRECTIONS: Figure = Figure {
    id: "other-directions",
    section: "certainty",
    label: "Cosine of other directions with the contrast, by layer",
    size: Size::Full(320),
    draw: |content| directions(&content.inputs.evidence.statistics).map(Some),
    caption: "The contrast is a difference of means. Three other ways of finding a direction, \
        and their cosine with it: the first principal component of the prompts’ differences, a \
        logistic probe, and linear discriminant analysis, which discounts directions in which \
        prompts differ among themselves. Near 1, the choice of method hardly matters; it says \
        nothing about what the direction means. Data: \
        <a href=\"{{ links.statistics|safe }}\">statistics.parquet</a>.",
    left_out: None,
};

/// Within minus across, as it is and taken in four other ways.
fn similarities(rows: &[LayerStatistics]) -> Result<Value> {
    let differences = ByLayer {
        rows,
        quantity: "Difference",
    };
    let traces = vec![
        differences.line("As it is", BLUE, DashType::Solid, |row| {
            row.permutation_difference
        }),
        differences.line("Rounded to bf16", ORANGE, DashType::Dot, |row| {
            row.bf16_difference
        }),
        differences.line("Without outlier dimensions", PURPLE, DashType::Dash, |row| {
            row.trimmed_difference
        }),
        differences.line("Centred", GREEN, DashType::LongDash, |row| row.centred_difference),
        differences.line("Whitened", VERMILLION, DashType::DashDot, |row| {
            row.whitened_difference
        }),
        differences.band(
            "As it is",
            BLUE,
            |row| row.difference_low,
            |row| row.difference_high,
        ),
    ];
    chart(traces, layer_axis(rows.len()), axis("Within minus across"))
}

/// How nearly other ways of finding a direction find the contrast.
fn directions(rows: &[LayerStatistics]) -> Result<Value> {
    let cosines = ByLayer {
        rows,
        quantity: "Cosine with the contrast",
    };
    let traces = vec![
        cosines.line("PCA of the differences", BLUE, DashType::Solid, |row| {
            row.pca_cosine
        }),
        cosines.line("Logistic probe", VERMILLION, DashType::Dot, |row| {
            row.probe_cosine
        }),
        cosines.line("LDA", GREEN, DashType::Dash, |row| row.lda_cosine),
    ];
    let values = rows
        .iter()
        .flat_map(|row| [row.pca_cosine, row.probe_cosine, row.lda_cosine]);
    let low = values.fold(0.0, f64::min);
    chart(
        traces,
        layer_axis(rows.len()),
        axis("Cosine").range(AxisRange::new(low * 1.05, 1.05)),
    )
}
