use ::gguf::GgufFile;
use model::gguf::{ChatParts, chat_parts};

use crate::gguf::build::{BOOL, Builder, F32, U32};
use crate::gguf::encoded::Encoded;

#[test]
fn ids_are_those_of_hugging_face() {
    let parts = tiny();
    let expected = include_str!("../../../../gguf/tests/fixtures/tiny_gemma3_tokens.json");
    let expected: Vec<Encoded> = serde_json::from_str(expected).unwrap();
    assert!(expected.len() >= 15);
    for Encoded { text, ids, .. } in expected {
        let encoding = parts.tokenizer.encode(text.as_str(), false).unwrap();
        assert_eq!(encoding.get_ids(), ids, "{text:?}");
        // Decoding spells spaces as spaces, including those of a literal sign.
        let decoded = parts.tokenizer.decode(&ids, false).unwrap();
        assert_eq!(decoded, text.replace('\u{2581}', " "));
    }
}

#[test]
fn tokens_and_template_are_found() {
    let parts = tiny();
    assert_eq!(parts.bos_token.as_deref(), Some("<bos>"));
    assert_eq!(parts.eos_token, "<eos>");
    assert!(parts.chat_template.unwrap().starts_with("{{ bos_token }}"));
    assert!(chat(&Builder::model("gemma2")).unwrap().chat_template.is_none());
}

#[test]
fn control_tokens_are_special_and_user_defined_ones_are_not() {
    let added = tiny().tokenizer.get_added_tokens_decoder();
    let special = |text: &str| {
        let token = added.values().find(|token| token.content == text);
        token.map(|token| token.special)
    };
    for text in [
        "<pad>",
        "<bos>",
        "<unk>",
        "<unused0>",
        "<start_of_turn>",
        "<end_of_turn>",
    ] {
        assert_eq!(special(text), Some(true), "{text}");
    }
    for text in ["\n\n", "<table>", "\u{2581}\u{2581}"] {
        assert_eq!(special(text), Some(false), "{text:?}");
    }
    for text in ["\u{2581}the", "<0x0A>"] {
        assert_eq!(special(text), None, "{text}");
    }
}

#[test]
fn the_beginning_token_is_added_where_the_file_says_so() {
    let first = |parts: &ChatParts, special| parts.tokenizer.encode("a", special).unwrap().get_ids().to_vec();
    let parts = chat(&Builder::model("gemma2")).unwrap();
    assert_eq!(first(&parts, true), [2, 3]);
    assert_eq!(first(&parts, false), [3]);
    let parts = chat(&Builder::model("gemma2").flag("tokenizer.ggml.add_bos_token", false)).unwrap();
    assert_eq!(first(&parts, true), [3]);
}

/// Early files call all tokens except the first few normal ones, with SentencePiece's score 0.
#[test]
fn early_files_keep_turn_tokens_and_line_breaks_whole() {
    let tokens = [
        ("<pad>", 0.0, 3),
        ("<eos>", 0.0, 3),
        ("<bos>", 0.0, 3),
        ("<start_of_turn>", 0.0, 1),
        ("<end_of_turn>", 0.0, 1),
        ("\n", 0.0, 1),
        ("\n\n", 0.0, 1),
        ("\n\n\n", 0.0, 1),
        ("<0x09>", 0.0, 6),
        ("ab", -0.0, 1),
        ("<b", -1.0, 1),
        ("a", -2.0, 1),
        ("b", -3.0, 1),
        ("<", -4.0, 1),
        (">", -5.0, 1),
        ("\t\t", 0.0, 1),
        ("<b>", 0.0, 1),
    ];
    let parts = chat(&with_vocabulary(&tokens)).unwrap();
    let text = "<start_of_turn>ab\n\na\n\n\nb\t\t<b>a\tb\n\n\n\n<end_of_turn>";
    let encoding = parts.tokenizer.encode(text, false).unwrap();
    let expected = [3, 9, 6, 11, 7, 12, 15, 16, 11, 8, 12, 7, 5, 4];
    assert_eq!(encoding.get_ids(), expected);
    assert_eq!(parts.tokenizer.decode(&expected, false).unwrap(), text);
    let added = parts.tokenizer.get_added_tokens_decoder();
    let special = |id: u32| added.get(&id).map(|token| token.special);
    // The first learned token has the score 0 as well, but is an ordinary one.
    assert_eq!(
        [3, 5, 9, 16].map(special),
        [Some(true), Some(false), None, Some(false)]
    );
}

