use anyhow::Result;
use pages::chart_style::{GREY, axis, chart, line};
use pages::format::number;
use pipeline::Pipeline;
use plotly::Scatter;
use plotly::common::{DashType, HoverInfo, Mode};
use plotly::layout::AxisType;
use serde_json::Value;

use super::dose_curves::{COEFFICIENT, Quantity, at_shown_layer, curves};
use super::dose_points::contrast_curve;
use super::figure::{Figure, Size};
use crate::conditions::contrast_conditions;
use crate::sweep_tables::Doses;

pub const FIGURE: Figure = Figure {
    id: "dose-damage",
    section: "dose",
    label: "Perplexity ratio by coefficient",
    size: Size::Half(360),
    draw: |content| at_shown_layer(content, dose_damage_chart),
    caption: "Damage to the texts: their perplexity under the unsteered model, in the format \
        where it is lower, as a multiple of that of the model’s own texts. Dashed: the budget of \
        {{ sweep.budget }}. A dull, repetitive text can have a low perplexity and still be \
        damaged. Data: <a href=\"{{ links.doses|safe }}\">doses.parquet</a>.",
    left_out: None,
};

/// How much more perplexing the unsteered model finds them than its own texts, and the limit for
/// that.
fn dose_damage_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
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
    chart(
        traces,
        axis(COEFFICIENT),
        axis("Perplexity ratio").type_(AxisType::Log).dtick(1.0),
    )
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
