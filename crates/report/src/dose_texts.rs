//! Texts beside their scores: unsteered, at the dose that is shown, and at its neighbours.

use artifacts::{Condition, DoseCandidate, DoseText};
use serde::Serialize;

use crate::difference::compared;
use crate::doses::{Doses, is_unsteered};
use crate::format::{coefficient, number};
use crate::pieces::{Piece, pieces};

/// A prompt in one condition.
#[derive(Serialize)]
pub struct TextCard {
    condition: String,
    prompt: Vec<Piece>,
    columns: Vec<ScoredText>,
}

#[derive(Serialize)]
struct ScoredText {
    heading: String,
    /// Whether it is under the dose that is shown.
    is_shown: bool,
    text: Vec<Piece>,
    log_odds: String,
    perplexity: String,
    /// Whether it sounds like the other condition's speaker.
    crossed: bool,
}

/// More would make the page long, and a sweep has no more unless its pipeline asks for them.
const MOST_PROMPTS: usize = 24;

/// The positive condition's prompts with the contrast subtracted, and the negative one's with it added: each
/// toward the other speaker.
pub fn text_cards(doses: &Doses, conditions: [&Condition; 2], shown: &DoseCandidate) -> Vec<TextCard> {
    let mut prompts: Vec<&str> = Vec::new();
    for text in doses.texts.iter().filter(|text| is_unsteered(&text.dose)) {
        if !prompts.contains(&text.prompt_id.as_str()) {
            prompts.push(&text.prompt_id);
        }
    }
    prompts.truncate(MOST_PROMPTS);
    let sizes = sizes(doses, shown);
    let card = |prompt: &str, side: usize| text_card(doses, conditions[side], prompt, side, &sizes, shown);
    prompts
        .into_iter()
        .flat_map(|prompt| [0, 1].map(|side| card(prompt, side)))
        .flatten()
        .collect()
}

/// The size of the dose that is shown, and the next smaller and larger ones of its layer.
fn sizes(doses: &Doses, shown: &DoseCandidate) -> Vec<f64> {
    let candidates = doses.summary.candidates.iter();
    let mut sizes: Vec<f64> = candidates
        .filter(|candidate| candidate.layer == shown.layer)
        .map(|candidate| candidate.coefficient)
        .collect();
    sizes.sort_by(f64::total_cmp);
    let place = sizes.iter().position(|size| *size == shown.coefficient);
    let first = place.unwrap_or_default().saturating_sub(1);
    let last = place.map_or(0, |place| place + 2).min(sizes.len());
    sizes[first..last].to_vec()
}

fn text_card(
    doses: &Doses,
    condition: &Condition,
    prompt: &str,
    side: usize,
    sizes: &[f64],
    shown: &DoseCandidate,
) -> Option<TextCard> {
    let own = || {
        doses
            .texts
            .iter()
            .filter(|text| text.condition == condition.name && text.prompt_id == prompt)
    };
    let unsteered = own().find(|text| is_unsteered(&text.dose))?;
    let toward_the_other = if side == 0 { -1.0 } else { 1.0 };
    let steered = sizes.iter().filter_map(|size| {
        let amount = toward_the_other * size;
        let text = own().find(|text| text.dose.coefficient == Some(amount))?;
        let heading = format!("Coefficient {}", coefficient(amount));
        let marked = compared(&unsteered.text, &text.text);
        Some(scored(text, marked, heading, side, *size == shown.coefficient))
    });
    Some(TextCard {
        condition: condition.label.clone(),
        prompt: pieces(&unsteered.prompt),
        columns: std::iter::once(scored(
            unsteered,
            pieces(&unsteered.text),
            "Unsteered".to_owned(),
            side,
            false,
        ))
        .chain(steered)
        .collect(),
    })
}

fn scored(text: &DoseText, marked: Vec<Piece>, heading: String, side: usize, is_shown: bool) -> ScoredText {
    // In the format where it is likelier, as in the charts.
    let perplexity = text.surprise_positive.min(text.surprise_negative).exp();
    ScoredText {
        heading,
        is_shown,
        text: marked,
        log_odds: number(text.log_odds(), 2),
        perplexity: number(perplexity, 1),
        crossed: (side == 0) == (text.log_odds() < 0.0),
    }
}
