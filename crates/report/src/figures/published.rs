use anyhow::{Result, bail};
use pages::chart_style::{BLUE, GREEN, axis, chart, line, marker};
use pages::format::plain;
use plotly::common::{DashType, Line, Marker, MarkerSymbol, Mode};
use plotly::{Scatter, Trace};
use serde_json::Value;

use super::by_layer::layer_axis;
use super::figure::{Figure, Size};
use crate::published::{Measure, Published};

pub const FIGURE: Figure = Figure {
    id: "published-chart",
    section: "published",
    label: "This run and the published table, by layer",
    size: Size::Full(340),
    draw: |content| content.inputs.published.as_ref().map(published_chart).transpose(),
    caption: "This run as lines, the published means as open marks: where the two agree, the \
        marks are on the lines. Data: <a href=\"{{ links.summary_csv|safe }}\">summary.csv</a>.",
    left_out: None,
};

/// The run's means as lines, the published ones as open marks: where they agree, the marks sit on
/// the lines.
fn published_chart(published: &Published) -> Result<Value> {
    let [within, across, ..] = published.measures.as_slice() else {
        bail!("a published table has the means within and across");
    };
    let means = [
        (
            within,
            line(BLUE).dash(DashType::Dash),
            MarkerSymbol::SquareOpen,
            BLUE,
        ),
        (across, line(GREEN), MarkerSymbol::CircleOpen, GREEN),
    ];
    let traces = means
        .into_iter()
        .flat_map(|(measure, line, symbol, colour)| pair(measure, line, marker(colour, 9).symbol(symbol)));
    chart(
        traces.collect(),
        layer_axis(published.layers),
        axis("Cosine similarity"),
    )
}

fn pair(measure: &Measure, line: Line, marker: Marker) -> [Box<dyn Trace>; 2] {
    let hover = |whose: &str| {
        format!(
            "<b>{}, {whose}</b><br>Layer: %{{x}}<br>%{{y:.4f}}<extra></extra>",
            plain(&measure.name)
        )
    };
    let layers = || (0..measure.ours.len()).collect::<Vec<usize>>();
    let ours = Scatter::new(layers(), measure.ours.clone())
        .mode(Mode::Lines)
        .name(format!("{}, this run", plain(&measure.name)))
        .line(line)
        .hover_template(hover("this run"));
    let published = Scatter::new(layers(), measure.published.clone())
        .mode(Mode::Markers)
        .name(format!("{}, published", plain(&measure.name)))
        .marker(marker)
        .hover_template(hover("published"));
    [ours, published]
}
