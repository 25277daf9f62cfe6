//! The effects of a 2x2 design, each with its own colour in all figures.

use anyhow::Result;
use pages::chart_style::{
    BLUE, Colour, GREEN, GREY, ORANGE, VERMILLION, axis, chart, layout, legend_above, marker, to_json,
};
use plotly::common::DashType;
use plotly::layout::{AxisRange, BarMode, RangeMode};
use plotly::{Bar, Trace};
use results::LayerEffects;
use serde_json::Value;

use super::by_layer::{ByLayer, layer_axis};
use super::figure::{Figure, Size};
use crate::content::Content;

const SPEAKER: Colour = BLUE;
const TRANSCRIPT: Colour = VERMILLION;
const INTERACTION: Colour = GREEN;

pub const SHARE: Figure = Figure {
    id: "speaker-share",
    section: "speaker",
    label: "The share of the contrast that is the speaker, by layer",
    size: Size::Full(300),
    draw: |content| of_design(content, speaker_share),
    caption: "How much of the contrast, along itself, comes from the speaker, with 95 % \
        intervals; the transcript accounts for the rest. Above 100 %, the transcript pulls the \
        other way. The transcripts also differ in length, which counts as part of their effect. \
        Data: <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

pub const NORMS: Figure = Figure {
    id: "effect-norms",
    section: "speaker",
    label: "The norm of each effect, by layer",
    size: Size::Full(360),
    draw: |content| of_design(content, norms),
    caption: "The norm of each effect’s vector, with 95 % intervals. Noise has a norm too, so \
        no effect is ever exactly zero here. Data: \
        <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

pub const VARIANCE: Figure = Figure {
    id: "variance",
    section: "speaker",
    label: "The sources of the variance, by layer",
    size: Size::Full(360),
    draw: |content| of_design(content, variance),
    caption: "Where the differences between all residuals come from: the speaker, the \
        transcript, their interaction, the prompt, and what none of these explains. Data: \
        <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

/// None where the conditions are not a 2x2 design.
fn of_design(content: &Content<'_>, chart: fn(&[LayerEffects]) -> Result<Value>) -> Result<Option<Value>> {
    let rows = &content.inputs.evidence.effects;
    (!rows.is_empty()).then(|| chart(rows)).transpose()
}

/// The part of the contrast that is due to the speaker; 1 is all of it.
fn speaker_share(rows: &[LayerEffects]) -> Result<Value> {
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

/// The norm of each effect's vector.
fn norms(rows: &[LayerEffects]) -> Result<Value> {
    type Figures = fn(&LayerEffects) -> [f64; 3];
    let norms = ByLayer {
        rows,
        quantity: "Norm",
    };
    let effects: [(&str, Colour, DashType, Figures); 3] = [
        ("Speaker", SPEAKER, DashType::Solid, |row| {
            [row.speaker_norm, row.speaker_norm_low, row.speaker_norm_high]
        }),
        ("Transcript", TRANSCRIPT, DashType::Dash, |row| {
            [
                row.transcript_norm,
                row.transcript_norm_low,
                row.transcript_norm_high,
            ]
        }),
        ("Interaction", INTERACTION, DashType::Dot, |row| {
            [
                row.interaction_norm,
                row.interaction_norm_low,
                row.interaction_norm_high,
            ]
        }),
    ];
    let line = |(name, colour, dash, of): &(&str, Colour, DashType, Figures)| {
        norms.line(name, *colour, dash.clone(), |row| of(row)[0])
    };
    let band = |(name, colour, _, of): &(&str, Colour, DashType, Figures)| {
        norms.band(name, *colour, |row| of(row)[1], |row| of(row)[2])
    };
    let traces = effects.iter().map(line).chain(effects.iter().map(band));
    let y_axis = axis("Norm of the effect").range_mode(RangeMode::ToZero);
    chart(traces.collect(), layer_axis(rows.len()), y_axis)
}

/// What the sums of squares about the grand mean are made of, one bar per layer.
fn variance(rows: &[LayerEffects]) -> Result<Value> {
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
