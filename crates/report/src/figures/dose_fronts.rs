//! What an effect costs: every dose by its damage and its effect, and for each direction the line of those that no
//! other beats in both.

use anyhow::Result;
use pages::chart_style::{
    BLUE, Colour, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION, axis, layout, legend_above, line, marker,
    to_json,
};
use pages::format::{number, plain, with_interval};
use plotly::common::{DashType, HoverInfo, Line, Marker, MarkerSymbol, Mode};
use plotly::layout::{Axis, AxisType};
use plotly::{Scatter, Trace};
use results::{DirectionSummary, DoseCandidate, DoseSummary};
use serde_json::Value;

use super::figure::{Figure, Size};
use crate::content::Content;

pub const BY_PERPLEXITY: Figure = Figure {
    id: "dose-front",
    section: "dose",
    label: "Effect of every dose by perplexity ratio",
    size: Size::Half(400),
    draw: |content| draw(content, &PERPLEXITY),
    caption: "What an effect costs. Each point is a dose; {% if sweep.is_compared %}colours are directions, all added as \
        long as the contrast, and {% endif %}the line joins the doses that no other \
        {% if sweep.is_compared %}of the direction {% endif %}beats in both effect and damage (the Pareto front). Dashed: \
        the budget of {{ sweep.budget }}, to the left of which the choice is made{% if sweep.is_chosen %}; ★ is the chosen \
        dose{% endif %}. Both are in sample. A dose on the front that is not chosen either does what a control does as \
        well, or costs too much. Data: <a href=\"{{ links.dose_summary|safe }}\">dose.json</a>.",
    left_out: None,
};

pub const BY_DIVERGENCE: Figure = Figure {
    id: "dose-front-kl",
    section: "dose",
    label: "Effect of every dose by divergence on neutral prompts",
    size: Size::Half(400),
    draw: |content| draw(content, &DIVERGENCE),
    caption: "The same with another measure of the cost: how far the dose moves the next token on \
        {{ sweep.neutral_prompts }} neutral prompts, where no role is asked for. It has no budget. Data: \
        <a href=\"{{ links.dose_summary|safe }}\">dose.json</a>.",
    left_out: None,
};

/// What a dose costs.
struct Damage {
    of: fn(&DoseCandidate) -> f64,
    axis: fn() -> Axis,
    has_budget: bool,
}

const PERPLEXITY: Damage = Damage {
    of: |candidate| candidate.perplexity_ratio,
    axis: || axis("Perplexity ratio").type_(AxisType::Log).dtick(1.0),
    has_budget: true,
};

const DIVERGENCE: Damage = Damage {
    of: |candidate| candidate.kl,
    axis: || axis("KL divergence, nats"),
    has_budget: false,
};

const COLOURS: [Colour; 6] = [BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY];

fn draw(content: &Content<'_>, damage: &Damage) -> Result<Option<Value>> {
    let summary = &content.inputs.doses.summary;
    if summary.candidates.is_empty() {
        return Ok(None);
    }
    let mut traces: Vec<Box<dyn Trace>> = Vec::new();
    for (index, direction) in summary.directions.iter().enumerate() {
        let colour = COLOURS[index % COLOURS.len()];
        traces.push(front(summary, direction, damage, colour));
        traces.push(points(summary, direction, damage, colour));
    }
    if damage.has_budget {
        traces.push(budget(summary));
    }
    traces.extend(
        summary
            .chosen
            .map(|index| star(&summary.candidates[index], damage)),
    );
    let layout = layout()
        .legend(legend_above())
        .x_axis((damage.axis)())
        .y_axis(axis("Effect, nats per token"));
    Ok(Some(to_json(traces, layout)?))
}

fn of_direction<'a>(summary: &'a DoseSummary, direction: &DirectionSummary) -> Vec<&'a DoseCandidate> {
    let own = summary.candidates.iter();
    own.filter(|candidate| candidate.direction == direction.direction)
        .collect()
}

fn points(
    summary: &DoseSummary,
    direction: &DirectionSummary,
    damage: &Damage,
    colour: Colour,
) -> Box<dyn Trace> {
    let own = of_direction(summary, direction);
    Scatter::new(
        own.iter().map(|candidate| (damage.of)(candidate)).collect(),
        own.iter().map(|candidate| candidate.effect).collect(),
    )
    .mode(Mode::Markers)
    .name(plain(&direction.direction))
    .legend_group(&direction.direction)
    .marker(marker(colour, 7))
    .hover_text_array(own.into_iter().map(hover).collect())
    .hover_template("%{hovertext}<extra></extra>")
}

/// By the measure of damage that is drawn, which need not be that of the summary's front.
fn front(
    summary: &DoseSummary,
    direction: &DirectionSummary,
    damage: &Damage,
    colour: Colour,
) -> Box<dyn Trace> {
    let mut own = of_direction(summary, direction);
    own.sort_by(|a, b| {
        let by_damage = (damage.of)(a).total_cmp(&(damage.of)(b));
        by_damage.then(b.effect.total_cmp(&a.effect))
    });
    let mut largest = f64::NEG_INFINITY;
    own.retain(|candidate| {
        let is_beaten = candidate.effect <= largest;
        largest = largest.max(candidate.effect);
        !is_beaten
    });
    Scatter::new(
        own.iter().map(|candidate| (damage.of)(candidate)).collect(),
        own.iter().map(|candidate| candidate.effect).collect::<Vec<f64>>(),
    )
    .mode(Mode::Lines)
    .name(plain(&direction.direction))
    .legend_group(&direction.direction)
    .show_legend(false)
    .line(line(colour))
    .hover_info(HoverInfo::Skip)
}

fn budget(summary: &DoseSummary) -> Box<dyn Trace> {
    let effects = summary.candidates.iter().map(|candidate| candidate.effect);
    let (low, high) = effects.fold((0.0, 0.0), |(low, high), effect| {
        (f64::min(low, effect), f64::max(high, effect))
    });
    let budget = summary.perplexity_budget;
    Scatter::new(vec![budget; 2], vec![low, high])
        .mode(Mode::Lines)
        .name(format!("Budget: {budget}"))
        .line(line(GREY).dash(DashType::LongDash))
        .hover_info(HoverInfo::Skip)
}

fn star(chosen: &DoseCandidate, damage: &Damage) -> Box<dyn Trace> {
    let star = Marker::new()
        .symbol(MarkerSymbol::Star)
        .size(16)
        .color("#ffffff")
        .line(Line::new().color("#000000").width(1.0));
    Scatter::new(vec![(damage.of)(chosen)], vec![chosen.effect])
        .mode(Mode::Markers)
        .name("Chosen")
        .marker(star)
        .hover_info(HoverInfo::Skip)
}

fn hover(candidate: &DoseCandidate) -> String {
    format!(
        "<b>{} times {} at layer {}</b><br>Effect: {}<br>Perplexity ratio: {}<br>KL divergence: {}",
        number(candidate.coefficient, 3),
        plain(&candidate.direction),
        candidate.layer,
        with_interval(candidate.effect, candidate.effect_low, candidate.effect_high, 3),
        number(candidate.perplexity_ratio, 2),
        number(candidate.kl, 3),
    )
}
