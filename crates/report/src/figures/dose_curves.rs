//! Curves over the coefficients of one layer: the contrast, overlaid with its controls.

use anyhow::Result;
use pages::Band;
use pages::chart_style::{Colour, GREY, line, marker};
use pages::format::plain;
use pipeline::{Condition, Pipeline};
use plotly::common::{DashType, ErrorData, ErrorType, Mode};
use plotly::{Scatter, Trace};
use results::{DoseCandidate, DoseDirection, DoseFigures};
use serde_json::Value;

use super::dose_points::{ControlCurve, DosePoint, contrast_curve, control_curves};
use crate::conditions::{condition_colour, contrast_conditions};
use crate::content::Content;
use crate::sweep_tables::Doses;

/// What the horizontal axis is called.
pub const COEFFICIENT: &str = "Coefficient of the contrast";

/// The chart for the layer whose doses are shown; none where no dose was tried.
pub fn at_shown_layer(
    content: &Content<'_>,
    chart: fn(&Pipeline, &Doses, usize) -> Result<Value>,
) -> Result<Option<Value>> {
    let doses = &content.inputs.doses;
    let chart = |shown: &DoseCandidate| chart(content.pipeline, doses, shown.layer);
    doses.shown().map(chart).transpose()
}

/// The lower and the upper end of an interval.
pub type Ends = fn(&DoseFigures) -> (f64, f64);

/// What a chart shows of a dose.
pub struct Quantity {
    pub value: fn(&DoseFigures) -> f64,
    pub interval: Option<Ends>,
    pub hover: fn(&DoseFigures) -> String,
}

/// The controls of both conditions, and on top of them the contrast with its intervals.
pub fn curves(
    pipeline: &Pipeline,
    doses: &Doses,
    layer: usize,
    quantity: &Quantity,
) -> Result<Vec<Box<dyn Trace>>> {
    let conditions = contrast_conditions(pipeline)?;
    let mut traces = Vec::new();
    for (index, condition) in conditions.into_iter().enumerate() {
        traces.extend(controls(doses, layer, condition, quantity, index == 0)?);
    }
    for condition in conditions {
        let points = contrast_curve(doses, layer, condition)?;
        let colour = condition_colour(pipeline, &condition.name);
        if let Some(interval) = quantity.interval {
            traces.push(band(&points, interval).trace(&condition.label, colour));
        }
        traces.push(curve(&points, &condition.label, colour, quantity));
    }
    Ok(traces)
}

/// The contrast as one line.
pub fn curve(points: &[DosePoint<'_>], label: &str, colour: Colour, quantity: &Quantity) -> Box<dyn Trace> {
    let (places, values) = places(points, quantity);
    Scatter::new(places, values)
        .mode(Mode::LinesMarkers)
        .name(plain(label))
        .legend_group(label)
        .line(line(colour))
        .marker(marker(colour, 7))
        .hover_text_array(hovers(points, quantity))
        .hover_template(format!(
            "<b>{}</b><br>%{{hovertext}}<extra></extra>",
            plain(label)
        ))
}

/// The directions that take its place, each as a thin grey line.
pub fn controls(
    doses: &Doses,
    layer: usize,
    condition: &Condition,
    quantity: &Quantity,
    is_in_legend: bool,
) -> Result<Vec<Box<dyn Trace>>> {
    let curves = control_curves(doses, layer, condition)?;
    let is_first = |index: usize| {
        let before = &curves[..index];
        before
            .iter()
            .all(|curve| curve.direction != curves[index].direction)
    };
    let trace = |(index, curve): (usize, &ControlCurve<'_>)| {
        control(curve, condition, quantity, is_in_legend && is_first(index))
    };
    Ok(curves.iter().enumerate().map(trace).collect())
}

fn control(
    curve: &ControlCurve<'_>,
    condition: &Condition,
    quantity: &Quantity,
    is_in_legend: bool,
) -> Box<dyn Trace> {
    let (name, dash) = match curve.direction {
        DoseDirection::Shuffled => ("Shuffled labels", DashType::Dot),
        _ => ("Random directions", DashType::Solid),
    };
    let (places, values) = places(&curve.points, quantity);
    let trace = Scatter::new(places, values)
        .mode(Mode::LinesMarkers)
        .name(name)
        .legend_group(name)
        .show_legend(is_in_legend)
        .opacity(0.7)
        .line(line(GREY).width(1.0).dash(dash))
        .marker(marker(GREY, 4))
        .hover_text_array(hovers(&curve.points, quantity))
        .hover_template(format!(
            "<b>{name}</b>, {}<br>%{{hovertext}}<extra></extra>",
            plain(&condition.label)
        ));
    match quantity.interval {
        Some(interval) => trace.error_y(error_bars(&curve.points, quantity.value, interval)),
        None => trace,
    }
}

fn places(points: &[DosePoint<'_>], quantity: &Quantity) -> (Vec<f64>, Vec<f64>) {
    let place = |point: &DosePoint<'_>| (point.coefficient, (quantity.value)(point.figures));
    points.iter().map(place).unzip()
}

fn hovers(points: &[DosePoint<'_>], quantity: &Quantity) -> Vec<String> {
    let hover = |point: &DosePoint<'_>| format!("{}<br>{}", point.about(), (quantity.hover)(point.figures));
    points.iter().map(hover).collect()
}

fn band(points: &[DosePoint<'_>], interval: Ends) -> Band {
    let (lows, highs) = points.iter().map(|point| interval(point.figures)).unzip();
    Band {
        places: points.iter().map(|point| point.coefficient).collect(),
        lows,
        highs,
    }
}

fn error_bars(points: &[DosePoint<'_>], value: fn(&DoseFigures) -> f64, interval: Ends) -> ErrorData {
    let reach = |point: &DosePoint<'_>| {
        let (low, high) = interval(point.figures);
        let value = value(point.figures);
        (value - low, high - value)
    };
    let (below, above) = points.iter().map(reach).unzip();
    ErrorData::new(ErrorType::Data)
        .symmetric(false)
        .array_minus(below)
        .array(above)
        .thickness(1.0)
        .width(2)
}
