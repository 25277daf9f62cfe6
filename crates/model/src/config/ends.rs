//! Where generation ends, from the places where Hugging Face folders say so.

use std::path::Path;

use serde_json::Value;

use crate::text_file::json_file;
use crate::{Error, Result};

/// The end tokens of a folder: from `generation_config.json`, else from `config.json`, else from
/// its `text_config`; none where no file says. (transformers asks the first of these files alone
/// where it is there, and without an id in it a text never ends.) Every id must have a row among
/// `vocab_size`; an error names the file that has it.
pub(super) fn read(folder: &Path, config_path: &Path, config: &Value, vocab_size: usize) -> Result<Vec<u32>> {
    let generation = folder.join("generation_config.json");
    if generation.exists() {
        let value = json_file(&generation)?;
        let ids = of(&value).and_then(|ids| within(ids, vocab_size));
        let ids = ids.map_err(|message| Error::file(&generation, message))?;
        if !ids.is_empty() {
            return Ok(ids);
        }
    }
    of_config(config)
        .and_then(|ids| within(ids, vocab_size))
        .map_err(|message| Error::file(config_path, message))
}

/// Those from a `config.json` alone.
pub(super) fn of_config(config: &Value) -> Result<Vec<u32>, String> {
    let own = of(config)?;
    if !own.is_empty() {
        return Ok(own);
    }
    config.get("text_config").map_or(Ok(Vec::new()), of)
}

pub(super) fn within(ids: Vec<u32>, vocab_size: usize) -> Result<Vec<u32>, String> {
    match ids.iter().find(|id| **id as usize >= vocab_size) {
        Some(id) => Err(format!(
            "`eos_token_id` {id} is outside of the vocabulary of {vocab_size}; correct it"
        )),
        None => Ok(ids),
    }
}

/// `eos_token_id` may be a number, a list of numbers, or absent.
fn of(value: &Value) -> Result<Vec<u32>, String> {
    let wrong = || "`eos_token_id` must be a token id or a list of them".to_owned();
    let id = |value: &Value| {
        value
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .ok_or_else(wrong)
    };
    match value.get("eos_token_id") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(single) => Ok(vec![id(single)?]),
    }
}
