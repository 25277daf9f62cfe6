use anyhow::Result;
use artifacts::LayerStatistics;
use plotly::common::DashType;
use plotly::layout::AxisRange;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::style::{BLUE, GREEN, VERMILLION, axis, layout, legend_above, to_json};

/// How nearly other ways of finding a direction find the contrast.
pub fn other_directions_chart(rows: &[LayerStatistics]) -> Result<Value> {
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
    let layout = layout()
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()))
        .y_axis(axis("Cosine").range(AxisRange::new(low * 1.05, 1.05)));
    to_json(traces, layout)
}
