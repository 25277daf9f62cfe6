use anyhow::Result;
use pages::chart_style::{GREEN, axis, layout, legend_above, to_json};
use pages::format::scientific;
use pipeline::Pipeline;
use results::DoseCandidate;
use serde_json::Value;

use super::dose_curves::{COEFFICIENT, Quantity, controls, curve};
use super::dose_points::contrast_curve;
use super::figure::{Figure, Size};
use crate::conditions::contrast_conditions;
use crate::content::Content;
use crate::sweep_tables::Doses;

pub const FIGURE: Figure = Figure {
    id: "dose-divergence",
    section: "dose",
    label: "Divergence on neutral prompts by coefficient",
    size: Size::Half(360),
    draw,
    caption: "What the dose does where no role is asked for: how far the next-token \
        distributions on {{ sweep.neutral_prompts }} neutral prompts move. It says how much \
        changes, not whether for the worse. Data: \
        <a href=\"{{ links.doses|safe }}\">doses.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let doses = &content.inputs.doses;
    let chart = |shown: &DoseCandidate| dose_divergence_chart(content.pipeline, doses, shown.layer);
    doses.shown().map(chart).transpose()
}

/// How far the next-token distributions on neutral prompts are from those of the unsteered model.
/// They belong to no condition, so the first one's rows tell all.
fn dose_divergence_chart(pipeline: &Pipeline, doses: &Doses, layer: usize) -> Result<Value> {
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
