//! Seed-OSS by ByteDance: Llama's network with biases of queries, keys and values. Sources:
//! `modeling_seed_oss.py` and `configuration_seed_oss.py` of transformers 5.24.

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::config::ConfigFile;
use crate::{Biases, ModelConfig};

/// The family.
pub(super) struct SeedOss;

/// `SeedOssConfig`
const DEFAULTS: Defaults = Defaults {
    vocab_size: 155_136,
    intermediate_size: 27_648,
    layers: 64,
    heads: 80,
    key_value_heads: Some(8),
    head_dim: Some(128),
    positions: 524_288,
    ..LLAMA
};

impl Family for SeedOss {
    fn name(&self) -> &'static str {
        "Seed-OSS"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const { &[ModelType::whole("seed_oss")] }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &["attention_bias", "attention_out_bias", "hidden_act", "mlp_bias"]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let mut config = llama_like::config("seed_oss", file, &DEFAULTS)?;
        let biases = Biases {
            query_key_value: file.keys.flag("attention_bias", true)?,
            attention_output: file.keys.flag("attention_out_bias", false)?,
            feed_forward: file.keys.flag("mlp_bias", false)?,
        };
        for layer in &mut config.layers {
            layer.biases = biases;
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        None
    }

    fn class(&self) -> &'static str {
        "SeedOssForCausalLM"
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &[]
    }

    fn tokenizer_class(&self) -> &'static str {
        "SeedOss"
    }
}
