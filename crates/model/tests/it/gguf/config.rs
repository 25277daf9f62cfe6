use ::gguf::GgufFile;
use model::gguf::config_json;
use serde_json::{Value, json};

use crate::gguf::build::{BOOL, Builder};

#[test]
fn gemma_3_has_the_keys_of_its_config_json() {
    let file = GgufFile::parse(include_bytes!("../../fixtures/gguf/tiny_gemma3.gguf")).unwrap();
    let (slides, full) = ("sliding_attention", "full_attention");
    let expected = json!({
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "vocab_size": file.tensor("token_embd.weight").unwrap().shape[0],
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 7,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
        "head_dim": 16,
        "max_position_embeddings": 512,
        "rms_norm_eps": 1e-6,
        "rope_theta": 1e6,
        "rope_scaling": {"rope_type": "linear", "factor": 8.0},
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": false,
        "tie_word_embeddings": true,
        "bos_token_id": 2,
        "eos_token_id": [1, 7],
        "pad_token_id": 0,
        "rope_local_base_freq": 1e4,
        "layer_types": [slides, slides, slides, slides, slides, full, slides],
        "sliding_window": 64,
        "query_pre_attn_scalar": 16,
        "attn_logit_softcapping": null,
        "final_logit_softcapping": null,
    });
    assert_eq!(config_json(&file).unwrap(), expected);
}

#[test]
fn gemma_2_has_caps_and_every_other_layer_slides() {
    let config = config(&Builder::model("gemma2"));
    assert_eq!(config["model_type"], "gemma2");
    assert_eq!(config["vocab_size"], 5);
    assert_eq!(config["rope_theta"], 1e4);
    assert_eq!(config["rope_scaling"], Value::Null);
    assert_eq!(config["attn_logit_softcapping"], 50.0);
    assert_eq!(config["final_logit_softcapping"], 30.0);
    assert_eq!(config["sliding_window"], 4096);
    assert_eq!(config["layer_types"][0], "sliding_attention");
    assert_eq!(config["layer_types"][1], "full_attention");
    assert_eq!(config["layer_types"][6], "sliding_attention");
    assert_eq!(config["query_pre_attn_scalar"], 32);
    assert_eq!(config["eos_token_id"], json!([1]));
    assert_eq!(config["pad_token_id"], Value::Null);
    assert_eq!(config.get("rope_local_base_freq"), None);
    let file = Builder::model("gemma2")
        .number("gemma2.attn_logit_softcapping", 40.0)
        .count("gemma2.attention.sliding_window", 128)
        .count("tokenizer.ggml.eot_token_id", 4);
    let config = self::config(&file);
    assert_eq!(config["attn_logit_softcapping"], 40.0);
    assert_eq!(config["sliding_window"], 128);
    assert_eq!(config["eos_token_id"], json!([1, 4]));
}

#[test]
fn gemma_1_has_neither_windows_nor_caps() {
    let config = config(&Builder::model("gemma").without("gemma.attention.head_count_kv"));
    assert_eq!(config["model_type"], "gemma");
    assert_eq!(config["num_key_value_heads"], 4);
    assert_eq!(config["rope_theta"], 1e4);
    for key in [
        "sliding_window",
        "layer_types",
        "query_pre_attn_scalar",
        "attn_logit_softcapping",
    ] {
        assert_eq!(config.get(key), None, "{key}");
    }
}

#[test]
fn the_27b_models_scale_queries_by_width_and_heads() {
    for (architecture, layers, expected) in [("gemma2", 46, 16), ("gemma3", 62, 16), ("gemma3", 46, 32)] {
        let key = format!("{architecture}.block_count");
        let mut file = Builder::model(architecture).without(&key).count(&key, layers);
        if architecture == "gemma3" {
            file = file.number("gemma3.rope.freq_base", 1e6);
        }
        assert_eq!(
            config(&file)["query_pre_attn_scalar"],
            expected,
            "{architecture} {layers}"
        );
    }
}

#[test]
fn gemma_3_may_say_more_about_its_windows() {
    let file = Builder::model("gemma3").number("gemma3.rope.freq_base", 1e6);
    let none = config(&file);
    assert_eq!(none["sliding_window"], Value::Null);
    assert_eq!(none["layer_types"], json!(vec!["full_attention"; 7]));

    let file = file.count("gemma3.attention.sliding_window", 8);
    let key = "gemma3.attention.sliding_window_pattern";
    let second = config(
        &file
            .clone()
            .count(key, 2)
            .number("gemma3.rope.freq_base_swa", 5000.0),
    );
    assert_eq!(second["layer_types"][1], "full_attention");
    assert_eq!(second["layer_types"][5], "full_attention");
    assert_eq!(second["layer_types"][6], "sliding_attention");
    assert_eq!(second["rope_local_base_freq"], 5000.0);
    let flags: Vec<Vec<u8>> = [1, 0, 0, 1, 1, 1, 0].map(|flag| vec![flag]).into();
    let listed = config(&file.clone().list(key, BOOL, &flags));
    assert_eq!(listed["layer_types"][0], "sliding_attention");
    assert_eq!(listed["layer_types"][1], "full_attention");
    refuses(
        &file.list(key, BOOL, &flags[..6]),
        &["sliding_window_pattern", "7 layers"],
    );
}

#[test]
fn an_own_head_is_not_tied() {
    let file = Builder::model("gemma2")
        .tensor("output.weight", &[64, 5], 0, 0)
        .data(64 * 5 * 4);
    assert_eq!(config(&file)["tie_word_embeddings"], false);
    assert_eq!(config(&Builder::model("gemma2"))["tie_word_embeddings"], true);
}

#[test]
fn what_is_missing_or_unusable_is_named() {
    let gemma2 = Builder::model("gemma2");
    refuses(&Builder::new(), &["`general.architecture`"]);
    refuses(&Builder::model("llama"), &["\"llama\"", "gemma3"]);
    refuses(&Builder::model("gemma3n"), &["\"gemma3n\""]);
    refuses(&Builder::model("gemma3"), &["`gemma3.rope.freq_base`"]);
    refuses(
        &gemma2.clone().without("gemma2.block_count"),
        &["`gemma2.block_count`", "again"],
    );
    refuses(
        &gemma2.clone().without("tokenizer.ggml.tokens"),
        &["`tokenizer.ggml.tokens`"],
    );
    let file = gemma2
        .clone()
        .without("gemma2.embedding_length")
        .text("gemma2.embedding_length", "64");
    refuses(&file, &["`gemma2.embedding_length`", "integer"]);
    let key = "gemma2.block_count";
    refuses(
        &gemma2.clone().without(key).count(key, u32::MAX),
        &["`gemma2.block_count`", "512"],
    );
    let file = gemma2.clone().text("gemma2.rope.scaling.type", "yarn");
    refuses(&file, &["`gemma2.rope.scaling.type`", "yarn"]);
    let file = gemma2.clone().text("gemma2.rope.scaling.type", "linear");
    refuses(&file, &["`gemma2.rope.scaling.factor`"]);
    let file = gemma2
        .tensor("token_embd.weight", &[64, 4], 0, 0)
        .data(64 * 4 * 4);
    refuses(&file, &["`token_embd.weight`", "4 rows", "5 tokens"]);
}

fn config(file: &Builder) -> Value {
    config_json(&GgufFile::parse(&file.bytes()).unwrap()).unwrap()
}

fn refuses(file: &Builder, words: &[&str]) {
    let error = config_json(&GgufFile::parse(&file.bytes()).unwrap()).unwrap_err();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}
