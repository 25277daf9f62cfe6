//! Where in the network the role lives, by activation patching.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, number_or_dash, p_value};
use pages::shown;
use results::PatchEffect;
use serde_json::json;
use terms::{HiddenTokens, Patch, PatchedPositions, Site};

use super::section::Section;
use crate::conditions::{contrast_conditions, label};
use crate::content::Content;
use crate::figures::position_name;

pub const SECTION: Section = Section {
    id: "locate",
    contents: Some("Where the role lives"),
    template: include_str!("locate.html"),
    context,
};

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let rows = &content.inputs.patches;
    let Some(first) = rows.first() else {
        return Ok(None);
    };
    let [positive, negative] = contrast_conditions(content.pipeline)?;
    let (positive, negative) = (positive.label.clone(), negative.label.clone());
    let sentences: Vec<String> = [
        single_token(rows, &positive, &negative),
        necessary(rows, &negative),
        single_part(rows),
        knocked_out(content),
        controls(rows),
    ]
    .into_iter()
    .flatten()
    .collect();
    let locate = json!({
        "positive": positive,
        "negative": negative,
        "prompts": first.prompts,
        "tokens": content.pipeline.locate.tokens,
        "sentences": sentences,
    });
    Ok(Some(context! { locate => shown(locate) }))
}

/// The row with the largest effect.
fn largest(rows: &[PatchEffect], is_meant: impl Fn(&PatchEffect) -> bool) -> Option<&PatchEffect> {
    let defined = rows.iter().filter(|row| row.effect.is_finite() && is_meant(row));
    defined.max_by(|a, b| a.effect.total_cmp(&b.effect))
}

fn with_interval(row: &PatchEffect) -> String {
    match row.effect_low.is_finite() && row.effect_high.is_finite() {
        true => format!(
            "{} (95 % interval {} to {})",
            number(row.effect, 2),
            number(row.effect_low, 2),
            number(row.effect_high, 2)
        ),
        false => number(row.effect, 2),
    }
}

/// An effect that is this share of the largest is as good as it.
const MOST_OF_IT: f64 = 0.9;

/// What one token carries alone.
fn single_token(rows: &[PatchEffect], positive: &str, negative: &str) -> Option<String> {
    let is_residual = |row: &PatchEffect, patch| row.patch == patch && row.site == Site::ResidualPost;
    let own = largest(rows, |row| {
        is_residual(row, Patch::PutIn) && row.positions == PatchedPositions::Token
    })?;
    // It may be there long before it is clearest.
    let earliest = rows.iter().find(|row| {
        is_residual(row, Patch::PutIn)
            && (row.positions, row.from_end) == (own.positions, own.from_end)
            && row.effect >= MOST_OF_IT * own.effect
    });
    let earlier = earliest
        .filter(|row| row.layer < own.layer)
        .map_or(String::new(), |row| {
            format!(
                ", and by {} already after layer {}",
                number(row.effect, 2),
                row.layer
            )
        });
    let tested = own.p_family.map_or(String::new(), |p| {
        format!(
            " (p = {} over all places, against another prompt\u{2019}s activations)",
            p_value(p)
        )
    });
    Some(format!(
        "Of single tokens, the residual stream of \u{201c}{}\u{201d} after layer {} carries most: put from {negative} into \
         {positive}, it moves the answer by {} of the whole way{earlier}{tested}.",
        position_name(own),
        own.layer,
        with_interval(own),
    ))
}

fn necessary(rows: &[PatchEffect], negative: &str) -> Option<String> {
    let own = largest(rows, |row| {
        row.patch == Patch::TakenOut
            && row.site == Site::ResidualPost
            && row.positions == PatchedPositions::Token
    })?;
    Some(format!(
        "Taking out what is particular to the run at \u{201c}{}\u{201d} after layer {} moves {negative} back by {}.",
        position_name(own),
        own.layer,
        with_interval(own),
    ))
}

fn single_part(rows: &[PatchEffect]) -> Option<String> {
    let is_all = |row: &PatchEffect| row.patch == Patch::PutIn && row.positions == PatchedPositions::All;
    let part = largest(rows, |row| {
        is_all(row) && matches!(row.site, Site::AttentionOutput | Site::FeedForwardOutput)
    })?;
    let name = match part.site {
        Site::AttentionOutput => "attention",
        _ => "the feed-forward",
    };
    let of_head = largest(rows, |row| is_all(row) && row.site == Site::HeadOutputs);
    let of_head = of_head.and_then(|row| {
        let head = row.head?;
        Some(format!(
            "; of single heads, head {head} of layer {} the most, {}",
            row.layer,
            with_interval(row)
        ))
    });
    Some(format!(
        "Of what single parts add, {name} of layer {} moves it most, by {}{}.",
        part.layer,
        with_interval(part),
        of_head.unwrap_or_default()
    ))
}

/// What the answer can't do without in a single window of layers.
fn knocked_out(content: &Content<'_>) -> Option<String> {
    let windows = content.inputs.knockouts.iter();
    let own = windows
        .filter(|row| row.hidden == HiddenTokens::Speaker && row.effect.is_finite())
        .filter(|row| row.last_layer - row.first_layer + 1 < content.layers())
        .max_by(|a, b| a.effect.total_cmp(&b.effect))?;
    let layers = match own.first_layer == own.last_layer {
        true => format!("layer {}", own.first_layer),
        false => format!("layers {} to {}", own.first_layer, own.last_layer),
    };
    Some(format!(
        "Hiding the speaker\u{2019}s name from the tokens after it matters most in {layers}, where it moves {} by {} of the way.",
        label(content.pipeline, &own.condition),
        number(own.effect, 2)
    ))
}

/// What the controls reach.
fn controls(rows: &[PatchEffect]) -> Option<String> {
    let most = |patch: Patch| {
        let own = rows
            .iter()
            .filter(|row| row.patch == patch && row.site == Site::ResidualPost && row.effect.is_finite());
        own.map(|row| row.effect)
            .max_by(|a, b| a.abs().total_cmp(&b.abs()))
    };
    let (other, random) = (most(Patch::OtherPrompt)?, most(Patch::Random)?);
    Some(format!(
        "The controls in the residual stream: another prompt\u{2019}s activations of the same condition reach {} at most, a random \
         vector as long as the difference {}.",
        number_or_dash(other, 2),
        number_or_dash(random, 2)
    ))
}
