//! Which layers read what: parts of the text hidden from the last tokens, window by window.

use anyhow::Result;
use pages::chart_style::{BLUE, Colour, GREEN, ORANGE, axis, chart, line, marker};
use pages::format::{number_or_dash, plain};
use plotly::common::{DashType, Mode};
use plotly::{Scatter, Trace};
use results::Knockout;
use serde_json::Value;
use terms::HiddenTokens;

use super::figure::{Figure, Size};
use crate::conditions::label;
use crate::content::Content;

pub const FIGURE: Figure = Figure {
    id: "locate-knock-out",
    section: "locate",
    label: "Effect of hiding parts of the text from the last tokens, by layer",
    size: Size::Full(360),
    draw: curves,
    caption: "Who reads what: the tokens of the opened turn and of the answer don\u{2019}t see the speaker\u{2019}s name, the prompt or \
        what comes before it, in a window of layers that begins at the one shown. Solid: the \
        {{ locate.positive }} run; dashed: the {{ locate.negative }} run. An effect near 0 means that the answer does \
        without; it may go through other tokens. Data: \
        <a href=\"{{ links.knockouts|safe }}\">knockouts.parquet</a>.",
    left_out: None,
};

fn curves(content: &Content<'_>) -> Result<Option<Value>> {
    let rows = &content.inputs.knockouts;
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    let contrast = &content.pipeline.contrast;
    for part in HiddenTokens::ALL {
        for (condition, dash) in [
            (&contrast.positive, DashType::Solid),
            (&contrast.negative, DashType::Dash),
        ] {
            let own: Vec<&Knockout> = windows(rows)
                .filter(|row| row.hidden == *part && row.condition == *condition && row.effect.is_finite())
                .collect();
            if !own.is_empty() {
                traces.push(curve(
                    &own,
                    *part,
                    &plain(&label(content.pipeline, condition)),
                    dash,
                ));
            }
        }
    }
    if traces.is_empty() {
        return Ok(None);
    }
    chart(traces, axis("First layer of the window"), axis("Effect")).map(Some)
}

/// Without the window of all layers, which is no point of a curve.
fn windows(rows: &[Knockout]) -> impl Iterator<Item = &Knockout> {
    let width = |row: &Knockout| row.last_layer - row.first_layer;
    let least = rows.iter().map(width).min().unwrap_or(0);
    rows.iter().filter(move |row| width(row) == least)
}

fn curve(rows: &[&Knockout], part: HiddenTokens, condition: &str, dash: DashType) -> Box<dyn Trace> {
    let (name, colour): (&str, Colour) = match part {
        HiddenTokens::Speaker => ("speaker\u{2019}s name", BLUE),
        HiddenTokens::Prompt => ("prompt", ORANGE),
        HiddenTokens::Before => ("before the prompt", GREEN),
    };
    let name = format!("{name}, {condition}");
    let hover = |row: &&Knockout| {
        format!(
            "<b>{name}</b><br>Layers {} to {}<br>Effect: {} ({} to {})<br>KL of the first token: {}",
            row.first_layer,
            row.last_layer,
            number_or_dash(row.effect, 3),
            number_or_dash(row.effect_low, 3),
            number_or_dash(row.effect_high, 3),
            number_or_dash(row.kl, 3),
        )
    };
    let layers = rows.iter().map(|row| row.first_layer).collect();
    let effects = rows.iter().map(|row| row.effect).collect();
    Scatter::new(layers, effects)
        .mode(Mode::LinesMarkers)
        .name(&name)
        .line(line(colour).dash(dash))
        .marker(marker(colour, 5))
        .hover_text_array(rows.iter().map(hover).collect())
        .hover_template("%{hovertext}<extra></extra>")
}
