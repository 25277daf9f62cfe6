//! Byte-level and SentencePiece vocabularies of all kinds, against what Hugging Face's tokenizers
//! make of them (`crates/model/reference/make_tokenizer_fixtures.py`).

use std::collections::BTreeMap;
use std::path::Path;

use ::gguf::GgufFile;
use model::gguf::read_tokenizer;
use serde::Deserialize;
use tokenizers::Tokenizer;

use crate::gguf::build::Builder;

#[derive(Deserialize)]
struct Expected {
    texts: Vec<String>,
    ids: BTreeMap<String, Vec<Vec<u32>>>,
}

const PRE: &str = "tokenizer.ggml.pre";

#[test]
fn each_pre_tokenizer_gives_the_ids_of_hugging_face() {
    let names = [
        ("gpt-2", "gpt-2"),
        ("smollm", "smollm"),
        ("llama-bpe", "llama-bpe"),
        ("llama3", "llama-bpe"),
        ("llama-v3", "llama-bpe"),
        ("smaug-bpe", "smaug-bpe"),
        ("dbrx", "dbrx"),
        ("qwen2", "qwen2"),
        ("deepseek-r1-qwen", "qwen2"),
        ("qwen35", "qwen35"),
        ("tekken", "tekken"),
        ("gpt-4o", "gpt-4o"),
        ("deepseek-v3", "deepseek-v3"),
    ];
    for (name, like) in names {
        compare(&made(&named(name)).unwrap(), like);
    }
}

#[test]
fn each_kind_of_vocabulary_gives_the_ids_of_hugging_face() {
    for name in ["llama", "mistral", "mistral_spaced", "phi3", "phi4", "gemma4"] {
        compare(&made(&file(name)).unwrap(), name);
    }
}

#[test]
fn texts_are_decoded_as_they_were() {
    let text = "I'm  naïve 日本語 🙂\n\tyou'll";
    for tokenizer in [named("gpt-2"), file("llama"), file("gemma4")].map(|file| made(&file).unwrap()) {
        let ids = tokenizer.encode(text, false).unwrap();
        assert_eq!(tokenizer.decode(ids.get_ids(), false).unwrap(), text);
    }
}

#[test]
fn an_unknown_pre_tokenizer_is_refused_by_name() {
    refuses(
        &named("viking"),
        &["`tokenizer.ggml.pre` \"viking\"", "folder", "qwen2"],
    );
    for unnamed in [named("default"), file("byte_level").without(PRE)] {
        refuses(
            &unnamed,
            &["`tokenizer.ggml.pre` does not say", "folder", "llama-bpe"],
        );
    }
    let model = "tokenizer.ggml.model";
    refuses(
        &file("byte_level").without(model).text(model, "rwkv"),
        &["`tokenizer.ggml.model` \"rwkv\"", "folder"],
    );
}

#[test]
fn merges_must_make_tokens() {
    let key = "tokenizer.ggml.merges";
    let without = file("byte_level").without(key);
    refuses(&without, &["`tokenizer.ggml.merges`", "again"]);
    for merge in ["a", "a b c", "a \u{120}zzz", "Q Z"] {
        refuses(
            &without.clone().texts(key, &["i n", merge]),
            &["`tokenizer.ggml.merges`", merge, "number 1"],
        );
    }
}

#[test]
fn merges_of_tokens_with_spaces_in_them_are_found() {
    let key = "tokenizer.ggml.merges";
    let tokens = ["<s>", "a", "b", " b", "a b"];
    let kinds = [3u32, 1, 1, 1, 1].map(|kind| kind.to_le_bytes().to_vec());
    let file = Builder::new()
        .text("general.architecture", "llama")
        .text("tokenizer.ggml.model", "gemma4")
        .texts("tokenizer.ggml.tokens", &tokens)
        .list("tokenizer.ggml.token_type", 4, &kinds)
        .flag("tokenizer.ggml.add_space_prefix", false)
        .count("tokenizer.ggml.bos_token_id", 0)
        .count("tokenizer.ggml.eos_token_id", 0);
    made(&file.clone().texts(key, &["a  b"])).unwrap();
    refuses(
        &file.texts(key, &["a   b"]),
        &["`tokenizer.ggml.merges`", "number 0"],
    );
}

