//! Llama 2 and 3 by Meta, and what has the same network: TinyLlama, SmolLM2, many others. Sources:
//! `modeling_llama.py` and `configuration_llama.py` of transformers 5.24, and the pages of the
//! models on the Hugging Face hub.

use serde_json::{Value, json};

use super::llama_like::{self, LLAMA};
use super::{Family, ModelType};
use crate::ModelConfig;
use crate::config::ConfigFile;

/// The family.
pub(super) struct Llama;

impl Family for Llama {
    fn name(&self) -> &'static str {
        "Llama"
    }

    fn model_types(&self) -> &'static [ModelType] {
        const { &[ModelType::whole("llama")] }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        llama_like::KEYS
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let mut config = llama_like::config("llama", file, &LLAMA)?;
        llama_like::add_biases(&mut config, &file.keys)?;
        Ok(config)
    }

    /// Also that of files of Mistral, which don't say so.
    fn architecture(&self) -> Option<&'static str> {
        Some("llama")
    }

    fn class(&self) -> &'static str {
        "LlamaForCausalLM"
    }

    fn gguf_interleaves_heads(&self) -> bool {
        true
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["llama", "gpt2"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Llama"
    }

    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("bos_token", "<s>"),
            ("eos_token", "</s>"),
            ("unk_token", "<unk>"),
        ]
    }

    fn gated_owner(&self) -> Option<&'static str> {
        Some("meta-llama")
    }

    fn published(&self) -> &'static [&'static str] {
        &[
            "Llama-3.1-8B-Instruct",
            "Llama-3.1-70B-Instruct",
            "SmolLM2-135M-Instruct",
        ]
    }

    fn published_config(&self, name: &str) -> Option<Value> {
        Some(match name {
            "Llama-3.1-8B-Instruct" => llama3(32, [4096, 14_336], [32, 8]),
            "Llama-3.1-70B-Instruct" => llama3(80, [8192, 28_672], [64, 8]),
            "SmolLM2-135M-Instruct" => smollm2(30, [576, 1536], [9, 3]),
            _ => return None,
        })
    }
}

fn llama3(layers: usize, sizes: [usize; 2], heads: [usize; 2]) -> Value {
    let own = json!({
        "vocab_size": 128_256,
        "rms_norm_eps": 1e-5,
        "rope_theta": 500_000.0,
        "rope_scaling": {
            "rope_type": "llama3",
            "factor": 8.0,
            "low_freq_factor": 1.0,
            "high_freq_factor": 4.0,
            "original_max_position_embeddings": 8192,
        },
        "max_position_embeddings": 131_072,
        "attention_bias": false,
        "mlp_bias": false,
        "tie_word_embeddings": false,
        "bos_token_id": 128_000,
        "eos_token_id": [128_001, 128_008, 128_009],
    });
    llama_like::published("llama", "LlamaForCausalLM", layers, sizes, heads, own)
}

fn smollm2(layers: usize, sizes: [usize; 2], heads: [usize; 2]) -> Value {
    let own = json!({
        "vocab_size": 49_152,
        "rms_norm_eps": 1e-5,
        "rope_theta": 100_000,
        "rope_scaling": null,
        "rope_interleaved": false,
        "max_position_embeddings": 8192,
        "attention_bias": false,
        "mlp_bias": false,
        "tie_word_embeddings": true,
        "bos_token_id": 1,
        "eos_token_id": 2,
        "pad_token_id": 2,
    });
    llama_like::published("llama", "LlamaForCausalLM", layers, sizes, heads, own)
}
