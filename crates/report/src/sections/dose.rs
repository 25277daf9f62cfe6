//! The sweep over doses as the page shows it: the choice in words, and all that could have been
//! chosen.

use anyhow::Result;
use minijinja::context;
use minijinja::value::Value as TemplateValue;
use pages::format::{number, number_or_dash, percent, with_interval};
use pages::shown;
use results::{DoseCandidate, DoseSummary};
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
    candidates: Vec<CandidateView>,
    ablations: Vec<AblationTable>,
    cards: Vec<TextCard>,
}

#[derive(Serialize)]
struct CandidateView {
    layer: usize,
    coefficient: String,
    relative: String,
    effect: String,
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
        candidates: candidate_views(summary),
        ablations: ablation_tables(&doses.effects, conditions, shown.layer),
        cards: text_cards(&content.inputs.markup, doses, conditions, shown),
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
        layer: candidate.layer,
        coefficient: number(candidate.coefficient, 3),
        relative: number(candidate.relative_coefficient, 2),
        effect: with_interval(candidate.effect, candidate.effect_low, candidate.effect_high, 2),
        controls: number_or_dash(candidate.control_high, 2),
        crossed: percent(candidate.crossed),
        wrong_way: percent(candidate.wrong_way),
        perplexity_ratio: number(candidate.perplexity_ratio, 2),
        kl: number(candidate.kl, 3),
        is_chosen,
        reasons: candidate.reasons.clone(),
    }
}
