use anyhow::Result;
use pages::chart_style::{axis, layout, to_json};
use pages::format::rounded;
use plotly::common::{ColorBar, ColorScale, ColorScalePalette};
use plotly::layout::Axis;
use plotly::{HeatMap, Trace};
use results::DepthCosine;
use serde_json::Value;

use super::by_layer::layer_tick_step;
use super::figure::{Figure, Size};

pub const FIGURE: Figure = Figure {
    id: "depth",
    section: "depth-of-it",
    label: "Cosine of the contrast vectors of every two layers",
    size: Size::Square,
    draw: |content| depth_chart(&content.inputs.evidence.depth, content.layers()).map(Some),
    caption: "The cosine of the contrast vectors of every two layers. The residual stream \
        carries forward what was written before, so neighbouring layers are similar in any case: a \
        block says that the direction persists, not that its layers use it. Data: \
        <a href=\"{{ links.depth|safe }}\">depth.parquet</a>.",
    left_out: None,
};

/// The cosines between the contrast vectors of all layers, the first layer in the upper left
/// corner.
fn depth_chart(rows: &[DepthCosine], layers: usize) -> Result<Value> {
    let mut cosines: Vec<Vec<Option<f64>>> = vec![vec![None; layers]; layers];
    for row in rows {
        let cell = cosines
            .get_mut(row.layer_a)
            .and_then(|line| line.get_mut(row.layer_b));
        if let Some(cell) = cell {
            *cell = Some(rounded(row.cosine)).filter(|cosine| !cosine.is_nan());
        }
    }
    let low = cosines.iter().flatten().flatten().copied().fold(0.0, f64::min);
    let places: Vec<usize> = (0..layers).collect();
    let trace = HeatMap::new(places.clone(), places, cosines)
        .zmin(low)
        .zmax(1.0)
        .color_scale(ColorScale::Palette(ColorScalePalette::Cividis))
        .color_bar(ColorBar::new().thickness(12).title("cosine"))
        .hover_template("Layers %{y} and %{x}<br>Cosine: %{z:.4f}<extra></extra>");
    let traces: Vec<Box<dyn Trace>> = vec![trace];
    let by_layer = |axis: Axis| {
        axis.dtick(layer_tick_step(layers) as f64)
            .tick0(0.0)
            .show_grid(false)
    };
    let end = layers as f64 - 0.5;
    let layout = layout()
        .x_axis(by_layer(axis("Layer")).range(vec![-0.5, end]))
        .y_axis(by_layer(axis("Layer")).range(vec![end, -0.5]));
    to_json(traces, layout)
}
