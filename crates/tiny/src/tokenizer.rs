//! The tokenizer of the small model: a byte-pair encoding in the shape of
//! Gemma's, with its special tokens, its newline tokens and its byte fallback.

use anyhow::{Context, Result, anyhow};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashSet};
use tokenizers::models::bpe::{BPE, BpeTrainer};
use tokenizers::{Tokenizer, Trainer};

use crate::grammar::Speaker;

/// Gemma's chat template: `<bos>`, then the turns; the role "assistant" is
/// called "model"; there is no system role and the roles must alternate,
/// starting with the user.
pub const CHAT_TEMPLATE: &str = r"{{- bos_token -}}
{%- if messages[0]['role'] == 'system' -%}
{{- raise_exception('System role not supported') -}}
{%- endif -%}
{%- for turn in messages -%}
{%- set users_turn = loop.index0 % 2 == 0 -%}
{%- if users_turn != (turn['role'] == 'user') -%}
{{- raise_exception('Conversation roles must alternate user/assistant/user/assistant/...') -}}
{%- endif -%}
{%- set speaker = 'model' if turn['role'] == 'assistant' else turn['role'] -%}
{{- '<start_of_turn>' + speaker + '\n' + (turn['content'] | trim) + '<end_of_turn>\n' -}}
{%- endfor -%}
{%- if add_generation_prompt -%}
{{- '<start_of_turn>model\n' -}}
{%- endif -%}";

/// Trains the tokenizer on conversations, rendered or as plain turns, and
/// returns the whole `tokenizer.json`.
pub fn train_tokenizer(texts: &[String]) -> Result<Value> {
    let learned = learn_merges(texts)?;
    let vocabulary = vocabulary(&learned.pieces)?;
    let tokenizer = json!({
        "version": "1.0",
        "truncation": null,
        "padding": null,
        "added_tokens": added_tokens(),
        "normalizer": { "type": "Replace", "pattern": { "String": " " }, "content": SPACE },
        "pre_tokenizer": {
            "type": "Split",
            "pattern": { "String": " " },
            "behavior": "MergedWithPrevious",
            "invert": false,
        },
        "post_processor": {
            "type": "TemplateProcessing",
            "single": [special_token(0), sequence("A", 0)],
            "pair": [special_token(0), sequence("A", 0), special_token(1), sequence("B", 1)],
            "special_tokens": { BOS: { "id": BOS, "ids": [BOS_ID], "tokens": [BOS] } },
        },
        "decoder": {
            "type": "Sequence",
            "decoders": [
                { "type": "Replace", "pattern": { "String": SPACE }, "content": " " },
                { "type": "ByteFallback" },
                { "type": "Fuse" },
            ],
        },
        "model": {
            "type": "BPE",
            "dropout": null,
            "unk_token": UNK,
            "continuing_subword_prefix": null,
            "end_of_word_suffix": null,
            "fuse_unk": true,
            "byte_fallback": true,
            "ignore_merges": false,
            "vocab": vocabulary,
            "merges": learned.merges,
        },
    });
    // The library is the judge of whether this is a tokenizer.
    Tokenizer::from_bytes(serde_json::to_vec(&tokenizer)?)
        .map_err(|error| anyhow!("the trained tokenizer does not load: {error}"))?;
    Ok(tokenizer)
}

/// `tokenizer_config.json`, with the chat template.
pub fn tokenizer_config() -> Value {
    json!({
        "add_bos_token": true,
        "add_eos_token": false,
        "bos_token": BOS,
        "eos_token": EOS,
        "pad_token": PAD,
        "unk_token": UNK,
        "clean_up_tokenization_spaces": false,
        "model_max_length": 1_000_000_000,
        "spaces_between_special_tokens": false,
        "tokenizer_class": "PreTrainedTokenizerFast",
        "padding_side": "left",
        "chat_template": CHAT_TEMPLATE,
    })
}

/// `generation_config.json`: a text ends with `<eos>` or with the end of the
/// turn.
pub fn generation_config(tokenizer: &Value) -> Result<Value> {
    let id = |content: &str| {
        tokenizer["added_tokens"]
            .as_array()
            .and_then(|tokens| tokens.iter().find(|token| token["content"] == content))
            .and_then(|token| token["id"].as_u64())
            .with_context(|| format!("the tokenizer has no token {content}"))
    };
    Ok(json!({
        "bos_token_id": id(BOS)?,
        "eos_token_id": [id(EOS)?, id(END_OF_TURN)?],
        "pad_token_id": id(PAD)?,
    }))
}

const PAD: &str = "<pad>";
const EOS: &str = "<eos>";
const BOS: &str = "<bos>";
const UNK: &str = "<unk>";
const START_OF_TURN: &str = "<start_of_turn>";
const END_OF_TURN: &str = "<end_of_turn>";

/// The tokens with the first ids, in order.
const SPECIAL_TOKENS: [&str; 6] = [PAD, EOS, BOS, UNK, START_OF_TURN, END_OF_TURN];
const BOS_ID: usize = 2;

/// Whole tokens too, but ordinary text: skipping special tokens keeps them.
const NEWLINE_TOKENS: [&str; 2] = ["\n", "\n\n"];

/// What represents a space inside pieces.
const SPACE: &str = "▁";

/// The most tokens the vocabulary may have, before padding.
const MAXIMUM_VOCABULARY: usize = 1536;

/// The vocabulary is padded to a multiple of this.
const VOCABULARY_MULTIPLE: usize = 16;

