//! The tokenizer that is trained on the grammar, as the model uses it.

use serde_json::{Value, json};
use std::sync::LazyLock;
use tiny::grammar::{HELD_OUT_PROMPTS, conversations, render};
use tiny::tokenizer::{CHAT_TEMPLATE, generation_config, tokenizer_config, train_tokenizer};
use tokenizers::Tokenizer;

static TRAINED: LazyLock<Value> = LazyLock::new(|| train_tokenizer(&texts(5000)).unwrap());
static TOKENIZER: LazyLock<Tokenizer> =
    LazyLock::new(|| Tokenizer::from_bytes(serde_json::to_vec(&*TRAINED).unwrap()).unwrap());

#[test]
fn training_is_deterministic() {
    // The trainer keeps its words in hash maps whose order differs from map to
    // map, so that a dependence on it would show within one process.
    for _ in 0..5 {
        assert!(train_tokenizer(&texts(5000)).unwrap() == *TRAINED);
    }
}

#[test]
fn the_first_ids_are_the_special_tokens() {
    let first = [
        "<pad>",
        "<eos>",
        "<bos>",
        "<unk>",
        "<start_of_turn>",
        "<end_of_turn>",
        "\n",
        "\n\n",
        "<0x00>",
    ];
    for (id, token) in first.iter().enumerate() {
        assert_eq!(TOKENIZER.token_to_id(token), Some(id as u32), "{token:?}");
    }
    assert_eq!(TOKENIZER.token_to_id("<0xFF>"), Some(263));
    assert_eq!(TRAINED["added_tokens"][5]["special"], true);
    assert_eq!(TRAINED["added_tokens"][6]["special"], false);
}

#[test]
fn the_vocabulary_is_small_and_whole() {
    let size = TOKENIZER.get_vocab_size(true);
    assert!((1000..=2000).contains(&size) && size.is_multiple_of(16), "{size}");
    assert_eq!(size, TOKENIZER.get_vocab_size(false));
    for id in 0..size {
        assert!(TOKENIZER.id_to_token(id as u32).is_some(), "id {id} has no token");
    }
}

#[test]
fn speakers_and_newlines_are_single_tokens() {
    assert_eq!(
        tokens("<start_of_turn>user\nHello.<end_of_turn>\n<start_of_turn>model\n\n"),
        [
            "<bos>",
            "<start_of_turn>",
            "user",
            "\n",
            "Hello",
            ".",
            "<end_of_turn>",
            "\n",
            "<start_of_turn>",
            "model",
            "\n\n"
        ]
    );
}

#[test]
fn rendered_conversations_come_back() {
    for conversation in conversations(9, 500) {
        assert_round_trip(&render(&conversation));
    }
}

#[test]
fn unseen_text_comes_back_by_bytes() {
    for text in [
        "Zürich 42",
        "  two  spaces ",
        "naïve — 你好 🦀",
        "a\tb\n\n\nc",
        "~{x}_[y]@#$%^&*|\\",
    ] {
        assert_round_trip(text);
    }
    assert!(tokens("Zürich 42").contains(&"<0xC3>".to_owned()));
}

#[test]
fn held_out_prompts_are_whole_words() {
    for prompt in HELD_OUT_PROMPTS {
        let words = prompt.trim_end_matches('?').split(' ');
        let mut expected: Vec<String> = words.map(|word| format!("▁{word}")).collect();
        expected[0] = expected[0].trim_start_matches('▁').to_owned();
        expected.insert(0, "<bos>".to_owned());
        expected.push("?".to_owned());
        assert_eq!(tokens(prompt), expected);
    }
}

#[test]
fn no_piece_crosses_a_word_border() {
    let vocabulary = TRAINED["model"]["vocab"].as_object().unwrap();
    for piece in vocabulary
        .keys()
        .skip(264)
        .filter(|piece| !piece.starts_with("<unused"))
    {
        let word = piece.strip_prefix('▁').unwrap_or(piece);
        let letters = word.strip_prefix('\'').unwrap_or(word);
        assert!(
            piece.chars().count() == 1 || letters.chars().all(|character| character.is_ascii_alphabetic()),
            "{piece:?}"
        );
    }
}

#[test]
fn plain_turns_train_the_same_speakers() {
    let turns: Vec<String> = conversations(0, 500)
        .into_iter()
        .flatten()
        .map(|turn| turn.text)
        .collect();
    let trained = train_tokenizer(&turns).unwrap();
    assert!(trained["model"]["vocab"]["user"].is_u64() && trained["model"]["vocab"]["model"].is_u64());
}

#[test]
fn generation_ends_with_the_turn() {
    assert_eq!(
        generation_config(&TRAINED).unwrap(),
        json!({ "bos_token_id": 2, "eos_token_id": [1, 5], "pad_token_id": 0 })
    );
    assert!(generation_config(&json!({ "added_tokens": [] })).is_err());
}

#[test]
fn the_config_holds_the_template_and_names_tokens_that_exist() {
    let config = tokenizer_config();
    assert_eq!(config["chat_template"], CHAT_TEMPLATE);
    for key in ["bos_token", "eos_token", "pad_token", "unk_token"] {
        assert!(
            TOKENIZER.token_to_id(config[key].as_str().unwrap()).is_some(),
            "{key}"
        );
    }
}

fn texts(count: usize) -> Vec<String> {
    conversations(0, count)
        .iter()
        .map(|conversation| render(conversation))
        .collect()
}

fn tokens(text: &str) -> Vec<String> {
    TOKENIZER.encode(text, true).unwrap().get_tokens().to_vec()
}

fn assert_round_trip(text: &str) {
    let encoding = TOKENIZER.encode(text, false).unwrap();
    assert!(
        !encoding.get_tokens().iter().any(|token| token == "<unk>"),
        "{text:?}"
    );
    assert_eq!(TOKENIZER.decode(encoding.get_ids(), false).unwrap(), text);
}
