use anyhow::Result;
use pages::chart_style::{BLUE, GREEN, VERMILLION, axis, layout, legend_above, to_json};
use plotly::common::DashType;
use plotly::layout::AxisRange;
use results::LayerStatistics;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "other-directions",
    section: "certainty",
    label: "Cosine of other directions with the contrast, by layer",
    size: Size::Full(320),
    draw,
    caption: "The contrast is a difference of means. Three other ways of finding a direction, \
        and their cosine with it: the first principal component of the prompts’ differences, a \
        logistic probe, and linear discriminant analysis, which discounts directions in which \
        prompts differ among themselves. Near 1, the choice of method hardly matters; it says \
        nothing about what the direction means. Data: \
        <a href=\"{{ links.statistics|safe }}\">statistics.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    other_directions_chart(&content.inputs.evidence.statistics).map(Some)
}

/// How nearly other ways of finding a direction find the contrast.
fn other_directions_chart(rows: &[LayerStatistics]) -> Result<Value> {
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
