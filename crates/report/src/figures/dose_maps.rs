//! What every dose of the sweep does, by layer and coefficient.

use anyhow::Result;
use plotly::common::ColorBar;
use results::DoseSummary;
use serde_json::Value;

use super::dose_grid::{Grid, chart};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const EFFECT: Figure = Figure {
    id: "dose-effect-map",
    section: "dose",
    label: "Effect of every dose, by layer and coefficient",
    size: Size::Half(360),
    draw: |content| map(content, effect),
    caption: "The effect of every dose of the contrast, toward the other role, in nats per \
        token{% if sweep.is_chosen %}; the star is the chosen one{% endif %}. Data: \
        <a href=\"{{ links.dose_summary|safe }}\">dose.json</a>.",
    left_out: None,
};

pub const DAMAGE: Figure = Figure {
    id: "dose-damage-map",
    section: "dose",
    label: "Damage of every dose, by layer and coefficient",
    size: Size::Half(360),
    draw: |content| map(content, damage),
    caption: "Its damage: the larger perplexity ratio of both formats, on a logarithmic colour \
        scale. Everything above {{ sweep.budget }} is over the budget. Data: \
        <a href=\"{{ links.dose_summary|safe }}\">dose.json</a>.",
    left_out: None,
};

fn map(content: &Content<'_>, of: fn(&DoseSummary) -> Result<Value>) -> Result<Option<Value>> {
    let doses = &content.inputs.doses;
    doses.shown().map(|_| of(&doses.summary)).transpose()
}

/// How far each dose moves the texts toward the other speaker.
fn effect(summary: &DoseSummary) -> Result<Value> {
    let map = Grid::of(summary).heat_map(|candidate| candidate.effect);
    let bar = ColorBar::new().thickness(12).title("nats");
    chart(summary, map.color_bar(bar))
}

/// How much more perplexing each dose's texts are than the model's own. The colours follow
/// the logarithm, since one dose can be worse than another by a factor of thousands.
fn damage(summary: &DoseSummary) -> Result<Value> {
    let map = Grid::of(summary).heat_map(|candidate| candidate.perplexity_ratio.log10());
    let ratios = [0.5, 1.0, 2.0, 5.0, 10.0, 100.0, 1000.0, 10_000.0, 100_000.0];
    let bar = ColorBar::new()
        .thickness(12)
        .title("times")
        .tick_vals(ratios.iter().map(|ratio: &f64| ratio.log10()).collect())
        .tick_text(ratios.iter().map(|ratio| ratio.to_string()).collect());
    chart(summary, map.color_bar(bar))
}
