use std::collections::HashMap;
use std::path::Path;

use serde::Deserialize;

use files::read_text;

use crate::{Error, Result};

/// One prompt: a short name that tables use, and the text that is asked.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Prompt {
    /// Unique in its file.
    pub id: String,
    /// What is asked.
    pub text: String,
}

const FORMAT: &str = "each line must be {\"id\": \"…\", \"text\": \"…\"}";

/// Reads prompts from JSON Lines, one `{"id": "…", "text": "…"}` a line.
///
/// An empty file, an empty text, a repeated id and a line that is not such an object are errors
/// that name the line.
pub fn read_prompts(path: &Path) -> Result<Vec<Prompt>> {
    parse_prompts(path, &read_text(path)?)
}

/// The same from a text; `path` is for messages.
pub fn parse_prompts(path: &Path, content: &str) -> Result<Vec<Prompt>> {
    let mut prompts: Vec<Prompt> = Vec::new();
    // Of each id, the line that has it.
    let mut known = HashMap::new();
    for (number, line) in (1..).zip(content.lines()) {
        // Files that were put one behind the other leave their marks within.
        let line = line.trim_start_matches('\u{feff}');
        if line.trim().is_empty() {
            continue;
        }
        let invalid = |message| Error::invalid(path, message);
        if prompts.is_empty()
            && let Some(problem) = format_problem(line)
        {
            return Err(invalid(format!("line {number}: {problem}; {FORMAT}")));
        }
        let prompt: Prompt =
            serde_json::from_str(line).map_err(|error| invalid(line_problem(number, line, &error)))?;
        if prompt.id.trim().is_empty() || prompt.text.trim().is_empty() {
            return Err(invalid(format!(
                "line {number}: `id` and `text` must not be empty; fill them in, or remove the line"
            )));
        }
        if let Some(first) = known.insert(prompt.id.clone(), number) {
            return Err(invalid(format!(
                "line {number}: the id \"{}\" is used twice, first in line {first}; ids must be unique",
                prompt.id
            )));
        }
        prompts.push(prompt);
    }
    if prompts.is_empty() {
        let message = format!("there is no prompt in this file; add at least one line, where {FORMAT}");
        return Err(Error::invalid(path, message));
    }
    Ok(prompts)
}

/// What else a file may be, by its first line.
fn format_problem(line: &str) -> Option<&'static str> {
    match line.trim() {
        line if line.starts_with('[') => {
            Some("this is a JSON array, and not one object a line as JSON Lines has them")
        }
        "{" => Some("the object goes on over several lines"),
        line if line.starts_with('{') => None,
        line if line.contains([',', '\t']) => Some("this is a table or plain text, and not JSON"),
        _ => Some("this is plain text, and not JSON"),
    }
}

/// What is wrong with a line that is not a prompt, with the usual slips by their names.
fn line_problem(number: usize, line: &str, error: &serde_json::Error) -> String {
    const OTHER_NAMES: [&str; 8] = [
        "prompt",
        "question",
        "instruction",
        "content",
        "query",
        "input",
        "message",
        "messages",
    ];
    let value: serde_json::Value = serde_json::from_str(line).unwrap_or_default();
    let has = |key: &&&str| value.get(**key).is_some();
    if value.get("text").is_none()
        && let Some(other) = OTHER_NAMES.iter().find(has)
    {
        return format!("line {number}: has `{other}` where `text` is wanted; {FORMAT}");
    }
    if let Some(id) = value.get("id").filter(|id| id.is_number()) {
        return format!("line {number}: the id {id} is a number; put it in quotes, \"{id}\"");
    }
    if error.is_eof() {
        return format!("line {number}: the object doesn't end on its line; {FORMAT}");
    }
    // The parser saw one line, so that only its column says where.
    let (what, column) = (error.to_string(), error.column());
    let what = what.split(" at line ").next().unwrap_or_default();
    format!("line {number}, column {column}: {what}; {FORMAT}")
}