/// Ollama's converter calls user-defined tokens normal ones, and adds others with the right kind.
#[test]
fn ollamas_kinds_are_corrected_beside_right_ones() {
    let tokens = [
        ("<pad>", 0.0, 3),
        ("<eos>", 0.0, 1),
        ("<bos>", 0.0, 3),
        ("<end_of_turn>", 0.0, 4),
        ("\n", 0.0, 1),
        ("\n\n", 0.0, 1),
        ("<0x09>", 0.0, 6),
        ("ab", -0.0, 1),
        ("a", -1.0, 1),
        ("b", -2.0, 1),
        ("[PAD0]", -1.0, 4),
        ("<image_soft_token>", -1000.0, 4),
        ("<|im_end|>", -1000.0, 4),
        ("[EOS]", -7.0, 1),
    ];
    let parts = chat(&with_vocabulary(&tokens)).unwrap();
    let added = parts.tokenizer.get_added_tokens_decoder();
    let special = |id: u32| added.get(&id).map(|token| token.special);
    assert_eq!([1, 3, 12].map(special), [Some(true); 3]);
    assert_eq!([4, 5, 11].map(special), [Some(false); 3]);
    // Padding is not a token of a text; what was learned is an ordinary one.
    assert_eq!([7, 8, 10, 13].map(special), [None; 4]);
}

#[test]
fn what_changes_texts_before_they_are_tokenized_is_refused() {
    let file = Builder::model("gemma2");
    for key in ["add_space_prefix", "remove_extra_whitespaces"] {
        let key = format!("tokenizer.ggml.{key}");
        chat(&file.clone().flag(&key, false)).unwrap();
        refuses(
            &file.clone().flag(&key, true),
            &[&format!("`{key}`"), "; get another"],
        );
    }
    let key = "tokenizer.ggml.precompiled_charsmap";
    refuses(&file.list(key, BOOL, &[vec![1]]), &[key]);
}

#[test]
fn what_makes_no_tokenizer_is_named() {
    let file = Builder::model("gemma2");
    let model = "tokenizer.ggml.model";
    refuses(
        &file.clone().without(model).text(model, "gpt2"),
        &[
            "`tokenizer.ggml.model`",
            "\"gpt2\"",
            "tokenizer.model; get another",
        ],
    );
    for key in [
        model,
        "tokenizer.ggml.tokens",
        "tokenizer.ggml.scores",
        "tokenizer.ggml.bos_token_id",
    ] {
        refuses(&file.clone().without(key), &[&format!("`{key}`"), "again"]);
    }
    let key = "tokenizer.ggml.eos_token_id";
    refuses(&file.clone().without(key).count(key, 5), &[key, "5 tokens"]);
    refuses(
        &file.clone().count("tokenizer.ggml.unknown_token_id", 9),
        &["unknown_token_id"],
    );
    let key = "tokenizer.ggml.token_type";
    refuses(
        &file.clone().without(key).list(key, BOOL, &[vec![1]]),
        &[key, "integers"],
    );
    let short: [Vec<u8>; 1] = [1u32.to_le_bytes().to_vec()];
    refuses(
        &file.without(key).list(key, U32, &short),
        &[key, "1 entries", "5 tokens"],
    );
    let made = |token: &str, score| {
        let first = [("<pad>", 0.0, 3), ("<eos>", 0.0, 3), ("<bos>", 0.0, 3)];
        with_vocabulary(&[&first[..], &[("a", -1.0, 1), (token, score, 1)]].concat())
    };
    chat(&made("b", -2.0)).unwrap();
    refuses(
        &made(&"x".repeat(1000), 0.0),
        &["tokenizer.ggml.tokens", "number 4"],
    );
    refuses(&made("<eos>", 0.0), &["tokenizer.ggml.tokens", "\"<eos>\" twice"]);
    refuses(&made("b", f32::NAN), &["tokenizer.ggml.scores", "not a number"]);
    refuses(&made("b", -1.0), &["tokenizer.ggml.scores", "same score"]);
}

fn tiny() -> ChatParts {
    let file = GgufFile::parse(include_bytes!("../../../../gguf/tests/fixtures/tiny_gemma3.gguf")).unwrap();
    chat_parts(file.metadata()).unwrap()
}

fn chat(file: &Builder) -> Result<ChatParts, String> {
    chat_parts(GgufFile::parse(&file.bytes()).unwrap().metadata())
}

/// A file whose tokens have these texts, scores and types.
fn with_vocabulary(tokens: &[(&str, f32, u32)]) -> Builder {
    let texts: Vec<&str> = tokens.iter().map(|(text, _, _)| *text).collect();
    let scores: Vec<Vec<u8>> = tokens
        .iter()
        .map(|(_, score, _)| score.to_le_bytes().to_vec())
        .collect();
    let kinds: Vec<Vec<u8>> = tokens
        .iter()
        .map(|(_, _, kind)| kind.to_le_bytes().to_vec())
        .collect();
    Builder::model("gemma2")
        .without("tokenizer.ggml.tokens")
        .without("tokenizer.ggml.scores")
        .without("tokenizer.ggml.token_type")
        .texts("tokenizer.ggml.tokens", &texts)
        .list("tokenizer.ggml.scores", F32, &scores)
        .list("tokenizer.ggml.token_type", U32, &kinds)
}

fn refuses(file: &Builder, words: &[&str]) {
    let error = chat(file).err().expect("a refusal");
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}
