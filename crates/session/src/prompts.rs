use std::path::Path;

use anyhow::{Context, Result, bail};
use model::{ChatTokenizer, Message, ModelConfig, Role, Tokens};
use pipeline::{Condition, Pipeline, Prompt, Turn};
use rayon::prelude::*;
use results::RenderedPrompt;
use terms::Speaker;

/// Every prompt in every condition as the model sees it, prompts first: all of the first condition,
/// then all of the second. `file` is where the prompts come from, for messages.
///
/// # Errors
/// A text that holds a token of the chat format, and what the chat template or the tokenizer
/// refuses.
pub fn render_prompts(
    tokenizer: &ChatTokenizer,
    file: &Path,
    prompts: &[Prompt],
    conditions: &[Condition],
) -> Result<Vec<RenderedPrompt>> {
    for prompt in prompts {
        if let Some(token) = tokenizer.control_token_in(&prompt.text) {
            let (file, id) = (file.display(), &prompt.id);
            bail!(
                "{file}: the prompt \"{id}\" holds the control token {token}, which would end or open a turn; remove it"
            );
        }
    }
    for condition in conditions {
        let texts = condition.turns.iter().map(|turn| &turn.text);
        for text in texts.chain(&condition.system) {
            if let Some(token) = tokenizer.control_token_in(text) {
                let name = &condition.name;
                bail!(
                    "conditions.{name}: the text {text:?} holds the control token {token}, which would end or open a turn; remove it"
                );
            }
        }
    }
    let mut all = Vec::with_capacity(conditions.len() * prompts.len());
    for condition in conditions {
        let rendered = prompts
            .par_iter()
            .map(|prompt| render(tokenizer, condition, prompt));
        // First all texts, then the first error: the message is that of the first prompt every time.
        let rendered: Vec<Result<RenderedPrompt>> = rendered.collect();
        for text in rendered {
            all.push(text?);
        }
    }
    Ok(all)
}

/// A conversation in the model's chat format, with the turn of `opens` opened at the end: its text
/// and its tokens.
pub fn render_turns(
    tokenizer: &ChatTokenizer,
    system: Option<&str>,
    turns: &[Turn],
    opens: Speaker,
) -> Result<(String, Tokens)> {
    let system = system.map(|text| Message::new(Role::System, text));
    let turns = turns
        .iter()
        .map(|turn| Message::new(turn.speaker, turn.text.as_str()));
    let messages: Vec<Message> = system.into_iter().chain(turns).collect();
    let rendered = tokenizer.render(&messages, opens)?;
    let tokens = tokenizer.tokenize(&rendered)?;
    Ok((rendered.text, tokens))
}

/// The ids of the texts that a set suppresses.
///
/// # Errors
/// A text that is not a single token of the model.
pub fn suppressed_tokens(tokenizer: &ChatTokenizer, set: &str, texts: &[String]) -> Result<Vec<u32>> {
    let id = |text: &String| {
        tokenizer.token_id(text).with_context(|| {
            let ids = tokenizer.encode(text).unwrap_or_default();
            let parts: Vec<String> = ids.iter().map(|id| tokenizer.token_text(*id)).collect();
            format!(
                "steer.sets.{set}: suppress: {text:?} is not a single token of this model, but {}; name single tokens",
                parts.join(" + ")
            )
        })
    };
    texts.iter().map(id).collect()
}

/// Texts that may grow beyond these positions while they are generated.
pub fn about_generation(
    pipeline: &Pipeline,
    config: &ModelConfig,
    rendered: &[RenderedPrompt],
) -> Option<String> {
    let (limit, new) = (config.max_position_embeddings, pipeline.steer.max_new_tokens);
    let sets = &pipeline.steer.sets;
    let generated = rendered
        .iter()
        .filter(|row| sets.iter().any(|set| set.condition == row.condition));
    let (longest, others) = longest_beyond(limit, generated, new)?;
    Some(format!(
        "steer.max_new_tokens: {new} new tokens behind the {} of prompt \"{}\" in condition \"{}\"{others} pass the {limit} that the \
         model was made for (`max_position_embeddings`); shorten the prompt, or lower steer.max_new_tokens",
        longest.token_ids.len(),
        longest.prompt_id,
        longest.condition
    ))
}

/// The longest row that passes the limit with `new` more tokens, and how many others do, in words.
fn longest_beyond<'a>(
    limit: usize,
    rows: impl Iterator<Item = &'a RenderedPrompt>,
    new: usize,
) -> Option<(&'a RenderedPrompt, String)> {
    let long: Vec<&RenderedPrompt> = rows.filter(|row| row.token_ids.len() + new > limit).collect();
    let longest = long.iter().max_by_key(|row| row.token_ids.len())?;
    Some((longest, other_texts(long.len())))
}

/// How many texts there are besides one of `count` that was named, in words.
pub fn other_texts(count: usize) -> String {
    match count.saturating_sub(1) {
        0 => String::new(),
        1 => " (and one more text)".to_owned(),
        count => format!(" (and {count} more texts)"),
    }
}

fn render(tokenizer: &ChatTokenizer, condition: &Condition, prompt: &Prompt) -> Result<RenderedPrompt> {
    let Condition {
        system, turns, opens, ..
    } = condition.filled(&prompt.text);
    let (text, tokens) = render_turns(tokenizer, system.as_deref(), &turns, opens).with_context(|| {
        format!(
            "rendering prompt \"{}\" in condition \"{}\"",
            prompt.id, condition.name
        )
    })?;
    let token_texts = tokens.ids.iter().map(|id| tokenizer.token_text(*id)).collect();
    Ok(RenderedPrompt {
        prompt_id: prompt.id.clone(),
        prompt: prompt.text.clone(),
        condition: condition.name.clone(),
        text,
        n_tokens: tokens.ids.len(),
        token_ids: tokens.ids.into_iter().map(u32::cast_signed).collect(),
        token_texts,
        opening: i32::try_from(tokens.opening).unwrap_or(i32::MAX),
    })
}