#[test]
fn what_a_byte_level_tokenizer_cannot_do_is_refused() {
    let space = "tokenizer.ggml.add_space_prefix";
    made(&named("qwen2").flag(space, false)).unwrap();
    refuses(
        &named("qwen2").flag(space, true),
        &["`tokenizer.ggml.add_space_prefix`"],
    );
    let types = "tokenizer.ggml.token_type";
    refuses(
        &file("byte_level").without(types),
        &["`tokenizer.ggml.token_type`"],
    );
    // No key says whether tokens take the blanks beside them.
    let tokens = ["a", "<|assistant|>", "<|tool|>"];
    let kinds = [1u32, 4, 4].map(|kind| kind.to_le_bytes().to_vec());
    let mini = named("gpt-4o")
        .without("tokenizer.ggml.tokens")
        .without(types)
        .without("tokenizer.ggml.merges")
        .texts("tokenizer.ggml.tokens", &tokens)
        .list(types, 4, &kinds)
        .texts("tokenizer.ggml.merges", &[]);
    refuses(&mini, &["`tokenizer.ggml.tokens`", "Phi-4-mini", "folder"]);
}

#[test]
fn the_beginning_token_is_added_as_the_models_do() {
    let key = "tokenizer.ggml.add_bos_token";
    let begins = |file: &Builder| {
        let with = made(file).unwrap().encode("a", true).unwrap().len();
        with == 2
    };
    for (name, adds) in [("llama-bpe", true), ("tekken", true), ("qwen2", false)] {
        assert_eq!(begins(&named(name)), adds, "{name}");
        assert_eq!(begins(&named(name).flag(key, !adds)), !adds, "{name}");
    }
    // A model without a beginning token, and one that should add it.
    let bos = "tokenizer.ggml.bos_token_id";
    made(&named("qwen2").without(bos)).unwrap();
    refuses(
        &named("llama-bpe").without(bos),
        &["`tokenizer.ggml.bos_token_id`"],
    );
}

#[test]
fn added_tokens_have_their_kinds_and_rows_without_a_token_have_none() {
    let tokenizer = made(&named("qwen2")).unwrap();
    let added = tokenizer.get_added_tokens_decoder();
    let special = |text: &str| {
        let id = tokenizer.token_to_id(text).unwrap();
        added.get(&id).map(|token| token.special)
    };
    assert_eq!(["<s>", "<|x|>"].map(special), [Some(true); 2]);
    assert_eq!(["<tool>", "hello"].map(special), [Some(false), None]);
    let tokens = tokenizer.get_vocab_size(true) as u32;
    assert_eq!(tokenizer.id_to_token(tokens), None);
    assert!(tokenizer.id_to_token(tokens - 1).is_some());
}

fn compare(tokenizer: &Tokenizer, name: &str) {
    let Expected { texts, ids } =
        serde_json::from_str(include_str!("../../fixtures/tokenizers/ids.json")).unwrap();
    assert!(texts.len() >= 30);
    for (text, ids) in texts.iter().zip(&ids[name]) {
        let encoding = tokenizer.encode(text.as_str(), false).unwrap();
        assert_eq!(encoding.get_ids(), ids, "{name}: {text:?}");
    }
}

/// A fixture, so that it can be changed.
fn file(name: &str) -> Builder {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/tokenizers");
    let bytes = std::fs::read(folder.join(format!("{name}.gguf"))).unwrap();
    Builder::new().entries_of(&GgufFile::parse(&bytes).unwrap())
}

/// The byte-level vocabulary with another pre-tokenizer.
fn named(pre: &str) -> Builder {
    file("byte_level").without(PRE).text(PRE, pre)
}

fn made(file: &Builder) -> Result<Tokenizer, String> {
    read_tokenizer(GgufFile::parse(&file.bytes()).unwrap().metadata())
}

fn refuses(file: &Builder, words: &[&str]) {
    let error = made(file).expect_err("a refusal");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}
