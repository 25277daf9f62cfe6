use anyhow::Result;
use artifacts::{Condition, DoseDirection, DoseFigures, Pipeline};
use plotly::common::{DashType, ErrorData, ErrorType, HoverInfo, Mode};
use plotly::layout::{AxisType, Shape, ShapeLayer, ShapeLine, ShapeType};
use plotly::{Scatter, Trace};
use serde_json::Value;

use super::band::Band;
use super::dose_points::{ControlCurve, DosePoint, contrast_curve, control_curves};
use super::style::{
    Colour, GREEN, GREY, axis, condition_colour, layout, legend_above, line, marker, to_json,
};
use crate::doses::Doses;
use crate::format::{number, plain, scientific, with_interval};
use crate::inputs::contrast_conditions;

/// Which role the texts sound like, by how much of the contrast was added at `layer`.
pub fn dose_response_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
    let log_odds = Quantity {
        value: |figures| figures.log_odds,
        interval: Some(|figures| (figures.log_odds_low, figures.log_odds_high)),
        hover: |figures| {
            let interval = with_interval(figures.log_odds, figures.log_odds_low, figures.log_odds_high, 3);
            format!("Role log-odds: {interval}")
        },
    };
    let traces = curves(pipeline, doses, layer, &log_odds)?;
    let layout = layout()
        .legend(legend_above())
        .shapes(vec![neither()])
        .x_axis(axis(COEFFICIENT))
        .y_axis(axis("Role log-odds, nats per token"));
    to_json(traces, layout)
}

/// How much more perplexing than its own texts the unsteered model finds them, and what it may be at most.
pub fn dose_damage_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
    let ratio = Quantity {
        value: |figures| figures.perplexity_ratio,
        interval: None,
        hover: |figures| format!("Perplexity ratio: {}", number(figures.perplexity_ratio, 2)),
    };
    let mut traces = curves(pipeline, doses, layer, &ratio)?;
    let budget = doses.summary.perplexity_budget;
    let ends = ends(pipeline, doses, layer)?;
    traces.push(
        Scatter::new(ends, vec![budget; 2])
            .mode(Mode::Lines)
            .name(format!("Budget: {budget}"))
            .line(line(GREY).dash(DashType::LongDash))
            .hover_info(HoverInfo::Skip),
    );
    let layout = layout()
        .legend(legend_above())
        .x_axis(axis(COEFFICIENT))
        .y_axis(axis("Perplexity ratio").type_(AxisType::Log).dtick(1.0));
    to_json(traces, layout)
}

/// How far the next-token distributions on neutral prompts are from those of the unsteered model. They belong
/// to no condition, so the first one's rows tell all.
pub fn dose_divergence_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
    let divergence = Quantity {
        value: |figures| figures.kl,
        interval: None,
        hover: |figures| format!("KL divergence: {} nats", scientific(figures.kl)),
    };
    let [condition, _] = contrast_conditions(pipeline)?;
    let mut traces = controls(doses, layer, condition, &divergence, true)?;
    let points = contrast_curve(doses, layer, condition)?;
    traces.push(curve(&points, "Contrast", GREEN, &divergence));
    let layout = layout()
        .legend(legend_above())
        .x_axis(axis(COEFFICIENT))
        .y_axis(axis("KL divergence, nats"));
    to_json(traces, layout)
}

const COEFFICIENT: &str = "Coefficient of the contrast";

/// The lower and the upper end of an interval.
type Ends = fn(&DoseFigures) -> (f64, f64);

/// What a chart shows of a dose.
struct Quantity {
    value: fn(&DoseFigures) -> f64,
    interval: Option<Ends>,
    hover: fn(&DoseFigures) -> String,
}

/// The controls of both conditions, and over them the contrast with its intervals.
fn curves(
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

fn curve(points: &[DosePoint<'_>], label: &str, colour: Colour, quantity: &Quantity) -> Box<dyn Trace> {
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

fn controls(
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

/// The smallest and the largest coefficient.
fn ends(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Vec<f64>> {
    let [condition, _] = contrast_conditions(pipeline)?;
    let points = contrast_curve(doses, layer, condition)?;
    let ends = [points.first(), points.last()];
    Ok(ends
        .into_iter()
        .flatten()
        .map(|point| point.coefficient)
        .collect())
}

/// Where a text sounds like neither role.
fn neither() -> Shape {
    Shape::new()
        .shape_type(ShapeType::Line)
        .layer(ShapeLayer::Below)
        .x_ref("paper")
        .x0(0)
        .x1(1)
        .y0(0)
        .y1(0)
        .line(ShapeLine::new().color("#888888").width(2.0))
}
