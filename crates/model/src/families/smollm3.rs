//! SmolLM3 by Hugging Face: Llama's network, of which every fourth layer doesn't rotate queries and
//! keys. Sources: `modeling_smollm3.py` and `configuration_smollm3.py` of transformers 5.24.

use serde_json::Value;

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::ModelConfig;
use crate::config::{ConfigFile, Keys, listed_windows};

/// The family.
pub(super) struct SmolLm3;

/// `SmolLM3Config`
const DEFAULTS: Defaults = Defaults {
    vocab_size: 128_256,
    hidden_size: 2048,
    layers: 36,
    heads: 16,
    key_value_heads: Some(4),
    positions: 32_768,
    theta: 2_000_000.0,
    tied: true,
    ..LLAMA
};

impl Family for SmolLm3 {
    fn name(&self) -> &'static str {
        "SmolLM3"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const { &[ModelType::whole("smollm3")] }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &[
            "attention_bias",
            "hidden_act",
            "layer_types",
            "mlp_bias",
            "no_rope_layer_interval",
            "no_rope_layers",
            "original_max_position_embeddings",
            "sliding_window",
            "use_sliding_window",
        ]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let keys = &file.keys;
        let mut config = llama_like::config("smollm3", file, &DEFAULTS)?;
        llama_like::add_biases(&mut config, keys)?;
        let count = config.layers.len();
        let rotated = rotated(keys, count)?;
        let window = keys.optional_count("sliding_window")?;
        // The flag is asked only where the file doesn't list the layers' types.
        let used = keys.flag("use_sliding_window", false)?;
        let slides = match listed_windows(keys, count)? {
            Some(slides) => slides,
            None => rotated.iter().map(|rotated| used && !rotated).collect(),
        };
        for ((layer, rotated), slides) in config.layers.iter_mut().zip(rotated).zip(slides) {
            layer.rope = rotated.then_some(0);
            layer.window = if slides { window } else { None };
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some("smollm3")
    }

    fn class(&self) -> &'static str {
        "SmolLM3ForCausalLM"
    }

    fn gguf_interleaves_heads(&self) -> bool {
        true
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "SmolLM3"
    }
}

/// Which layers rotate. In `no_rope_layers`, 1 says that a layer does, whatever the name suggests.
fn rotated(keys: &Keys, count: usize) -> Result<Vec<bool>, String> {
    const KEY: &str = "no_rope_layers";
    let Some(list) = keys.get(KEY) else {
        let interval = keys.count("no_rope_layer_interval", 4)?;
        if interval == 0 {
            return Err("`no_rope_layer_interval` is 0".to_owned());
        }
        return Ok((1..=count).map(|layer| !layer.is_multiple_of(interval)).collect());
    };
    let flags = list.as_array().and_then(|list| {
        let flag = |value: &Value| value.as_u64().filter(|flag| *flag <= 1).map(|flag| flag == 1);
        list.iter().map(flag).collect::<Option<Vec<bool>>>()
    });
    let flags = flags.filter(|flags| flags.len() >= count);
    flags.ok_or_else(|| format!("`{KEY}` must be a list of 0 or 1 for each of {count} layers"))
}
