//! Charts of a 2x2 design: what the speaker does, and what was said before.

use anyhow::Result;
use artifacts::LayerEffects;
use plotly::common::DashType;
use plotly::layout::{AxisRange, BarMode, RangeMode};
use plotly::{Bar, Trace};
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::style::{
    BLUE, Colour, GREEN, GREY, ORANGE, VERMILLION, axis, layout, legend_above, marker, to_json,
};

const SPEAKER: Colour = BLUE;
const TRANSCRIPT: Colour = VERMILLION;
const INTERACTION: Colour = GREEN;

/// How long each effect's vector is.
pub fn effect_norms_chart(rows: &[LayerEffects]) -> Result<Value> {
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

/// The part of the contrast that is the speaker; 1 is all of it.
pub fn speaker_share_chart(rows: &[LayerEffects]) -> Result<Value> {
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

/// What the sums of squares about the grand mean are made of, one bar a layer.
pub fn variance_chart(rows: &[LayerEffects]) -> Result<Value> {
    let bar = |name: &str, colour: Colour, value: fn(&LayerEffects) -> f64| -> Box<dyn Trace> {
        Bar::new(
            (0..rows.len()).collect(),
            rows.iter().map(value).collect::<Vec<f64>>(),
        )
        .name(name)
        .marker(marker(colour, 4))
        .hover_template(format!(
            "<b>{name}</b><br>Layer: %{{x}}<br>Share: %{{y:.1%}}<extra></extra>"
        ))
    };
    let traces = vec![
        bar("Speaker", SPEAKER, |row| row.speaker_variance),
        bar("Transcript", TRANSCRIPT, |row| row.transcript_variance),
        bar("Interaction", INTERACTION, |row| row.interaction_variance),
        bar("Prompt", ORANGE, |row| row.prompt_variance),
        bar("Residual", GREY, |row| row.residual_variance),
    ];
    let layout = layout()
        .bar_mode(BarMode::Stack)
        .legend(legend_above())
        .x_axis(layer_axis(rows.len()).show_grid(false))
        .y_axis(
            axis("Share of the variance")
                .tick_format(".0%")
                .range(AxisRange::new(0.0, 1.0)),
        );
    to_json(traces, layout)
}
