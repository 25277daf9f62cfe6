use anyhow::Result;
use pages::chart_style::{axis, layout, to_json};
use plotly::common::DashType;
use plotly::layout::AxisRange;
use results::LayerEffects;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::effect_colours::SPEAKER;
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "speaker-share",
    section: "speaker",
    label: "The share of the contrast that is the speaker, by layer",
    size: Size::Full(300),
    draw,
    caption: "How much of the contrast, along itself, comes from the speaker, with 95 % \
        intervals; the transcript accounts for the rest. Above 100 %, the transcript pulls the \
        other way. The transcripts also differ in length, which counts as part of their effect. \
        Data: <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let rows = &content.inputs.evidence.effects;
    (!rows.is_empty()).then(|| speaker_share_chart(rows)).transpose()
}

/// The part of the contrast that is the speaker; 1 is all of it.
fn speaker_share_chart(rows: &[LayerEffects]) -> Result<Value> {
    let shares = ByLayer {
        rows,
        quantity: "Share of the contrast",
    };
    let traces = vec![
        shares.line("Speaker", SPEAKER, DashType::Solid, |row| row.speaker_share),
        shares.band(
            "Speaker",
            SPEAKER,
            |row| row.speaker_share_low,
            |row| row.speaker_share_high,
        ),
    ];
    let low = rows.iter().map(|row| row.speaker_share_low).fold(0.0, f64::min);
    let high = rows.iter().map(|row| row.speaker_share_high).fold(1.0, f64::max);
    let layout = layout().show_legend(false).x_axis(layer_axis(rows.len())).y_axis(
        axis("Share of the contrast")
            .tick_format(".0%")
            .range(AxisRange::new(low * 1.05, high * 1.05)),
    );
    to_json(traces, layout)
}
