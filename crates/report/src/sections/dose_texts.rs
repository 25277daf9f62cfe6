//! Texts next to their scores: unsteered, at the dose that is shown, and at its neighbours.

use pages::format::{coefficient, number};
use pages::{Markup, Span, compared};
use pipeline::Condition;
use results::{DoseCandidate, DoseText};
use serde::Serialize;

use crate::sweep_tables::{Doses, is_unsteered};

/// A prompt in one condition.
#[derive(Serialize)]
pub struct TextCard {
    condition: String,
    prompt: Vec<Span>,
    columns: Vec<ScoredText>,
}

#[derive(Serialize)]
struct ScoredText {
    heading: String,
    /// Whether it was generated under the dose that is shown.
    is_shown: bool,
    text: Vec<Span>,
    log_odds: String,
    perplexity: String,
    /// Whether it sounds like the other condition's speaker.
    crossed: bool,
}

/// More would make the page long, and a sweep has more only if its pipeline asks for them.
const MOST_PROMPTS: usize = 24;

/// The positive condition's prompts with the contrast subtracted, and the negative one's with it
/// added: each toward the other speaker.
pub fn text_cards(
    markup: &Markup,
    doses: &Doses,
    conditions: [&Condition; 2],
    shown: &DoseCandidate,
) -> Vec<TextCard> {
    let mut prompts: Vec<&str> = Vec::new();
    for text in doses.texts.iter().filter(|text| is_unsteered(&text.dose)) {
        if !prompts.contains(&text.prompt_id.as_str()) {
            prompts.push(&text.prompt_id);
        }
    }
    prompts.truncate(MOST_PROMPTS);
    let sizes = sizes(doses, shown);
    let cards = Cards {
        markup,
        doses,
        sizes: &sizes,
        shown,
    };
    let card = |prompt: &str, side: usize| cards.card(conditions[side], prompt, side);
    prompts
        .into_iter()
        .flat_map(|prompt| [0, 1].map(|side| card(prompt, side)))
        .flatten()
        .collect()
}

/// The size of the dose that is shown, and the next smaller and larger ones of its layer.
fn sizes(doses: &Doses, shown: &DoseCandidate) -> Vec<f64> {
    let mut sizes: Vec<f64> = doses
        .contrasts()
        .filter(|candidate| candidate.layer == shown.layer)
        .map(|candidate| candidate.coefficient)
        .collect();
    sizes.sort_by(f64::total_cmp);
    let place = sizes.iter().position(|size| *size == shown.coefficient);
    let first = place.unwrap_or_default().saturating_sub(1);
    let last = place.map_or(0, |place| place + 2).min(sizes.len());
    sizes[first..last].to_vec()
}

/// What all cards have in common.
struct Cards<'a> {
    markup: &'a Markup,
    doses: &'a Doses,
    sizes: &'a [f64],
    shown: &'a DoseCandidate,
}

impl Cards<'_> {
    fn card(&self, condition: &Condition, prompt: &str, side: usize) -> Option<TextCard> {
        let is_own = |text: &&DoseText| text.condition == condition.name && text.prompt_id == prompt;
        let own = || self.doses.texts.iter().filter(is_own);
        let unsteered = own().find(|text| is_unsteered(&text.dose))?;
        let toward_the_other = if side == 0 { -1.0 } else { 1.0 };
        let steered = self.sizes.iter().filter_map(|size| {
            let amount = toward_the_other * size;
            let text = own().find(|text| text.dose.coefficient == Some(amount))?;
            let heading = format!("Coefficient {}", coefficient(amount));
            let marked = compared(self.markup, &unsteered.text, &text.text);
            let is_shown = *size == self.shown.coefficient;
            Some(scored(text, marked, heading, side, is_shown))
        });
        let plain = self.markup.spans(&unsteered.text);
        let first = scored(unsteered, plain, "Unsteered".to_owned(), side, false);
        Some(TextCard {
            condition: condition.label.clone(),
            prompt: self.markup.spans(&unsteered.prompt),
            columns: std::iter::once(first).chain(steered).collect(),
        })
    }
}

fn scored(text: &DoseText, marked: Vec<Span>, heading: String, side: usize, is_shown: bool) -> ScoredText {
    // In the format where it is more likely, as in the charts.
    let perplexity = text.surprise_positive.min(text.surprise_negative).exp();
    ScoredText {
        heading,
        is_shown,
        text: marked,
        log_odds: number(text.log_odds, 2),
        perplexity: number(perplexity, 1),
        crossed: (side == 0) == (text.log_odds < 0.0),
    }
}
