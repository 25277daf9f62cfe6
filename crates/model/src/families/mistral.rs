//! Mistral's dense models of 7B and 12B: Llama's network, in the first version with a window in all
//! layers. Sources: `modeling_mistral.py` and `configuration_mistral.py` of transformers 5.24.
//!
//! Their GGUF files have the architecture "llama" and leave the window out.

use serde_json::{Value, json};

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::ModelConfig;
use crate::config::{ConfigFile, listed_windows};

/// The family.
pub(super) struct Mistral;

/// `MistralConfig`
const DEFAULTS: Defaults = Defaults {
    intermediate_size: 14_336,
    key_value_heads: Some(8),
    positions: 4096 * 32,
    ..LLAMA
};

impl Family for Mistral {
    fn name(&self) -> &'static str {
        "Mistral"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const { &[ModelType::whole("mistral")] }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &[
            "hidden_act",
            "layer_types",
            "original_max_position_embeddings",
            "sliding_window",
        ]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let mut config = llama_like::config("mistral", file, &DEFAULTS)?;
        let window = match file.keys.has("sliding_window") {
            true => file.keys.optional_count("sliding_window")?,
            false => Some(4096),
        };
        // The automatic classes of transformers run files that list them as Ministral.
        let listed = listed_windows(&file.keys, config.layers.len())?;
        let slides = listed.unwrap_or_else(|| vec![true; config.layers.len()]);
        for (layer, slides) in config.layers.iter_mut().zip(slides) {
            layer.window = if slides { window } else { None };
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        None
    }

    fn class(&self) -> &'static str {
        "MistralForCausalLM"
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &[]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Llama"
    }

    fn published(&self) -> &'static [&'static str] {
        &["Mistral-7B-Instruct-v0.3"]
    }

    fn published_config(&self, name: &str) -> Option<Value> {
        let own = json!({
            "vocab_size": 32_768,
            "rms_norm_eps": 1e-5,
            "rope_theta": 1_000_000.0,
            "max_position_embeddings": 32_768,
            "sliding_window": null,
            "tie_word_embeddings": false,
            "bos_token_id": 1,
            "eos_token_id": 2,
        });
        let config = || llama_like::published("mistral", self.class(), 32, [4096, 14_336], [32, 8], own);
        (name == "Mistral-7B-Instruct-v0.3").then(config)
    }
}
