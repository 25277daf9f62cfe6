//! What a user should know about a pipeline's model and prompts, though none of it prevents the run
//! from starting.
//!
//! `extract` logs it and writes it into its tables; `doctor` reports it before anything is run.

use std::collections::BTreeMap;

use anyhow::{Context, Result};
use model::{ChatTokenizer, ModelConfig};
use pipeline::{Pipeline, read_prompts};
use results::RenderedPrompt;
use terms::Pooling;

use session::{longest_beyond, render_prompts};

use crate::{Newlines, Wanted, pooled_position};

/// The texts of a run, and what is to be said about them.
pub struct PreparedPrompts {
    /// Each prompt that is used in each condition, in the order of [`render_prompts`].
    pub rendered: Vec<RenderedPrompt>,
    /// One sentence each: `place: what was found; what to do`.
    pub findings: Vec<String>,
}

/// Reads the prompts of a pipeline and renders them in all of its conditions. Of prompts that are
/// the same text to the model in some condition only the first is used: the others don't count as
/// further observations, and would only make the statistics look surer than they are.
///
/// # Errors
/// Those of reading and of rendering.
pub fn prepare_prompts(
    pipeline: &Pipeline,
    config: &ModelConfig,
    tokenizer: &ChatTokenizer,
) -> Result<PreparedPrompts> {
    let file = &pipeline.prompts.file;
    let prompts = read_prompts(file).context("reading the prompts (prompts.file)")?;
    let mut rendered = render_prompts(tokenizer, file, &prompts, &pipeline.conditions)?;
    let mut findings = Vec::new();
    let repeated = repeated(&rendered);
    if !repeated.is_empty() {
        findings.push(about_repeated(pipeline, &repeated, prompts.len()));
        rendered.retain(|row| !repeated.contains_key(&row.prompt_id));
    }
    findings.extend(about_lengths(pipeline, config, &rendered));
    findings.extend(about_newlines(pipeline, tokenizer, &rendered));
    findings.extend(about_beginnings(tokenizer, &rendered));
    findings.extend(about_ends(config, tokenizer));
    findings.extend(about_the_date(pipeline, tokenizer));
    Ok(PreparedPrompts { rendered, findings })
}

/// Prompts with the same tokens as an earlier one in some condition, and which one that is. The
/// earlier one is itself used: being like a prompt that is left out is not a reason.
fn repeated(rendered: &[RenderedPrompt]) -> BTreeMap<String, String> {
    let mut texts: BTreeMap<&str, Vec<&RenderedPrompt>> = BTreeMap::new();
    for row in rendered {
        texts.entry(&row.prompt_id).or_default().push(row);
    }
    let key = |row: &&'_ RenderedPrompt| (row.condition.clone(), row.token_ids.clone());
    let mut used = BTreeMap::new();
    let mut repeated = BTreeMap::new();
    // The first condition has every prompt, in order.
    let first = rendered.first().map(|row| &row.condition);
    for row in rendered.iter().filter(|row| Some(&row.condition) == first) {
        let own = texts
            .get(row.prompt_id.as_str())
            .map(Vec::as_slice)
            .unwrap_or_default();
        match own.iter().find_map(|row| used.get(&key(row))) {
            Some(earlier) => _ = repeated.insert(row.prompt_id.clone(), String::clone(earlier)),
            None => used.extend(own.iter().map(|row| (key(row), row.prompt_id.clone()))),
        }
    }
    repeated
}

fn about_repeated(pipeline: &Pipeline, repeated: &BTreeMap<String, String>, prompts: usize) -> String {
    let pairs: Vec<String> = repeated
        .iter()
        .take(NAMED)
        .map(|(later, earlier)| format!("\"{later}\" is \"{earlier}\""))
        .collect();
    let (file, count) = (pipeline.prompts.file.display(), repeated.len());
    format!(
        "{file}: {count} of {prompts} prompts are the same text to the model as an earlier one ({}{}) and are left out, since they \
         don't count as further observations; remove them",
        pairs.join(", "),
        and_more(count)
    )
}

/// Prompts beyond the positions that a model was made for.
fn about_lengths(pipeline: &Pipeline, config: &ModelConfig, rendered: &[RenderedPrompt]) -> Option<String> {
    let limit = config.max_position_embeddings;
    let (longest, others) = longest_beyond(limit, rendered.iter(), 0)?;
    Some(format!(
        "{}: prompt \"{}\" in condition \"{}\" has {} tokens{others}, and the model was made for {limit} \
         (`max_position_embeddings`): what it computes beyond means little; shorten the prompt",
        pipeline.prompts.file.display(),
        longest.prompt_id,
        longest.condition,
        longest.token_ids.len()
    ))
}