/// A pair must occur as often as this to be merged: what occurs once is noise.
const MINIMUM_FREQUENCY: u64 = 2;

struct Learned {
    /// In the order in which they were learned: single characters first.
    pieces: Vec<String>,
    merges: Vec<(String, String)>,
}

fn learn_merges(texts: &[String]) -> Result<Learned> {
    let failed = |error: tokenizers::Error| anyhow!("the tokenizer could not be trained: {error}");
    let mut trainer = BpeTrainer::builder()
        .vocab_size(MAXIMUM_VOCABULARY - SPECIAL_TOKENS.len() - NEWLINE_TOKENS.len() - 256)
        .min_frequency(MINIMUM_FREQUENCY)
        .show_progress(false)
        .build();
    // The names of the speakers are single tokens in Gemma; they become
    // single tokens here if they are as frequent as they are in rendered
    // conversations, which the texts need not be.
    let speakers = [Speaker::User, Speaker::Model].map(Speaker::as_str);
    let speakers = speakers
        .iter()
        .flat_map(|name| std::iter::repeat_n(*name, texts.len()));
    trainer
        .feed(texts.iter().map(String::as_str).chain(speakers), |text| {
            Ok(training_words(text))
        })
        .map_err(failed)?;
    let mut model = BPE::default();
    trainer.train(&mut model).map_err(failed)?;

    let trained = serde_json::to_value(&model)?;
    let merges = serde_json::from_value(trained["merges"].clone()).context("reading the learned merges")?;
    let ids: BTreeMap<String, u64> =
        serde_json::from_value(trained["vocab"].clone()).context("reading the learned pieces")?;
    let mut pieces: Vec<(u64, String)> = ids.into_iter().map(|(piece, id)| (id, piece)).collect();
    pieces.sort();
    Ok(Learned {
        pieces: pieces.into_iter().map(|(_, piece)| piece).collect(),
        merges,
    })
}

/// The units inside which training may merge: a word with the space before
/// it, a contraction's end, or a single other character. The trained tokenizer
/// does not split its text like this, and need not: no merge that it knows
/// crosses these borders.
fn training_words(text: &str) -> Vec<String> {
    let mut words = Vec::new();
    for segment in without_whole_tokens(text) {
        let characters: Vec<char> = segment.replace(' ', SPACE).chars().collect();
        let mut start = 0;
        while start < characters.len() {
            let end = word_end(&characters, start);
            words.push(characters[start..end].iter().collect());
            start = end;
        }
    }
    words
}

/// The parts of a text between special tokens and newlines, which never reach
/// the byte-pair encoding.
fn without_whole_tokens(text: &str) -> Vec<&str> {
    SPECIAL_TOKENS
        .iter()
        .fold(vec![text], |segments, token| {
            segments
                .into_iter()
                .flat_map(|segment| segment.split(token))
                .collect()
        })
        .into_iter()
        .flat_map(|segment| segment.split('\n'))
        .collect()
}

fn word_end(characters: &[char], start: usize) -> usize {
    let letters_from = |from: usize| {
        from + characters[from..]
            .iter()
            .take_while(|character| character.is_ascii_alphabetic())
            .count()
    };
    let after_space = if characters[start..].starts_with(&['▁']) {
        start + 1
    } else {
        start
    };
    let after_apostrophe = if characters[after_space..].starts_with(&['\'']) {
        after_space + 1
    } else {
        after_space
    };
    let end = letters_from(after_apostrophe);
    if end > after_apostrophe { end } else { start + 1 }
}

/// Pieces and their ids: whole tokens, bytes, the printable ASCII characters
/// that training did not meet, what training learned, padding.
fn vocabulary(learned: &[String]) -> Result<Map<String, Value>> {
    let known: HashSet<&str> = learned.iter().map(String::as_str).collect();
    let bytes = (0..=u8::MAX).map(|byte| format!("<0x{byte:02X}>"));
    let ascii = ('!'..='~')
        .map(String::from)
        .filter(|character| !known.contains(character.as_str()));
    let mut pieces: Vec<String> = SPECIAL_TOKENS
        .iter()
        .chain(&NEWLINE_TOKENS)
        .map(|token| (*token).to_owned())
        .collect();
    pieces.extend(bytes);
    pieces.extend(ascii);
    pieces.extend(learned.iter().cloned());
    let padding = pieces.len().next_multiple_of(VOCABULARY_MULTIPLE) - pieces.len();
    pieces.extend((0..padding).map(|index| format!("<unused{index}>")));

    let count = pieces.len();
    let vocabulary: Map<String, Value> = pieces
        .into_iter()
        .enumerate()
        .map(|(id, piece)| (piece, Value::from(id)))
        .collect();
    anyhow::ensure!(
        vocabulary.len() == count,
        "the training text holds a piece that is reserved"
    );
    Ok(vocabulary)
}

fn added_tokens() -> Vec<Value> {
    let special = SPECIAL_TOKENS.iter().map(|content| (content, true));
    let newlines = NEWLINE_TOKENS.iter().map(|content| (content, false));
    special
        .chain(newlines)
        .enumerate()
        .map(|(id, (content, special))| {
            json!({
                "id": id,
                "content": content,
                "single_word": false,
                "lstrip": false,
                "rstrip": false,
                "normalized": false,
                "special": special,
            })
        })
        .collect()
}

fn special_token(type_id: u32) -> Value {
    json!({ "SpecialToken": { "id": BOS, "type_id": type_id } })
}

fn sequence(id: &str, type_id: u32) -> Value {
    json!({ "Sequence": { "id": id, "type_id": type_id } })
}
