use std::collections::HashMap;
use std::path::Path;

use anyhow::{Context, Result, bail};
use gguf::Entry;
use serde_json::Value;

/// The tokens of a `tokenizer.json` as a GGUF file lists them, filled up to `rows` with tokens that
/// no text has.
///
/// llama.cpp's SentencePiece joins the pair of neighbours whose token has the highest score, so a
/// token's score is its place among the merges, negated: earlier merges come first.
pub fn entries(folder: &Path, rows: usize) -> Result<Vec<(&'static str, Entry)>> {
    let path = folder.join("tokenizer.json");
    let json: Value = serde_json::from_str(&fs_err::read_to_string(&path)?)?;
    let model = &json["model"];
    if model["byte_fallback"] != true {
        bail!(
            "{}: the tokenizer is not one with bytes for what it has no token for, as Gemma's; name the folder of one that is, \
             such as data/tiny",
            path.display()
        );
    }
    let known = model["vocab"].as_object().context("no vocabulary")?;
    if known.len() > rows {
        bail!(
            "{}: {} tokens are more than the shape's {rows}; name the folder of a smaller tokenizer",
            path.display(),
            known.len()
        );
    }
    let mut tokens: Vec<String> = (0..rows).map(|id| format!("<unused-{id}>")).collect();
    let mut kinds = vec![UNUSED; rows];
    let mut scores = vec![-1e6; rows];
    let ranks = ranks(model);
    for (token, id) in known {
        let id = id.as_u64().map_or(usize::MAX, |id| id as usize);
        let place = tokens
            .get_mut(id)
            .with_context(|| format!("no place for token {token}"))?;
        token.clone_into(place);
        kinds[id] = if is_byte(token) { BYTE } else { NORMAL };
        scores[id] = ranks.get(token).map_or(-1e5, |rank| -(*rank as f32));
    }
    for added in json["added_tokens"].as_array().into_iter().flatten() {
        let id = added["id"].as_u64().map_or(usize::MAX, |id| id as usize);
        if let Some(kind) = kinds.get_mut(id) {
            *kind = if added["special"] == true {
                CONTROL
            } else {
                USER_DEFINED
            };
        }
    }
    let id = |text: &str| {
        let id = tokens.iter().position(|token| token == text);
        let id = id.with_context(|| format!("the tokenizer has no {text}"))?;
        Ok::<Entry, anyhow::Error>(Entry::U32(u32::try_from(id)?))
    };
    let (bos, eos, unknown, padding) = (id("<bos>")?, id("<eos>")?, id("<unk>")?, id("<pad>")?);
    Ok(vec![
        ("tokenizer.ggml.model", Entry::Text("llama".to_owned())),
        ("tokenizer.ggml.pre", Entry::Text("default".to_owned())),
        ("tokenizer.ggml.tokens", Entry::Texts(tokens)),
        ("tokenizer.ggml.scores", Entry::F32s(scores)),
        ("tokenizer.ggml.token_type", Entry::I32s(kinds)),
        ("tokenizer.ggml.bos_token_id", bos),
        ("tokenizer.ggml.eos_token_id", eos),
        ("tokenizer.ggml.unknown_token_id", unknown),
        ("tokenizer.ggml.padding_token_id", padding),
        ("tokenizer.ggml.add_bos_token", Entry::Bool(true)),
        ("tokenizer.ggml.add_eos_token", Entry::Bool(false)),
        ("tokenizer.ggml.add_space_prefix", Entry::Bool(false)),
        ("tokenizer.chat_template", Entry::Text(template(folder)?)),
    ])
}

/// Kinds of tokens, by their numbers in llama.h of llama.cpp.
const NORMAL: i32 = 1;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;
const BYTE: i32 = 6;

fn is_byte(token: &str) -> bool {
    let digits = token.strip_prefix("<0x").and_then(|rest| rest.strip_suffix('>'));
    digits.is_some_and(|digits| u8::from_str_radix(digits, 16).is_ok())
}

/// The first merge that makes a token, by its place in the list.
fn ranks(model: &Value) -> HashMap<String, usize> {
    let merges = model["merges"].as_array().into_iter().flatten();
    let pairs = merges.map(|merge| match merge {
        Value::Array(pair) => pair.iter().filter_map(Value::as_str).collect(),
        other => other.as_str().unwrap_or_default().replacen(' ', "", 1),
    });
    let mut ranks = HashMap::new();
    for (rank, token) in pairs.enumerate() {
        ranks.entry(token).or_insert(rank);
    }
    ranks
}

fn template(folder: &Path) -> Result<String> {
    let path = folder.join("tokenizer_config.json");
    let json: Value = serde_json::from_str(&fs_err::read_to_string(&path)?)?;
    let text = json["chat_template"].as_str();
    let text = text.with_context(|| format!("{}: no chat_template; name another folder", path.display()))?;
    Ok(text.to_owned())
}
