use anyhow::Result;
use artifacts::LayerStatistics;
use plotly::common::DashType;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::style::{BLUE, GREEN, ORANGE, PURPLE, VERMILLION, axis, layout, legend_above, to_json};

/// Within minus across, as it is and taken in four other ways.
pub fn other_similarities_chart(rows: &[LayerStatistics]) -> Result<Value> {
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
