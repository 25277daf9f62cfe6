use anyhow::Result;
use pages::chart_style::{GREY, axis, layout, legend_above, line, to_json};
use pages::format::number;
use pipeline::Pipeline;
use plotly::Scatter;
use plotly::common::{DashType, HoverInfo, Mode};
use plotly::layout::AxisType;
use results::DoseCandidate;
use serde_json::Value;

use super::dose_curves::{COEFFICIENT, Quantity, curves};
use super::dose_points::contrast_curve;
use super::figure::{Figure, Size};
use crate::conditions::contrast_conditions;
use crate::content::Content;
use crate::sweep_tables::Doses;

pub const FIGURE: Figure = Figure {
    id: "dose-damage",
    section: "dose",
    label: "Perplexity ratio by coefficient",
    size: Size::Half(360),
    draw,
    caption: "Damage to the texts: their perplexity under the unsteered model, in the format \
        where it is lower, as a multiple of that of the model’s own texts. Dashed: the budget of \
        {{ sweep.budget }}. A dull, repetitive text can have a low perplexity and still be \
        damaged. Data: <a href=\"{{ links.doses|safe }}\">doses.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let doses = &content.inputs.doses;
    let chart = |shown: &DoseCandidate| dose_damage_chart(content.pipeline, doses, shown.layer);
    doses.shown().map(chart).transpose()
}

/// How much more perplexing than its own texts the unsteered model finds them, and what it may be
/// at most.
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
    let layout = layout()
        .legend(legend_above())
        .x_axis(axis(COEFFICIENT))
        .y_axis(axis("Perplexity ratio").type_(AxisType::Log).dtick(1.0));
    to_json(traces, layout)
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
