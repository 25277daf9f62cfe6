use std::path::Path;

use anyhow::{Context, Result, bail};
use artifacts::{Condition, Prompt, RenderedPrompt, Speaker, Turn};
use model::{ChatTokenizer, Message, Role};

/// Every prompt in every condition as the model sees it, prompts first: all of the first condition, then all of
/// the second. `file` is where the prompts come from, for messages.
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
        if prompt.text.contains("\n\n") {
            tracing::warn!(
                "prompt \"{}\" holds a blank line: pooling `newline` may read there instead of at the end (see the column `position`)",
                prompt.id
            );
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
pub fn render_turns(tokenizer: &ChatTokenizer, turns: &[Turn], opens: Speaker) -> Result<(String, Vec<u32>)> {
    let messages: Vec<Message> = turns
        .iter()
        .map(|turn| Message::new(role(turn.speaker), turn.text.as_str()))
        .collect();
    let text = tokenizer.render(&messages, role(opens))?;
    let token_ids = tokenizer.encode(&text)?;
    Ok((text, token_ids))
}

fn render(tokenizer: &ChatTokenizer, condition: &Condition, prompt: &Prompt) -> Result<RenderedPrompt> {
    let turns = condition.turns_for(&prompt.text);
    let (text, token_ids) = render_turns(tokenizer, &turns, condition.opens).with_context(|| {
        format!(
            "rendering prompt \"{}\" in condition \"{}\"",
            prompt.id, condition.name
        )
    })?;
    let token_texts = token_ids.iter().map(|id| tokenizer.token_text(*id)).collect();
    Ok(RenderedPrompt {
        prompt_id: prompt.id.clone(),
        prompt: prompt.text.clone(),
        condition: condition.name.clone(),
        text,
        token_ids: token_ids.into_iter().map(u32::cast_signed).collect(),
        token_texts,
    })
}

fn role(speaker: Speaker) -> Role {
    match speaker {
        Speaker::User => Role::User,
        Speaker::Model => Role::Assistant,
    }
}
