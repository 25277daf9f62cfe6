//! Partial and odd config.json files of the families besides Gemma 1 to 3, layer by layer
//! (`families` in `tests/fixtures/configs.json`).

use std::collections::BTreeMap;

use model::{Activation, KeysAndValues, LayerDescription, ModelConfig, NormScale, QueryKeyNorms, Rope};
use serde_json::{Value, json};

use crate::configurations::{expected_frequencies, fixture, read};

/// What transformers computes and Roleswap refuses, by the words of the message.
const REFUSED: &[&str] = &[
    // Changes after `max_position_embeddings` tokens.
    "the type \"dynamic\"",
    // A list that doesn't fit is repeated there.
    "must be a list of",
    // Not read there, and no table is then read at all: the author meant a scaling.
    "`rope_parameters` has",
    "`rope_scaling.type`",
    // Not read there with one type, and a failure with another.
    "partial_rotary_factor",
    // Other functions.
    "`hidden_act` \"gelu\"",
    "`hidden_act` \"relu\"",
    "`hidden_activation` \"",
    // Not read there by classes that have no such thing: the weights may be of a modified network.
    "`attention_bias` true",
    "`mlp_bias` true",
    "`qkv_bias` true",
    "`lm_head_bias` true",
    "_logit_softcapping` ",
    "`query_pre_attn_scalar` ",
    "`rope_local_base_freq` ",
    // There a cache drops what is outside of the window, while attention without one sees it.
    "`sliding_window` 5 is not known",
    "`sliding_window` 0 is not known",
    "`sliding_window` is 0",
    // Texts that see ahead, other weights, experts.
    "use_bidirectional_attention",
    "`is_causal` false",
    "quantization_config",
    "`enable_moe_block` true",
    // A last element that turns with nothing.
    "must be even",
];

