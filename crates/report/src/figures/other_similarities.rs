use anyhow::Result;
use pages::chart_style::{BLUE, GREEN, ORANGE, PURPLE, VERMILLION, axis, layout, legend_above, to_json};
use plotly::common::DashType;
use results::LayerStatistics;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "other-similarities",
    section: "certainty",
    label: "The similarity difference measured in other ways, by layer",
    size: Size::Full(420),
    draw,
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

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    other_similarities_chart(&content.inputs.evidence.statistics).map(Some)
}

/// Within minus across, as it is and taken in four other ways.
fn other_similarities_chart(rows: &[LayerStatistics]) -> Result<Value> {
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
    let layout = layout()
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()))
        .y_axis(axis("Within minus across"));
    to_json(traces, layout)
}
