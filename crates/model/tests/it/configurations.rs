//! Partial and odd config.json files against what the networks of transformers do with them
//! (`tests/fixtures/configs.json`, made by `reference/make_config_fixtures.py`).

use std::collections::BTreeMap;

use model::ModelConfig;
use serde_json::Value;

use crate::support::fixtures;

pub fn fixture() -> Value {
    serde_json::from_slice(&std::fs::read(fixtures().join("configs.json")).unwrap()).unwrap()
}

/// Writes the files of a case and reads them as a model's.
pub fn read(case: &Value) -> model::Result<ModelConfig> {
    let folder = tempfile::tempdir().unwrap();
    let write =
        |name: &str, value: &Value| std::fs::write(folder.path().join(name), value.to_string()).unwrap();
    write("config.json", &case["config"]);
    if !case["generation_config"].is_null() {
        write("generation_config.json", &case["generation_config"]);
    }
    ModelConfig::read(folder.path())
}

/// The keys in which our reading differs from what transformers makes of the files.
fn differences(config: &ModelConfig, expected: &Value) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut check = |key: &str, expected: &Value, found: Value| {
        let same = match (expected.as_f64(), found.as_f64()) {
            // transformers computes some of them in f32.
            (Some(a), Some(b)) => (a - b).abs() <= 1e-6 * a.abs(),
            _ => *expected == found,
        };
        if !same {
            wrong.push(format!("{key}: {expected} there, {found} here"));
        }
    };
    let mut plain = |key: &str, found: Value| check(key, &expected[key], found);
    plain("vocab_size", config.vocab_size.into());
    plain("hidden_size", config.hidden_size.into());
    plain("num_hidden_layers", config.layers.len().into());
    let layer = &config.layers[0];
    plain("intermediate_size", layer.intermediate_size.into());
    plain("num_attention_heads", layer.num_attention_heads.into());
    plain("num_key_value_heads", layer.num_key_value_heads.into());
    plain("head_dim", layer.head_dim.into());
    plain("max_position_embeddings", config.max_position_embeddings.into());
    plain("rms_norm_eps", config.rms_norm_eps.into());
    plain("query_pre_attn_scalar", config.query_pre_attn_scalar.into());
    plain("attn_logit_softcapping", config.attn_logit_softcapping.into());
    plain("final_logit_softcapping", config.final_logit_softcapping.into());
    plain("tie_word_embeddings", (!config.own_head).into());
    // A text that never ends there ends here if some file says how.
    if expected["end_tokens"]
        .as_array()
        .is_some_and(|ids| !ids.is_empty())
    {
        plain("end_tokens", config.end_tokens.clone().into());
    }
    for (index, layer) in config.layers.iter().enumerate() {
        let kind = expected["layer_types"][index].as_str().unwrap();
        let slides = kind == "sliding_attention";
        let window = if slides {
            &expected["sliding_window"]
        } else {
            &Value::Null
        };
        check(&format!("window of layer {index}"), window, layer.window.into());
        let (rope, found) = (&expected["rope"][kind], &config.ropes[layer.rope.unwrap()]);
        let frequencies = expected_frequencies(rope);
        let close = |(found, expected): (&f32, &f64)| (f64::from(*found) - expected).abs() <= 1e-6 * expected;
        let same = found.frequencies.len() == frequencies.len()
            && found.frequencies.iter().zip(&frequencies).all(close);
        check(
            &format!("frequencies of layer {index}"),
            &true.into(),
            same.into(),
        );
        let factor = &rope["attention_factor"];
        check(
            &format!("attention factor of layer {index}"),
            factor,
            found.attention_factor.into(),
        );
    }
    wrong
}

/// Listed, or those of base and factor.
pub fn expected_frequencies(rope: &Value) -> Vec<f64> {
    if let Some(listed) = rope["frequencies"].as_array() {
        return listed.iter().filter_map(Value::as_f64).collect();
    }
    let [theta, factor, turned] = ["theta", "factor", "rotary_dim"].map(|key| rope[key].as_f64().unwrap());
    let pairs = turned as usize / 2;
    let frequency = |pair: usize| theta.powf(-2.0 * pair as f64 / turned) / factor;
    (0..pairs).map(frequency).collect()
}

/// What is read means what transformers means; what can't be computed is refused.
#[test]
fn configurations_mean_what_transformers_makes_of_them() {
    let fixture = fixture();
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for case in fixture["cases"].as_array().unwrap() {
        let name = case["name"].as_str().unwrap();
        let kind = match (
            read(case),
            case.get("expected").filter(|expected| !expected.is_null()),
        ) {
            (Ok(config), Some(expected)) => {
                assert_eq!(differences(&config, expected), [""; 0], "{name}");
                "the same"
            }
            (Err(error), Some(_)) => {
                let error = error.to_string();
                assert!(REFUSED.iter().any(|key| error.contains(key)), "{name}: {error}");
                "refused here"
            }
            (Ok(_), None) => "refused there",
            (Err(_), None) => "refused by both",
        };
        *counts.entry(kind).or_default() += 1;
    }
    assert!(counts["the same"] >= 280, "{counts:?}");
}

/// What transformers computes and Roleswap refuses, by the keys: what Gemma never had, and where
/// versions of transformers differ.
const REFUSED: [&str; 12] = [
    "the type \"dynamic\"",
    "partial_rotary_factor",
    "`rope_parameters` has",
    "`rope_scaling.type`",
    "hidden_act",
    "attention_bias",
    "use_bidirectional_attention",
    "`is_causal` false",
    "quantization_config",
    "must be a number above 0",
    "`eos_token_id` 400",
    "`sliding_window_pattern` is 0",
];

/// Keys that transformers' own networks ignore don't prevent a model from being read.
#[test]
fn harmless_keys_are_harmless() {
    let fixture = fixture();
    let case = &fixture["cases"][0];
    let plain = read(case).unwrap();
    for key in fixture["harmless"].as_array().unwrap() {
        let key = key.as_str().unwrap();
        if case["config"].get(key).is_some() {
            continue;
        }
        let mut changed = case.clone();
        changed["config"][key] = 7.into();
        assert_eq!(read(&changed).unwrap(), plain, "{key}");
    }
}

/// As many as transformers 5.24 builds from the same configuration, whose scalars of layers are
/// buffers.
#[test]
fn the_published_shapes_of_gemma_4_have_the_parameters_of_transformers() {
    for (name, parameters, scalars) in [
        ("gemma-4-E2B-it", 4_628_569_344, 35),
        ("gemma-4-E4B-it", 7_463_013_376, 42),
        ("gemma-4-31B-it", 30_697_345_280, 60),
    ] {
        let config = ModelConfig::from_json(&model::published_config(name).unwrap()).unwrap();
        let sizes = config.tensors();
        let found: usize = sizes
            .iter()
            .map(|(_, shape)| shape.iter().product::<usize>())
            .sum();
        assert_eq!(found, parameters + scalars, "{name}");
    }
}
