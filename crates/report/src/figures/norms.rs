use anyhow::Result;
use pages::chart_style::{Colour, axis, chart, line, marker};
use pipeline::Pipeline;
use plotly::common::{DashType, Mode};
use plotly::layout::RangeMode;
use plotly::{Scatter, Trace};
use results::Summary;
use serde_json::Value;

use super::by_layer::{layer_axis, with_layer_mark};
use super::figure::{Figure, Size};
use crate::conditions::condition_colour;
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "norms",
    section: "layers",
    label: "Norms of contrast vector and residuals, by layer",
    size: Size::Full(360),
    draw,
    caption: "The norm of the contrast vector, and the mean norm of the residuals that steering \
        adds it to. A coefficient is a multiple of the contrast vector: once what is added is \
        about as long as the residual, it outweighs what was there. Data: \
        <a href=\"{{ links.summary|safe }}\">summary.parquet</a>, \
        <a href=\"{{ links.vectors|safe }}\">vectors.parquet</a>, \
        <a href=\"{{ links.contrast|safe }}\">contrast.safetensors</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let chart = norms_chart(content.pipeline, &content.inputs.summaries)?;
    Ok(Some(with_layer_mark(chart, content.layer())))
}

/// The contrast vector's norm next to the mean norm of the residuals that it is added to.
fn norms_chart(pipeline: &Pipeline, rows: &[Summary]) -> Result<Value> {
    let grey = Colour(0x88, 0x88, 0x88);
    let blue = condition_colour(pipeline, &pipeline.contrast.positive);
    let layers: Vec<usize> = rows.iter().map(|row| row.layer).collect();
    let shares: Vec<f64> = rows
        .iter()
        .map(|row| row.contrast_norm / row.mean_residual_norm)
        .collect();
    let contrast = Scatter::new(layers.clone(), rows.iter().map(|row| row.contrast_norm).collect())
        .mode(Mode::LinesMarkers)
        .name("Contrast vector")
        .line(line(blue))
        .marker(marker(blue, 4))
        .custom_data(shares)
        .hover_template(
            "Layer: %{x}<br>Norm: %{y:.4f}<br>Share of the residual: %{customdata:.1%}<extra></extra>",
        );
    let residual = Scatter::new(layers, rows.iter().map(|row| row.mean_residual_norm).collect())
        .mode(Mode::LinesMarkers)
        .name("Residual, mean")
        .line(line(grey).dash(DashType::Dash))
        .marker(marker(grey, 4))
        .hover_template("Layer: %{x}<br>Mean norm: %{y:.4f}<extra></extra>");
    let traces: Vec<Box<dyn Trace>> = vec![contrast, residual];
    chart(
        traces,
        layer_axis(rows.len()),
        axis("Norm").range_mode(RangeMode::ToZero),
    )
}
