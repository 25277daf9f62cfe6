use anyhow::Result;
use plotly::common::ColorBar;
use results::DoseSummary;
use serde_json::Value;

use super::dose_grid::{Grid, chart};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "dose-effect-map",
    section: "dose",
    label: "Effect of every dose, by layer and coefficient",
    size: Size::Half(360),
    draw,
    caption: "The effect of every dose that was tried, toward the other role, in nats per \
        token{% if sweep.is_chosen %}; the star is the chosen one{% endif %}. Data: \
        <a href=\"{{ links.dose_summary|safe }}\">dose.json</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let doses = &content.inputs.doses;
    let summary = doses.shown().map(|_| &doses.summary);
    summary.map(dose_effect_map).transpose()
}

/// How far each dose moves the texts toward the other speaker.
fn dose_effect_map(summary: &DoseSummary) -> Result<Value> {
    let map = Grid::of(summary).heat_map(|candidate| candidate.effect);
    let bar = ColorBar::new().thickness(12).title("nats");
    chart(summary, map.color_bar(bar))
}