/// What is read means what transformers means; what can't be computed is refused.
#[test]
fn configurations_of_all_families_mean_what_transformers_makes_of_them() {
    let fixture = fixture();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    let (mut complete, mut wrong) = (&Value::Null, Vec::new());
    for case in fixture["families"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        if name.ends_with(": complete") {
            complete = case;
        }
        let expected = case.get("expected");
        let kind = match (read(&with_config(case, complete)), expected) {
            (Ok(config), Some(expected)) => {
                let expected = overlaid(&complete["expected"], expected);
                wrong.extend(differences(&config, &expected).map(|wrong| format!("{name}: {wrong}")));
                "the same"
            }
            (Err(error), Some(_)) => {
                let error = error.to_string();
                if !REFUSED.iter().any(|words| error.contains(words)) {
                    wrong.push(format!("{name}: refused: {error}"));
                }
                "refused here"
            }
            (Ok(_), None) => "refused there",
            (Err(_), None) => "refused by both",
        };
        *counts.entry(kind).or_default() += 1;
    }
    assert!(
        wrong.is_empty(),
        "{counts:?}, {} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(counts["the same"] >= 800, "{counts:?}");
}

/// Keys of other networks are refused by name in every family, unless they say that nothing is changed.
#[test]
fn keys_of_other_networks_are_refused_in_every_family() {
    let changes = [
        ("num_experts", json!(8)),
        ("num_local_experts", json!(8)),
        ("attention_multiplier", json!(0.0078125)),
        ("embedding_multiplier", json!(12.0)),
        ("residual_multiplier", json!(0.22)),
        ("logits_scaling", json!(8.0)),
        ("rope_interleaved", json!(true)),
        ("qk_layernorm", json!(true)),
        ("use_qk_norm", json!(true)),
        ("clip_qkv", json!(8.0)),
        ("layer_norm_eps", json!(1e-5)),
    ];
    let fixture = fixture();
    let cases = fixture["families"].as_array().unwrap();
    let complete = cases
        .iter()
        .filter(|case| case["name"].as_str().unwrap().ends_with(": complete"));
    for case in complete {
        let part = case["config"].get("text_config").map(|_| "text_config");
        for (key, value) in &changes {
            let mut changed = case.clone();
            let config = part.map_or("/config".to_owned(), |part| format!("/config/{part}"));
            changed.pointer_mut(&config).unwrap()[*key] = value.clone();
            let error = read(&changed).unwrap_err().to_string();
            assert!(error.contains(&format!("`{key}`")), "{}: {error}", case["name"]);
            changed.pointer_mut(&config).unwrap()[*key] = Value::Null;
            read(&changed).unwrap();
        }
    }
}

/// A case's file may be there as changes of the complete one.
fn with_config(case: &Value, complete: &Value) -> Value {
    let mut whole = case.clone();
    if case.get("config").is_none() {
        whole["config"] = overlaid(&complete["config"], &case["change"]);
        for key in case["without"].as_array().unwrap() {
            whole["config"]
                .as_object_mut()
                .unwrap()
                .remove(key.as_str().unwrap());
        }
    }
    whole
}

/// What is as in the complete case is left out in others.
fn overlaid(complete: &Value, changes: &Value) -> Value {
    let mut all = complete.clone();
    all.as_object_mut()
        .unwrap()
        .extend(changes.as_object().unwrap().clone());
    all
}

/// The keys in which our reading differs from what transformers makes of the files.
fn differences(config: &ModelConfig, expected: &Value) -> impl Iterator<Item = String> {
    let mut found = of_all_layers(config);
    // A text that never ends there ends here if some file says how.
    if expected["end_tokens"]
        .as_array()
        .is_some_and(|ids| !ids.is_empty())
    {
        found.push(("end_tokens", config.end_tokens.clone().into()));
    }
    let mut wrong: Vec<String> = found
        .into_iter()
        .filter(|(key, found)| !same(&expected[key], found))
        .map(|(key, found)| format!("{key}: {} there, {found} here", expected[key]))
        .collect();
    let layers = expected["layers"].as_array().unwrap();
    assert!(layers.len() == config.layers.len(), "{} layers", layers.len());
    for (index, (layer, kind)) in config.layers.iter().zip(layers).enumerate() {
        let expected_kind = &expected["kinds"][kind.as_u64().unwrap() as usize];
        for (key, found) in of_layer(config, layer) {
            if !same(&expected_kind[key], &found) {
                wrong.push(format!(
                    "layer {index}: {key}: {} there, {found} here",
                    expected_kind[key]
                ));
            }
        }
        let rope = layer.rope.map(|rope| &config.ropes[rope]);
        let there = expected_kind["rope"]
            .as_u64()
            .map(|rope| &expected["ropes"][rope as usize]);
        if !same_rope(there, rope) {
            wrong.push(format!("layer {index}: rope: {there:?} there, {rope:?} here"));
        }
    }
    wrong.into_iter()
}

/// transformers computes some numbers in f32.
fn same(expected: &Value, found: &Value) -> bool {
    match (expected.as_f64(), found.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs(),
        _ => expected == found,
    }
}

fn of_all_layers(config: &ModelConfig) -> Vec<(&'static str, Value)> {
    let scaled = match config.embedding_scale {
        1.0 => "1",
        scale if scale == (config.hidden_size as f64).sqrt() => "root of hidden_size",
        _ => "another",
    };
    let inputs = config.per_layer_inputs;
    vec![
        ("vocab_size", config.vocab_size.into()),
        ("hidden_size", config.hidden_size.into()),
        ("max_position_embeddings", config.max_position_embeddings.into()),
        ("rms_norm_eps", config.rms_norm_eps.into()),
        (
            "norm_scale",
            match config.norm_scale {
                NormScale::Weight => "weight",
                NormScale::OnePlusWeight => "one_plus_weight",
            }
            .into(),
        ),
        (
            "activation",
            match config.activation {
                Activation::GeluTanh => "gelu_pytorch_tanh",
                Activation::Silu => "silu",
            }
            .into(),
        ),
        ("embedding_scale", scaled.into()),
        ("final_logit_softcapping", config.final_logit_softcapping.into()),
        ("tie_word_embeddings", (!config.own_head).into()),
        (
            "per_layer_inputs",
            inputs.map_or(
                Value::Null,
                |inputs| json!({"size": inputs.size, "vocab_size": inputs.vocab_size}),
            ),
        ),
    ]
}

fn of_layer(config: &ModelConfig, layer: &LayerDescription) -> Vec<(&'static str, Value)> {
    let keeps_keys = layer.keeps_keys();
    let [query_norm, key_norm] = match layer.query_key_norms {
        QueryKeyNorms::None => [None, None],
        QueryKeyNorms::OfHeads => [Some(layer.head_dim), Some(layer.head_dim)],
        QueryKeyNorms::OfWidth => [Some(layer.query_width()), Some(layer.key_width())],
    };
    let keys_of = match layer.keys_and_values {
        KeysAndValues::OfLayer(source) => Some(source),
        KeysAndValues::Own | KeysAndValues::SharedProduct => None,
    };
    let norms = &layer.norms;
    let norms = [
        norms.attention_input,
        norms.attention_output,
        norms.feed_forward_input,
        norms.feed_forward_output,
    ];
    vec![
        ("heads", layer.num_attention_heads.into()),
        ("key_value_heads", layer.num_key_value_heads.into()),
        ("head_dim", layer.head_dim.into()),
        ("intermediate_size", layer.intermediate_size.into()),
        ("query_pre_attn_scalar", config.query_pre_attn_scalar.into()),
        ("attn_logit_softcapping", config.attn_logit_softcapping.into()),
        ("window", layer.window.into()),
        ("query_norm", query_norm.into()),
        ("key_norm", key_norm.filter(|_| keeps_keys).into()),
        ("value_norm", (layer.value_norm && keeps_keys).into()),
        ("keys_of", keys_of.into()),
        (
            "one_product",
            (layer.keys_and_values == KeysAndValues::SharedProduct).into(),
        ),
        ("biases", biases(config, layer).into()),
        ("norms", json!(norms)),
        ("scalar", layer.scalar.into()),
    ]
}

/// The products that have a bias, by their names there.
fn biases(config: &ModelConfig, layer: &LayerDescription) -> Vec<&'static str> {
    let fused = config.model_type == "phi3";
    let keys: &[&str] = match layer.keys_and_values {
        _ if fused => &["qkv_proj"],
        KeysAndValues::Own => &["q_proj", "k_proj", "v_proj"],
        KeysAndValues::SharedProduct => &["q_proj", "k_proj"],
        KeysAndValues::OfLayer(_) => &["q_proj"],
    };
    let feed_forward: &[&str] = match fused {
        true => &["gate_up_proj", "down_proj"],
        false => &["gate_proj", "up_proj", "down_proj"],
    };
    let parts = [
        (layer.biases.query_key_value, keys),
        (layer.biases.attention_output, &["o_proj"]),
        (layer.biases.feed_forward, feed_forward),
    ];
    let biased = parts.into_iter().filter(|(biased, _)| *biased);
    biased.flat_map(|(_, names)| names.iter().copied()).collect()
}

fn same_rope(expected: Option<&Value>, found: Option<&Rope>) -> bool {
    let (expected, found) = match (expected, found) {
        (Some(expected), Some(found)) => (expected, found),
        (expected, found) => return expected.is_none() && found.is_none(),
    };
    let frequencies = expected_frequencies(expected);
    let close = |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs() <= 1e-6 * expected;
    found.frequencies.len() == frequencies.len()
        && found.frequencies.iter().zip(&frequencies).all(close)
        && same(&expected["attention_factor"], &found.attention_factor.into())
        && expected["longest"] == Value::from(found.longest)
}
