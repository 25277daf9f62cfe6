//! The sweep over doses as the page shows it: the choice in words, and all that could have been
//! chosen.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, number_or_dash, percent, with_interval};
use pages::shown;
use results::{DirectionSummary, DoseCandidate, DoseSummary, Estimate, HeldOut};
use serde::Serialize;

use super::ablations::{AblationTable, ablation_tables};
use super::dose_texts::{TextCard, text_cards};
use super::section::Section;
use crate::conditions::contrast_conditions;
use crate::content::Content;

pub const SECTION: Section = Section {
    id: "dose",
    contents: Some("Dose"),
    template: include_str!("dose.html"),
    context,
};

#[derive(Serialize)]
struct SweepView {
    layer: usize,
    is_chosen: bool,
    budget: f64,
    prompts: usize,
    neutral_prompts: usize,
    labels: [String; 2],
    /// Whether there are directions beside the contrast.
    is_compared: bool,
    directions: Vec<DirectionView>,
    candidates: Vec<CandidateView>,
    ablations: Vec<AblationTable>,
    cards: Vec<TextCard>,
}

/// What a direction does at most, in sample and held out.
#[derive(Serialize)]
struct DirectionView {
    direction: String,
    dose: String,
    in_sample: ScoredDose,
    held_out: Option<ScoredDose>,
    /// The doses of the folds, and how many chose each.
    choices: String,
    is_refitted: bool,
}

#[derive(Serialize)]
struct ScoredDose {
    effect: String,
    projection: String,
    crossed: String,
    perplexity_ratio: String,
}

#[derive(Serialize)]
struct CandidateView {
    direction: String,
    layer: usize,
    coefficient: String,
    relative: String,
    effect: String,
    projection: String,
    controls: String,
    crossed: String,
    wrong_way: String,
    perplexity_ratio: String,
    kl: String,
    is_chosen: bool,
    reasons: Vec<String>,
}

fn context(content: &Content<'_>) -> Result<Option<TemplateValue>> {
    let doses = &content.inputs.doses;
    let sweep = doses
        .shown()
        .map(|shown| sweep_view(content, shown))
        .transpose()?;
    Ok(Some(context! {
        findings => doses.summary.findings.clone(),
        sweep => shown(sweep),
    }))
}

fn sweep_view(content: &Content<'_>, shown: &DoseCandidate) -> Result<SweepView> {
    let doses = &content.inputs.doses;
    let conditions = contrast_conditions(content.pipeline)?;
    let summary = &doses.summary;
    Ok(SweepView {
        layer: shown.layer,
        is_chosen: summary.chosen.is_some(),
        budget: summary.perplexity_budget,
        prompts: summary.prompts,
        neutral_prompts: summary.neutral_prompts,
        labels: conditions.map(|condition| condition.label.clone()),
        is_compared: summary.directions.len() > 1,
        directions: summary
            .directions
            .iter()
            .map(|own| direction_view(summary, own))
            .collect(),
        candidates: candidate_views(summary),
        ablations: ablation_tables(&doses.effects, conditions, shown.layer),
        cards: text_cards(&content.inputs.markup, doses, conditions, shown),
    })
}

fn direction_view(summary: &DoseSummary, own: &DirectionSummary) -> DirectionView {
    let dash = || "\u{2013}".to_owned();
    let chosen = own.chosen.map(|index| &summary.candidates[index]);
    let in_sample = chosen.map(|chosen| ScoredDose {
        effect: with_interval(chosen.effect, chosen.effect_low, chosen.effect_high, 2),
        projection: projection(chosen.projection),
        crossed: percent(chosen.crossed),
        perplexity_ratio: number(chosen.perplexity_ratio, 2),
    });
    let held_out = own.held_out.as_ref().map(|held_out| ScoredDose {
        effect: with_interval(
            held_out.effect.value,
            held_out.effect.low,
            held_out.effect.high,
            2,
        ),
        projection: projection(held_out.projection),
        crossed: percent(held_out.crossed),
        perplexity_ratio: number(held_out.perplexity_ratio, 2),
    });
    DirectionView {
        direction: own.direction.clone(),
        dose: chosen.map_or("none passes".to_owned(), dose_in_words),
        in_sample: in_sample.unwrap_or_else(|| ScoredDose {
            effect: dash(),
            projection: dash(),
            crossed: dash(),
            perplexity_ratio: dash(),
        }),
        choices: own
            .held_out
            .as_ref()
            .map_or_else(dash, |held_out| choices(summary, held_out)),
        is_refitted: own.held_out.as_ref().is_some_and(|held_out| held_out.is_refitted),
        held_out,
    }
}

fn dose_in_words(dose: &DoseCandidate) -> String {
    format!("{} at layer {}", number(dose.coefficient, 2), dose.layer)
}

/// `3 x 1.00 at layer 2, 1 x none`.
fn choices(summary: &DoseSummary, held_out: &HeldOut) -> String {
    let mut counts: Vec<(Option<usize>, usize)> = Vec::new();
    for chosen in &held_out.chosen {
        match counts.iter_mut().find(|(own, _)| own == chosen) {
            Some((_, count)) => *count += 1,
            None => counts.push((*chosen, 1)),
        }
    }
    let words = counts.into_iter().map(|(chosen, count)| {
        let dose = chosen.map_or("none".to_owned(), |index| {
            dose_in_words(&summary.candidates[index])
        });
        format!("{count} \u{d7} {dose}")
    });
    words.collect::<Vec<String>>().join(", ")
}

fn projection(projection: Option<Estimate>) -> String {
    projection.map_or("\u{2013}".to_owned(), |own| {
        with_interval(own.value, own.low, own.high, 2)
    })
}

/// Those that could be chosen first, and by effect.
fn candidate_views(summary: &DoseSummary) -> Vec<CandidateView> {
    let mut places: Vec<usize> = (0..summary.candidates.len()).collect();
    places.sort_by(|a, b| {
        let [a, b] = [a, b].map(|place| &summary.candidates[*place]);
        let passes_first = a.reasons.is_empty().cmp(&b.reasons.is_empty()).reverse();
        passes_first.then(b.effect.total_cmp(&a.effect))
    });
    let view = |place: usize| candidate_view(&summary.candidates[place], summary.chosen == Some(place));
    places.into_iter().map(view).collect()
}

fn candidate_view(candidate: &DoseCandidate, is_chosen: bool) -> CandidateView {
    CandidateView {
        direction: candidate.direction.clone(),
        layer: candidate.layer,
        coefficient: number(candidate.coefficient, 3),
        relative: number(candidate.relative_coefficient, 2),
        effect: with_interval(candidate.effect, candidate.effect_low, candidate.effect_high, 2),
        projection: projection(candidate.projection),
        controls: number_or_dash(candidate.control_high, 2),
        crossed: percent(candidate.crossed),
        wrong_way: percent(candidate.wrong_way),
        perplexity_ratio: number(candidate.perplexity_ratio, 2),
        kl: number(candidate.kl, 3),
        is_chosen,
        reasons: candidate.reasons.clone(),
    }
}