/// Where `newline` and the notebook's rule diverge.
fn about_newlines(
    pipeline: &Pipeline,
    tokenizer: &ChatTokenizer,
    rendered: &[RenderedPrompt],
) -> Option<String> {
    if !pipeline.extract.poolings.contains(&Pooling::Newline) {
        return None;
    }
    let newlines = Newlines::of(tokenizer);
    let differs = |row: &&RenderedPrompt| {
        Wanted::Position(newlines.read_by_the_notebook(&row.token_ids))
            != pooled_position(Pooling::Newline, row)
    };
    let other: Vec<&RenderedPrompt> = rendered.iter().filter(differs).collect();
    let first = other.first()?;
    let (there, Wanted::Position(here)) = (
        newlines.read_by_the_notebook(&first.token_ids),
        pooled_position(Pooling::Newline, first),
    ) else {
        return None;
    };
    Some(format!(
        "pooling `newline`: in {} of {} texts the notebook's rule (the last blank line, else the last newline of the whole text) \
         would have read elsewhere, first for prompt \"{}\" in condition \"{}\" (position {there} instead of {here}); nothing is to be \
         done, but figures made by that rule differ",
        other.len(),
        rendered.len(),
        first.prompt_id,
        first.condition
    ))
}

/// Texts without the beginning token, where the tokenizer would have added it to any other text.
fn about_beginnings(tokenizer: &ChatTokenizer, rendered: &[RenderedPrompt]) -> Option<String> {
    let without = |row: &RenderedPrompt| {
        let ids: Vec<u32> = row
            .token_ids
            .iter()
            .take(1)
            .map(|id| id.cast_unsigned())
            .collect();
        tokenizer.missing_bos(&ids).map(str::to_owned)
    };
    let bos = rendered.iter().find_map(without)?;
    Some(format!(
        "the chat template does not begin with {bos}, and as in transformers' apply_chat_template nothing adds it, though the model was \
         most likely trained with it; begin the template with {{{{ bos_token }}}} (model.chat_template)"
    ))
}

/// A format whose turns end with a token that ends no text.
fn about_ends(config: &ModelConfig, tokenizer: &ChatTokenizer) -> Option<String> {
    let end = tokenizer.end_of_turn()?;
    if config.end_tokens.contains(&end) {
        return None;
    }
    let ends: Vec<String> = config
        .end_tokens
        .iter()
        .map(|id| tokenizer.token_text(*id))
        .collect();
    Some(format!(
        "the chat template ends a turn of the model with {}, which is not among the end tokens ({}): texts go on behind it, as they do in \
         transformers; add {end} to `eos_token_id` in generation_config.json",
        tokenizer.token_text(end),
        ends.join(", ")
    ))
}

fn about_the_date(pipeline: &Pipeline, tokenizer: &ChatTokenizer) -> Option<String> {
    let date = tokenizer.date().filter(|_| pipeline.model.date.is_none())?;
    Some(format!(
        "the chat template tells the model today's date ({date}), so that this run can't be repeated on another day; set model.date = \
         \"{date}\""
    ))
}

/// At most this many are named in a sentence.
const NAMED: usize = 3;

fn and_more(count: usize) -> String {
    match count.saturating_sub(NAMED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(prompt: &str, condition: &str, token: i32) -> RenderedPrompt {
        RenderedPrompt {
            prompt_id: prompt.to_owned(),
            prompt: String::new(),
            condition: condition.to_owned(),
            text: String::new(),
            n_tokens: 2,
            token_ids: vec![2, token],
            token_texts: Vec::new(),
            opening: 0,
        }
    }

    #[test]
    fn a_prompt_is_not_left_out_for_one_that_is_left_out() {
        // b is a in one condition; c is b in the other, and nothing that is used.
        let rendered = [
            row("a", "normal", 5),
            row("b", "normal", 5),
            row("c", "normal", 6),
            row("a", "swapped", 7),
            row("b", "swapped", 8),
            row("c", "swapped", 8),
        ];
        assert_eq!(
            repeated(&rendered),
            BTreeMap::from([("b".to_owned(), "a".to_owned())])
        );
    }
}
