use anyhow::Result;
use pages::chart_style::{Colour, GREY, ORANGE, axis, layout, legend_above, marker, to_json};
use plotly::layout::{AxisRange, BarMode};
use plotly::{Bar, Trace};
use results::LayerEffects;
use serde_json::Value;

use super::by_layer::layer_axis;
use super::effect_colours::{INTERACTION, SPEAKER, TRANSCRIPT};
use super::figure::{Figure, Size};
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "variance",
    section: "speaker",
    label: "The sources of the variance, by layer",
    size: Size::Full(360),
    draw,
    caption: "Where the differences between all residuals come from: the speaker, the \
        transcript, their interaction, the prompt, and what none of these explains. Data: \
        <a href=\"{{ links.effects|safe }}\">effects.parquet</a>.",
    left_out: None,
};

fn draw(content: &Content<'_>) -> Result<Option<Value>> {
    let rows = &content.inputs.evidence.effects;
    (!rows.is_empty()).then(|| variance_chart(rows)).transpose()
}

/// What the sums of squares about the grand mean are made of, one bar a layer.
fn variance_chart(rows: &[LayerEffects]) -> Result<Value> {
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
