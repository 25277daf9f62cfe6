use ::gguf::GgufFile;
use model::gguf::{chat_parts, config_json};
use serde_json::{Value, json};

use crate::gguf::build::{BOOL, Builder, F32, U32};

#[test]
fn gemma_3_has_the_keys_of_its_config_json() {
    let file = GgufFile::parse(include_bytes!("../../../../gguf/tests/fixtures/tiny_gemma3.gguf")).unwrap();
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
    assert_eq!(config_json(&file, &|_| Ok(None)).unwrap(), expected);
}

/// The result does not matter, as long as there is one.
#[test]
fn changed_bytes_never_panic() {
    let whole = include_bytes!("../../../../gguf/tests/fixtures/tiny_gemma3.gguf");
    let file = GgufFile::parse(whole).unwrap();
    let head = file.tensors()[0].blocks().unwrap().1.start;
    for place in 0..head {
        // The same changes for every run, and many different ones over all places.
        for change in [0xff, 1 << (place % 8)] {
            let mut bytes = whole.to_vec();
            bytes[place] ^= change;
            let Ok(file) = GgufFile::parse(&bytes) else {
                continue;
            };
            let _ = config_json(&file, &|_| Ok(None));
            if place % 17 == 0 {
                let _ = chat_parts(file.metadata());
            }
        }
    }
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
    refuses(&Builder::model("mpt"), &["\"mpt\"", "gemma3"]);
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
    for (value, words) in [
        ("adapter", "a LoRA adapter, not a model; give"),
        ("imatrix", "an importance matrix, not a model; give"),
    ] {
        refuses(&gemma2.clone().text("general.type", value), &[words]);
    }
    for (architecture, words) in [
        ("clip", "an mmproj file); give the file of the language model"),
        (
            "controlvector",
            "a control vector, not a model; list it under [[vectors]]",
        ),
        (
            "gemma-embedding",
            "\"gemma-embedding\", which Roleswap does not run; give",
        ),
        ("gemma3n", "\"gemma3n\", which Roleswap does not run; give"),
    ] {
        refuses(&Builder::model(architecture), &[words]);
    }
}

#[test]
fn rows_and_tokens_may_differ_in_number() {
    for rows in [4, 9] {
        let file = Builder::model("gemma2")
            .tensor("token_embd.weight", &[64, rows], 0, 0)
            .data(64 * rows as usize * 4);
        assert_eq!(config(&file)["vocab_size"], rows);
    }
}

#[test]
fn keys_that_nobody_knows_are_refused() {
    let gemma3 = Builder::model("gemma3").number("gemma3.rope.freq_base", 1e6);
    for key in [
        "expert_count",
        "attention.temperature_scale",
        "altup.num_inputs",
        "attention.scale",
    ] {
        let key = format!("gemma3.{key}");
        refuses(&gemma3.clone().number(&key, 4.0), &[&format!("`{key}`"), "; get"]);
        // 0 is the same as no key.
        config(&gemma3.clone().count(&key, 0));
    }
    refuses(
        &gemma3.clone().flag("gemma3.attention.causal", false),
        &["`gemma3.attention.causal`"],
    );
    refuses(
        &gemma3.clone().number("gemma3.rope.scaling.attn_factor", 1.2),
        &["`gemma3.rope.scaling.attn_factor`"],
    );
    for key in [
        "attention.value_length",
        "rope.dimension_count",
        "attention.key_length_swa",
    ] {
        let key = format!("gemma3.{key}");
        refuses(
            &gemma3.clone().count(&key, 16),
            &[&format!("`{key}`"), "attention.key_length"],
        );
        config(&gemma3.clone().count(&key, 32));
    }
    let harmless = gemma3
        .flag("gemma3.attention.causal", true)
        .number("gemma3.rope.scaling.attn_factor", 1.0)
        .count("gemma3.vocab_size", 5)
        .count("gemma3.vision.block_count", 27)
        .count("gemma3.rope.scaling.original_context_length", 4096)
        .count("general.quantization_version", 2)
        .text("quantize.imatrix.file", "matrix");
    config(&harmless);
    // From another generation.
    refuses(
        &Builder::model("gemma").count("gemma.attention.sliding_window", 8),
        &["`gemma.attention.sliding_window`"],
    );
    refuses(
        &Builder::model("gemma2").number("gemma2.rope.freq_base_swa", 5e3),
        &["`gemma2.rope.freq_base_swa`", "10000"],
    );
}

