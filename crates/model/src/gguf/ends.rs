use ::gguf::{Metadata, Value};

use super::tokenizer::keys::{SCORES, TOKENS, TYPES};
use crate::families::Family;

/// Tokens that end texts and turns in formats to which models of any family are tuned.
const OF_MANY: [&str; 19] = [
    "<turn|>",
    "<|tool_response>",
    "<|eot_id|>",
    "<|eom_id|>",
    "<|im_end|>",
    "<|end|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<|endoftext|>",
    "<|end_of_text|>",
    "<end_of_utterance>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "[EOS]",
    "[e~[",
    "<\u{ff5c}end\u{2581}of\u{2581}sentence\u{ff5c}>",
];

/// Keys that name such a token.
const KEYS: [&str; 6] = [
    "tokenizer.ggml.eos_token_id",
    "tokenizer.ggml.eot_token_id",
    "tokenizer.ggml.eom_token_id",
    "tokenizer.ggml.fim_pad_token_id",
    "tokenizer.ggml.fim_rep_token_id",
    "tokenizer.ggml.fim_sep_token_id",
];

/// A list of them, which Ollama's converter writes where generation_config.json has one.
const LIST: &str = "tokenizer.ggml.eos_token_ids";

/// Whether a token ends texts by its name, whatever the keys say: a file whose
/// `eos_token_id` ends turns also ends at the token that ends texts, and the other way round.
///
/// The rule and its texts are llama.cpp's (`special_eog_ids` in src/llama-vocab.cpp), with two
/// exceptions, for the sake of transformers: `</s>` is an HTML tag in some vocabularies, and a
/// token that was learned from texts is a piece of text, whatever it looks like. `own` are the
/// tokens of the model's family.
pub(super) fn ends_texts(own: &[&str], token: &str, learned: bool) -> bool {
    own.contains(&token) || !learned && OF_MANY.contains(&token)
}

/// Where generation ends: at the tokens that keys name, then at those that are known by their text.
///
/// # Errors
/// Names a key whose token does not exist.
pub(super) fn end_tokens(metadata: &Metadata, family: &dyn Family) -> Result<Vec<usize>, String> {
    let tokens = metadata.list(TOKENS)?.unwrap_or_default();
    let mut named = Vec::new();
    for key in KEYS {
        named.extend(metadata.count(key)?.map(|id| (key, id)));
    }
    let list = metadata.counts(LIST)?.unwrap_or_default();
    named.extend(list.into_iter().map(|id| (LIST, id)));
    if let Some((key, id)) = named.iter().find(|(_, id)| *id >= tokens.len()) {
        return Err(format!(
            "`{key}` is {id}, but there are {} tokens; download the file again, or another conversion of the model",
            tokens.len()
        ));
    }
    let own = family.end_tokens();
    let by_text = tokens.iter().enumerate().filter_map(|(id, token)| {
        let text = token.as_text()?;
        // The other lists are consulted for only a few texts.
        (ends_texts(own, text, false) && ends_texts(own, text, learned(metadata, id))).then_some(id)
    });
    let mut ids = Vec::new();
    for id in named.into_iter().map(|(_, id)| id).chain(by_text) {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// Whether the file calls a token normal and gives it a score below 0.
fn learned(metadata: &Metadata, id: usize) -> bool {
    let element = |key: &str| metadata.get(key)?.as_list()?.get(id);
    let normal = element(TYPES).and_then(Value::as_count) == Some(1);
    normal
        && element(SCORES)
            .and_then(Value::as_number)
            .is_some_and(|score| score < 0.0)
}
