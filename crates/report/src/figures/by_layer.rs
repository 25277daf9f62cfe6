//! Lines, bands and the axis of charts with the layers along the horizontal axis.

use pages::Band;
use pages::chart_style::{Colour, axis, line, marker};
use pages::format::plain;
use plotly::common::{DashType, Mode};
use plotly::layout::{Axis, AxisRange};
use plotly::{Scatter, Trace};
use serde_json::{Value, json};

/// Rows in layer order, and what the hover calls their figures.
pub struct ByLayer<'a, Row> {
    pub rows: &'a [Row],
    pub quantity: &'static str,
}

impl<Row> ByLayer<'_, Row> {
    pub fn line(
        &self,
        name: &str,
        colour: Colour,
        dash: DashType,
        value: impl Fn(&Row) -> f64,
    ) -> Box<dyn Trace> {
        let hover = format!(
            "<b>{}</b><br>Layer: %{{x}}<br>{}: %{{y:.4f}}<extra></extra>",
            plain(name),
            self.quantity
        );
        Scatter::new(
            (0..self.rows.len()).collect(),
            self.rows.iter().map(value).collect(),
        )
        .mode(Mode::LinesMarkers)
        .name(plain(name))
        .legend_group(name)
        .line(line(colour).dash(dash))
        .marker(marker(colour, 4))
        .hover_template(hover)
    }

    /// The intervals around the line of the same name.
    pub fn band(
        &self,
        name: &str,
        colour: Colour,
        low: impl Fn(&Row) -> f64,
        high: impl Fn(&Row) -> f64,
    ) -> Box<dyn Trace> {
        let band = Band {
            places: (0..self.rows.len()).map(|layer| layer as f64).collect(),
            lows: self.rows.iter().map(low).collect(),
            highs: self.rows.iter().map(high).collect(),
        };
        band.trace(name, colour)
    }
}

/// A chart over layers with a line at one of them, which the page's slider moves: `mark` is its
/// place among the shapes.
pub fn with_layer_mark(mut chart: Value, layer: usize) -> Value {
    let mark = json!({
        "type": "line", "layer": "below", "yref": "paper", "x0": layer, "x1": layer, "y0": 0, "y1": 1,
        "line": { "color": "#888888", "width": 1.5, "dash": "dot" },
    });
    let mut shapes = chart["layout"]["shapes"].as_array().cloned().unwrap_or_default();
    chart["mark"] = json!(shapes.len());
    shapes.push(mark);
    chart["layout"]["shapes"] = json!(shapes);
    chart
}

/// From half a layer before the first to half a layer after the last.
pub fn layer_axis(layers: usize) -> Axis {
    axis("Layer")
        .dtick(layer_tick_step(layers) as f64)
        .tick0(0.0)
        .range(AxisRange::new(-0.5, layers as f64 - 0.5))
}

/// A tick at every layer of a shallow model, at every fifth layer of a deep one.
pub fn layer_tick_step(layers: usize) -> usize {
    if layers > 20 { 5 } else { 1 }
}
