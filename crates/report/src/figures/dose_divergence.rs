use anyhow::Result;
use pages::chart_style::{GREEN, axis, chart};
use pages::format::scientific;
use pipeline::Pipeline;
use serde_json::Value;

use super::dose_curves::{COEFFICIENT, Quantity, at_shown_layer, controls, curve};
use super::dose_points::contrast_curve;
use super::figure::{Figure, Size};
use crate::conditions::contrast_conditions;
use crate::sweep_tables::Doses;

pub const FIGURE: Figure = Figure {
    id: "dose-divergence",
    section: "dose",
    label: "Divergence on neutral prompts by coefficient",
    size: Size::Half(360),
    draw: |content| at_shown_layer(content, dose_divergence_chart),
    caption: "What the dose does where no role is asked for: how far the next-token \
        distributions on {{ sweep.neutral_prompts }} neutral prompts move. It says how much \
        changes, not whether for the worse. Data: \
        <a href=\"{{ links.doses|safe }}\">doses.parquet</a>.",
    left_out: None,
};

/// How far the next-token distributions on neutral prompts are from those of the unsteered model.
/// They are the same for both conditions, so the first one's rows are enough.
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
    chart(traces, axis(COEFFICIENT), axis("KL divergence, nats"))
}