#[test]
fn sizes_by_layer_are_read_where_they_are_the_same() {
    let list = |numbers: [u32; 7]| numbers.map(|number| number.to_le_bytes().to_vec());
    let key = "gemma2.attention.head_count_kv";
    let file = Builder::model("gemma2").without(key);
    let same = config(&file.clone().list(key, U32, &list([2; 7])));
    assert_eq!(same["num_key_value_heads"], 2);
    refuses(
        &file.clone().list(key, U32, &list([2, 2, 2, 2, 2, 2, 4])),
        &["`gemma2.attention.head_count_kv`", "layer to layer"],
    );
    refuses(&file.list(key, U32, &[]), &["`gemma2.attention.head_count_kv`"]);
}

#[test]
fn only_gemma_3_scales_positions() {
    for architecture in ["gemma", "gemma2"] {
        let key = format!("{architecture}.rope.scaling.factor");
        let file = Builder::model(architecture);
        refuses(&file.clone().number(&key, 8.0), &[&format!("`{key}`"), "; get"]);
        for factor in [0.0, 1.0] {
            assert_eq!(
                config(&file.clone().number(&key, factor))["rope_scaling"],
                Value::Null
            );
        }
    }
    let gemma3 = Builder::model("gemma3").number("gemma3.rope.freq_base", 1e6);
    let yarn = gemma3.clone().text("gemma3.rope.scaling.type", "yarn");
    refuses(
        &yarn.number("gemma3.rope.scaling.factor", 4.0),
        &["`gemma3.rope.scaling.type`", "yarn"],
    );
    let none = gemma3
        .text("gemma3.rope.scaling.type", "none")
        .number("gemma3.rope.scaling.factor", 8.0);
    assert_eq!(config(&none)["rope_scaling"], Value::Null);
}

/// The keys of the files that Ollama published for Gemma 3 1B and 4B.
#[test]
fn what_ollama_leaves_out_is_filled_in() {
    let with_layers = |layers: u32| {
        Builder::model("gemma3")
            .without("gemma3.block_count")
            .count("gemma3.block_count", layers)
            .count("gemma3.attention.sliding_window", 512)
            .flag("tokenizer.ggml.add_padding_token", false)
    };
    let one = with_layers(26)
        .number("gemma3.rope.global.freq_base", 5e5)
        .number("gemma3.rope.local.freq_base", 2e4)
        .number("gemma3.final_logit_softcapping", 30.0);
    let one = config(&one);
    assert_eq!(one["rope_theta"], 5e5);
    assert_eq!(one["rope_local_base_freq"], 2e4);
    assert_eq!(one["final_logit_softcapping"], Value::Null);
    assert_eq!(one["rope_scaling"], Value::Null);
    let four = with_layers(34).without("gemma3.attention.layer_norm_rms_epsilon");
    let four = config(&four.count("gemma3.mm.tokens_per_image", 256));
    assert_eq!(four["rope_theta"], 1e6);
    assert_eq!(four["rope_local_base_freq"], 1e4);
    assert_eq!(four["rms_norm_eps"], 1e-6);
    assert_eq!(
        four["rope_scaling"],
        json!({"rope_type": "linear", "factor": 8.0})
    );
    // A cap in a later conversion is one of the model; what it says about positions is true.
    let later = with_layers(34)
        .number("gemma3.rope.local.freq_base", 1e4)
        .number("gemma3.rope.freq_base", 1e6)
        .number("gemma3.rope.scaling.factor", 4.0)
        .number("gemma3.final_logit_softcapping", 30.0);
    let later = config(&later);
    assert_eq!(later["final_logit_softcapping"], 30.0);
    assert_eq!(later["rope_scaling"]["factor"], 4.0);
    // Nothing is filled in where another converter made the file.
    let other = Builder::model("gemma3").number("gemma3.rope.freq_base", 1e6);
    refuses(
        &other.without("gemma3.attention.layer_norm_rms_epsilon"),
        &["layer_norm_rms_epsilon"],
    );
}

