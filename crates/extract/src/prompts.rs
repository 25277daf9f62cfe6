use std::path::Path;

use anyhow::{Context, Result, bail};
use artifacts::{Condition, Prompt, RenderedPrompt, Speaker, Turn};
use model::{ChatTokenizer, Message, Role, Tokens};

/// Every prompt in every condition as the model sees it, prompts first: all of the first condition, then all of
/// the second. `file` is where the prompts come from, for messages.
///
/// # Errors
/// A text that holds a token of the chat format, and what the chat template or the tokenizer refuses.
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
    let pairs = conditions
        .iter()
        .flat_map(|condition| prompts.iter().map(move |prompt| (condition, prompt)));
    pairs
        .map(|(condition, prompt)| render(tokenizer, condition, prompt))
        .collect()
}

/// A conversation in the model's chat format, with the turn of `opens` opened at the end: its text and its tokens.
pub fn render_turns(
    tokenizer: &ChatTokenizer,
    system: Option<&str>,
    turns: &[Turn],
    opens: Speaker,
) -> Result<(String, Tokens)> {
    let system = system.map(|text| Message::new(Role::System, text));
    let turns = turns
        .iter()
        .map(|turn| Message::new(role(turn.speaker), turn.text.as_str()));
    let messages: Vec<Message> = system.into_iter().chain(turns).collect();
    let rendered = tokenizer.render(&messages, role(opens))?;
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
        token_ids: tokens.ids.into_iter().map(u32::cast_signed).collect(),
        token_texts,
        opening: i32::try_from(tokens.opening).unwrap_or(i32::MAX),
    })
}

fn role(speaker: Speaker) -> model::Speaker {
    match speaker {
        Speaker::User => model::Speaker::User,
        Speaker::Model => model::Speaker::Model,
    }
}
