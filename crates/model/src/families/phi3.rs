//! Phi-3 and Phi-4 by Microsoft, the dense ones: Llama's network, in files with fused products, of
//! which some turn only a part of each head. Sources: `modeling_phi3.py` and
//! `configuration_phi3.py` of transformers 5.24.

use ::gguf::GgufFile;
use serde_json::{Map, Value, json};

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::ModelConfig;
use crate::config::{ConfigFile, Keys};
use crate::gguf::GgufKeys;

/// The family.
pub(super) struct Phi3;

/// `Phi3Config`
const DEFAULTS: Defaults = Defaults {
    vocab_size: 32_064,
    hidden_size: 3072,
    intermediate_size: 8192,
    positions: 4096,
    epsilon: 1e-5,
    rotated_part: Some(1.0),
    original_positions: Some(4096),
    ..LLAMA
};

impl Family for Phi3 {
    fn name(&self) -> &'static str {
        "Phi-3"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const { &[ModelType::whole("phi3")] }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &[
            "embd_pdrop",
            "full_attn_mod",
            "hidden_act",
            "interpolate_factor",
            "original_max_position_embeddings",
            "partial_rotary_factor",
            "resid_pdrop",
            "sliding_window",
        ]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let original = file.keys.count("original_max_position_embeddings", 4096)?;
        let defaults = Defaults {
            original_positions: Some(original),
            ..DEFAULTS
        };
        let mut config = llama_like::config("phi3", &with_todays_type(file), &defaults)?;
        let window = file.keys.optional_count("sliding_window")?;
        for layer in &mut config.layers {
            layer.window = window;
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some("phi3")
    }

    fn class(&self) -> &'static str {
        "Phi3ForCausalLM"
    }

    fn gguf_config(&self, file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        let mut config = llama_like::gguf_config(file, keys)?;
        let window = keys.optional_count("attention.sliding_window")?;
        let window = window.filter(|window| *window > 0);
        config.insert("sliding_window".to_owned(), window.into());
        config.insert("partial_rotary_factor".to_owned(), keys.rotated_part()?.into());
        config.remove("attention_bias");
        config.remove("mlp_bias");
        if let Some(original) = keys.optional_count("rope.scaling.original_context_length")? {
            config.insert("original_max_position_embeddings".to_owned(), original.into());
        }
        let short = (keys.numbers)("rope_factors_short.weight")?;
        let long = (keys.numbers)("rope_factors_long.weight")?;
        if let (Some(short), Some(long)) = (short, long) {
            let mut scaling = json!({"rope_type": "longrope", "short_factor": short, "long_factor": long});
            if let Some(factor) = keys.optional_number("rope.scaling.attn_factor")? {
                scaling["attention_factor"] = factor.into();
            }
            config.insert("rope_scaling".to_owned(), scaling);
        }
        Ok(config)
    }

    fn gguf_keys(&self) -> &'static [&'static str] {
        &[
            "attention.sliding_window",
            "rope.dimension_count",
            "rope.freq_base",
            "rope.scaling.attn_factor",
        ]
    }

    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        match part {
            "attn_qkv" => Some("self_attn.qkv_proj"),
            // llama.cpp keeps gate and up together under the name of the latter.
            "ffn_up" => Some("mlp.gate_up_proj"),
            _ => llama_like::gguf_tensor_in_layer(part),
        }
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["llama", "gpt2"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Llama"
    }

    fn end_tokens(&self) -> &'static [&'static str] {
        &["<|end|>", "<|endoftext|>"]
    }
}

/// The class knows a single scaling, of which "yarn" is an old name.
fn with_todays_type(file: &ConfigFile) -> ConfigFile {
    let mut renamed = file.without(&[]);
    for name in ["rope_scaling", "rope_parameters"] {
        if let Some(Value::Object(table)) = file.keys.get(name) {
            let table = Keys::new(table.clone());
            let kind = table.get("rope_type").or(table.get("type"));
            if kind.and_then(Value::as_str) == Some("yarn") {
                let table = table.with("rope_type", "longrope".into());
                renamed.keys = renamed.keys.with(name, table.into());
            }
        }
    }
    renamed
}