#[test]
fn texts_end_where_llama_cpp_ends_them() {
    let ends = |tokens: &[&str], types: &[u32], file: Builder| {
        let scores: Vec<f32> = types
            .iter()
            .map(|kind| if *kind == 1 { -2.0 } else { 0.0 })
            .collect();
        let file = file
            .without("tokenizer.ggml.tokens")
            .without("tokenizer.ggml.token_type")
            .without("tokenizer.ggml.scores")
            .texts("tokenizer.ggml.tokens", tokens)
            .list(
                "tokenizer.ggml.token_type",
                U32,
                &types.iter().map(|n| n.to_le_bytes().to_vec()).collect::<Vec<_>>(),
            )
            .list(
                "tokenizer.ggml.scores",
                F32,
                &scores
                    .iter()
                    .map(|n| n.to_le_bytes().to_vec())
                    .collect::<Vec<_>>(),
            );
        config(&file)["eos_token_id"].clone()
    };
    let file = Builder::model("gemma2").without("tokenizer.ggml.eos_token_id");
    let tokens = ["<pad>", "<eos>", "<bos>", "<end_of_turn>", "a"];
    let named = |id| file.clone().count("tokenizer.ggml.eos_token_id", id);
    assert_eq!(ends(&tokens, &[3, 3, 3, 3, 1], named(3)), json!([3, 1]));
    assert_eq!(ends(&tokens, &[3, 3, 3, 4, 1], named(1)), json!([1, 3]));
    // Whatever an early file calls them.
    assert_eq!(ends(&tokens, &[3, 1, 3, 1, 1], named(4)), json!([4, 1, 3]));
    // Another format, whose token was added; a piece of text that looks like one; an HTML tag.
    let tokens = ["<|im_end|>", "<eos>", "[EOS]", "</s>", "<|endoftext|>"];
    assert_eq!(ends(&tokens, &[4, 3, 1, 4, 3], named(1)), json!([1, 0, 4]));
    let listed = named(1).list(
        "tokenizer.ggml.eos_token_ids",
        5,
        &[1i32, 2].map(|id| id.to_le_bytes().to_vec()),
    );
    assert_eq!(ends(&["a", "b", "c", "d", "e"], &[1; 5], listed), json!([1, 2]));
    let eom = named(1).count("tokenizer.ggml.eom_token_id", 4);
    assert_eq!(ends(&["a", "b", "c", "d", "e"], &[1; 5], eom), json!([1, 4]));
    refuses(
        &named(1).count("tokenizer.ggml.eot_token_id", 107),
        &["`tokenizer.ggml.eot_token_id` is 107", "5 tokens"],
    );
}

#[test]
fn the_example_whose_end_is_the_end_of_the_turn_ends_at_both() {
    let mut bytes = include_bytes!("../../../../gguf/tests/fixtures/tiny_gemma3.gguf").to_vec();
    let key = b"tokenizer.ggml.eos_token_id";
    let at = bytes.windows(key.len()).position(|window| window == key).unwrap() + key.len() + 4;
    bytes[at] = 7;
    let config = config_json(&GgufFile::parse(&bytes).unwrap(), &|_| Ok(None)).unwrap();
    assert_eq!(config["eos_token_id"], json!([7, 1]));
}

fn config(file: &Builder) -> Value {
    config_json(&GgufFile::parse(&file.bytes()).unwrap(), &|_| Ok(None)).unwrap()
}

fn refuses(file: &Builder, words: &[&str]) {
    let error = config_json(&GgufFile::parse(&file.bytes()).unwrap(), &|_| Ok(None)).unwrap_err();
    for word in words {
        assert!(error.contains(word), "{word:?} is not in: {error}");
    }
}
