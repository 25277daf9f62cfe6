//! The page's charts. A is blue and solid, B vermillion and dashed, so that neither colour alone
//! tells them apart.

use anyhow::Result;
use pages::Band;
use pages::chart_style::{BLUE, Colour, GREY, VERMILLION, axis, chart, line, marker};
use pages::format::plain;
use plotly::common::{DashType, Mode};
use plotly::layout::AxisRange;
use plotly::{Scatter, Trace};
use serde_json::Value;

use crate::{ContrastCosine, Curve, Run};

const COLOURS: [Colour; 2] = [BLUE, VERMILLION];
const DASHES: [DashType; 2] = [DashType::Solid, DashType::Dash];

/// Within minus across on relative depth, with intervals.
pub fn difference_chart(runs: [&Run; 2]) -> Result<Value> {
    let mut traces = Vec::new();
    for (index, run) in runs.into_iter().enumerate() {
        let curve = Curve::difference(run);
        let band = Band {
            places: depths(run),
            lows: curve.lows.clone(),
            highs: curve.highs.clone(),
        };
        traces.push(depth_line(
            runs,
            index,
            "",
            "Within minus across",
            curve.values,
            DASHES[index].clone(),
        ));
        traces.push(band.trace(&group(index), COLOURS[index]));
    }
    chart(traces, depth_axis(), axis("Within minus across (cosine)"))
}

/// Within (dotted) and across of both runs on relative depth.
pub fn similarity_chart(runs: [&Run; 2]) -> Result<Value> {
    let mut traces = Vec::new();
    for (index, run) in runs.into_iter().enumerate() {
        let values = |of: fn(&results::Summary) -> f64| run.summaries.iter().map(of).collect();
        let within = values(|row| row.avg_within_category);
        let across = values(|row| row.avg_cross_category);
        traces.push(depth_line(
            runs,
            index,
            ", within",
            "Within",
            within,
            DashType::Dot,
        ));
        traces.push(depth_line(
            runs,
            index,
            ", across",
            "Across",
            across,
            DASHES[index].clone(),
        ));
    }
    chart(traces, depth_axis(), axis("Mean cosine similarity"))
}

/// The cosine of both contrasts at every layer, and what it could be.
pub fn contrast_chart(rows: &[ContrastCosine]) -> Result<Value> {
    let layers: Vec<usize> = rows.iter().map(|row| row.layer).collect();
    let cosines = Scatter::new(layers.clone(), rows.iter().map(|row| row.cosine).collect())
        .mode(Mode::LinesMarkers)
        .name("A's contrast with B's")
        .line(line(BLUE))
        .marker(marker(BLUE, 6))
        .hover_template("Layer: %{x}<br>Cosine: %{y:.4f}<extra></extra>");
    let attainable = Scatter::new(layers, rows.iter().map(|row| row.attainable).collect())
        .mode(Mode::Lines)
        .name("attainable with so many prompts")
        .line(line(GREY).dash(DashType::Dash))
        .hover_template("Layer: %{x}<br>Attainable: %{y:.4f}<extra></extra>");
    let traces: Vec<Box<dyn Trace>> = vec![cosines, attainable];
    chart(
        traces,
        axis("Layer").range(AxisRange::new(-0.5, rows.len() as f64 - 0.5)),
        axis("Cosine"),
    )
}

fn depth_line(
    runs: [&Run; 2],
    index: usize,
    suffix: &str,
    quantity: &str,
    values: Vec<f64>,
    dash: DashType,
) -> Box<dyn Trace> {
    let name = format!("{}: {}{suffix}", ["A", "B"][index], runs[index].name);
    Scatter::new(depths(runs[index]), values)
        .mode(Mode::LinesMarkers)
        .name(plain(&name))
        .legend_group(group(index))
        .line(line(COLOURS[index]).dash(dash))
        .marker(marker(COLOURS[index], 4))
        .custom_data((0..runs[index].layers()).collect())
        .hover_template(format!(
            "<b>{}</b><br>Layer: %{{customdata}} (depth %{{x:.2f}})<br>{quantity}: %{{y:.4f}}<extra></extra>",
            plain(&name)
        ))
}

fn group(index: usize) -> String {
    ["a", "b"][index].to_owned()
}

fn depths(run: &Run) -> Vec<f64> {
    (0..run.layers()).map(|layer| run.depth(layer)).collect()
}

fn depth_axis() -> plotly::layout::Axis {
    axis("Relative depth (0: first layer, 1: last)").range(AxisRange::new(-0.02, 1.02))
}
