use anyhow::Result;
use artifacts::{Pipeline, Summary};
use plotly::common::{DashType, Mode};
use plotly::layout::RangeMode;
use plotly::{Scatter, Trace};
use serde_json::Value;

use super::by_layer::layer_axis;
use super::style::{Colour, axis, condition_colour, layout, legend_above, line, marker, to_json};

/// The contrast vector's norm beside the mean norm of the residuals that it is added to.
pub fn norms_chart(pipeline: &Pipeline, rows: &[Summary]) -> Result<Value> {
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
    let layout = layout()
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()))
        .y_axis(axis("Norm").range_mode(RangeMode::ToZero));
    to_json(traces, layout)
}
