use anyhow::Result;
use pages::chart_style::{axis, layout, legend_above, to_json};
use plotly::common::DashType;
use plotly::layout::RangeMode;
use results::LayerEffects;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::effect_colours::{INTERACTION, SPEAKER, TRANSCRIPT};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "effect-norms",
    section: "speaker",
    label: "The norm of each effect, by layer",
    size: Size::Full(360),
    draw,
    caption: "The norm of each effect’s vector, with 95 % intervals. Noise has a norm too, so \
        no effect is ever exactly zero here. Data: \
        <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let rows = &content.inputs.evidence.effects;
    (!rows.is_empty()).then(|| effect_norms_chart(rows)).transpose()
}

/// The norm of each effect's vector.
fn effect_norms_chart(rows: &[LayerEffects]) -> Result<Value> {
    let norms = ByLayer {
        rows,
        quantity: "Norm",
    };
    let traces = vec![
        norms.line("Speaker", SPEAKER, DashType::Solid, |row| row.speaker_norm),
        norms.line("Transcript", TRANSCRIPT, DashType::Dash, |row| {
            row.transcript_norm
        }),
        norms.line("Interaction", INTERACTION, DashType::Dot, |row| {
            row.interaction_norm
        }),
        norms.band(
            "Speaker",
            SPEAKER,
            |row| row.speaker_norm_low,
            |row| row.speaker_norm_high,
        ),
        norms.band(
            "Transcript",
            TRANSCRIPT,
            |row| row.transcript_norm_low,
            |row| row.transcript_norm_high,
        ),
        norms.band(
            "Interaction",
            INTERACTION,
            |row| row.interaction_norm_low,
            |row| row.interaction_norm_high,
        ),
    ];
    let layout = layout()
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()))
        .y_axis(axis("Norm of the effect").range_mode(RangeMode::ToZero));
    to_json(traces, layout)
}
