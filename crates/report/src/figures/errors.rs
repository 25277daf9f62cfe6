use anyhow::Result;
use pages::chart_style::{BLUE, VERMILLION, axis, chart, line, marker};
use plotly::common::{DashType, ExponentFormat, Marker, MarkerSymbol, Mode};
use plotly::layout::{AxisRange, AxisType};
use plotly::{Scatter, Trace};
use results::{Comparison, RelativeError};
use serde_json::Value;

use super::by_layer::layer_axis;
use super::figure::{Figure, Size};
use crate::certificate_errors::is_drawn;

pub const FIGURE: Figure = Figure {
    id: "errors",
    section: "certificate",
    label: "Error of the residual stream after each layer",
    size: Size::Full(300),
    draw: |content| {
        let comparison = &content.inputs.certificate.comparison;
        comparison.as_ref().map(errors_chart).transpose()
    },
    caption: "The error of the residual stream after each layer.{% if comparison.has_gaps %} \
        Layers without a mark have an error of zero, or one that is not a number: neither can be \
        drawn on a logarithmic axis.{% endif %}",
    left_out: None,
};

/// How far each layer is from the reference, and how far it may be.
pub fn errors_chart(comparison: &Comparison) -> Result<Value> {
    let layers = comparison.layers.len();
    let traces = vec![
        errors(
            comparison,
            "Relative RMS error",
            DashType::Solid,
            marker(BLUE, 6),
            |error| error.rms,
        ),
        errors(
            comparison,
            "Largest relative error",
            DashType::Dot,
            marker(BLUE, 6).symbol(MarkerSymbol::DiamondOpen),
            |error| error.max,
        ),
        tolerance(comparison),
    ];
    let (low, high) = decades(comparison);
    chart(
        traces,
        layer_axis(layers),
        axis("Relative error")
            .type_(AxisType::Log)
            .dtick(1.0)
            .exponent_format(ExponentFormat::SmallE)
            .range(AxisRange::new(low, high)),
    )
}

fn errors(
    comparison: &Comparison,
    name: &str,
    dash: DashType,
    marker: Marker,
    value: fn(&RelativeError) -> f64,
) -> Box<dyn Trace> {
    // What can't be drawn on a logarithmic axis is a gap.
    let drawn = |error| Some(value(error)).filter(|value| is_drawn(*value));
    let values: Vec<Option<f64>> = comparison.layers.iter().map(drawn).collect();
    Scatter::new((0..values.len()).collect(), values)
        .mode(Mode::LinesMarkers)
        .name(name)
        .line(line(BLUE).dash(dash))
        .marker(marker)
        .hover_template(format!(
            "<b>{name}</b><br>Layer: %{{x}}<br>%{{y:.2e}}<extra></extra>"
        ))
}

/// From edge to edge, so that it is visible even with a single layer.
fn tolerance(comparison: &Comparison) -> Box<dyn Trace> {
    let ends = vec![-0.5, comparison.layers.len() as f64 - 0.5];
    Scatter::new(ends, vec![comparison.tolerance; 2])
        .mode(Mode::Lines)
        .name("Tolerance of the RMS error")
        .line(line(VERMILLION).dash(DashType::LongDash))
        .hover_template("<b>Tolerance</b><br>%{y:.0e}<extra></extra>")
}

/// The exponents of the axis's ends: all that is drawn, and a third of a decade more.
fn decades(comparison: &Comparison) -> (f64, f64) {
    let values = comparison.layers.iter().flat_map(|error| [error.rms, error.max]);
    let exponents = values
        .chain([comparison.tolerance])
        .filter(|value| is_drawn(*value))
        .map(f64::log10);
    let (low, high) = exponents.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), exponent| {
        (low.min(exponent), high.max(exponent))
    });
    (low - 0.3, high + 0.3)
}
