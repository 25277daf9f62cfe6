use std::path::Path;

use serde::Deserialize;

use crate::{Error, Result};

/// One prompt: a short name that tables use, and the text that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    pub id: String,
    pub text: String,
}

/// Reads prompts from JSON Lines, one `{"id": "…", "text": "…"}` a line.
///
/// An empty file, an empty text, a repeated id and a line that is no such object are errors that name the line.
pub fn read_prompts(path: &Path) -> Result<Vec<Prompt>> {
    parse_prompts(path, &fs_err::read_to_string(path)?)
}

/// The same from a text; `path` is for messages.
pub fn parse_prompts(path: &Path, content: &str) -> Result<Vec<Prompt>> {
    let mut prompts: Vec<Prompt> = Vec::new();
    for (index, line) in content
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty())
    {
        let number = index + 1;
        let prompt: Prompt = serde_json::from_str(line).map_err(|error| {
            // The parser saw one line, so that only its column says where.
            let (what, column) = (error.to_string(), error.column());
            let what = what.split(" at line ").next().unwrap_or_default();
            Error::invalid(
                path,
                format!(
                    "line {number}, column {column}: {what}; each line must be {{\"id\": \"…\", \"text\": \"…\"}}"
                ),
            )
        })?;
        if prompt.id.trim().is_empty() || prompt.text.trim().is_empty() {
            return Err(Error::invalid(
                path,
                format!("line {number}: `id` and `text` must not be empty"),
            ));
        }
        if prompts.iter().any(|other| other.id == prompt.id) {
            let message = format!(
                "line {number}: the id \"{}\" is used twice; ids must be unique",
                prompt.id
            );
            return Err(Error::invalid(path, message));
        }
        prompts.push(prompt);
    }
    if prompts.is_empty() {
        return Err(Error::invalid(
            path,
            "there is no prompt in this file; add at least one line",
        ));
    }
    Ok(prompts)
}
