//! Whether the run's own texts become the tokens that the reference has for them.

use std::collections::HashMap;

use anyhow::{Context, Result};
use model::ChatTokenizer;
use pipeline::{Pipeline, read_prompts};
use results::{ReferenceText, TextAgreement};
use session::render_prompts;

/// What a text is made of: instructions, turns, and who is to speak.
type Conversation<'a> = (Option<&'a str>, Vec<(&'a str, &'a str)>, &'a str);

/// Renders the prompts of a pipeline as `extract` does and compares their tokens with those of the
/// reference, text by text, as far as it has them.
///
/// # Errors
/// Those of reading the prompts and of rendering them.
pub fn compare(
    pipeline: &Pipeline,
    tokenizer: &ChatTokenizer,
    reference: &[ReferenceText],
) -> Result<TextAgreement> {
    let file = &pipeline.prompts.file;
    let prompts = read_prompts(file).context("reading the prompts (prompts.file)")?;
    let rendered = render_prompts(tokenizer, file, &prompts, &pipeline.conditions)?;
    let known: HashMap<Conversation<'_>, &ReferenceText> =
        reference.iter().map(|text| (conversation(text), text)).collect();
    let mut agreement = TextAgreement {
        texts: rendered.len(),
        compared: 0,
        agreeing: 0,
        first_difference: None,
    };
    for row in &rendered {
        let condition = pipeline.condition(&row.condition);
        let condition = condition.context("a condition is missing")?.filled(&row.prompt);
        let turns = condition.turns.iter();
        let turns = turns
            .map(|turn| (turn.speaker.as_str(), turn.text.as_str()))
            .collect();
        let key = (condition.system.as_deref(), turns, condition.opens.as_str());
        let Some(expected) = known.get(&key) else {
            continue;
        };
        agreement.compared += 1;
        if expected.ids == row.token_ids {
            agreement.agreeing += 1;
        } else if agreement.first_difference.is_none() {
            let same = expected
                .ids
                .iter()
                .zip(&row.token_ids)
                .take_while(|(a, b)| a == b);
            agreement.first_difference = Some(format!(
                "prompt \"{}\" in condition \"{}\", from token {} on ({} tokens there, {} here)",
                row.prompt_id,
                row.condition,
                same.count(),
                expected.ids.len(),
                row.token_ids.len()
            ));
        }
    }
    Ok(agreement)
}

fn conversation(text: &ReferenceText) -> Conversation<'_> {
    let turns = text.turns.iter();
    let turns = turns.map(|(speaker, said)| (speaker.as_str(), said.as_str()));
    (text.system.as_deref(), turns.collect(), &text.opens)
}
