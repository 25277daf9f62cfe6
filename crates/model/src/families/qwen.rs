//! Qwen 2, 2.5 and 3 by Alibaba, the dense ones: Llama's network with biases of queries, keys and
//! values (2), or with norms of each head of queries and keys (3). Sources: `modeling_qwen2.py`,
//! `modeling_qwen3.py` and their configurations in transformers 5.24.

use serde_json::{Value, json};

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::config::{ConfigFile, Keys, listed_windows};
use crate::{Biases, ModelConfig, QueryKeyNorms};

/// A generation of Qwen.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Qwen {
    Two,
    Three,
}

/// `Qwen2Config`
const DEFAULTS_OF_TWO: Defaults = Defaults {
    vocab_size: 151_936,
    intermediate_size: 22_016,
    key_value_heads: Some(32),
    positions: 32_768,
    ..LLAMA
};

/// `Qwen3Config`
const DEFAULTS_OF_THREE: Defaults = Defaults {
    head_dim: Some(128),
    ..DEFAULTS_OF_TWO
};

impl Family for Qwen {
    fn name(&self) -> &'static str {
        match self {
            Qwen::Two => "Qwen 2",
            Qwen::Three => "Qwen 3",
        }
    }

    fn model_types(&self) -> &'static [ModelType] {
        match self {
            Qwen::Two => const { &[ModelType::whole("qwen2")] },
            Qwen::Three => const { &[ModelType::whole("qwen3")] },
        }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        const WINDOWS: [&str; 6] = [
            "hidden_act",
            "layer_types",
            "max_window_layers",
            "original_max_position_embeddings",
            "sliding_window",
            "use_sliding_window",
        ];
        const WITH_BIASES: [&str; 7] = [
            "attention_bias",
            WINDOWS[0],
            WINDOWS[1],
            WINDOWS[2],
            WINDOWS[3],
            WINDOWS[4],
            WINDOWS[5],
        ];
        match self {
            Qwen::Two => &WINDOWS,
            Qwen::Three => &WITH_BIASES,
        }
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let mut config = match self {
            Qwen::Two => llama_like::config("qwen2", file, &DEFAULTS_OF_TWO)?,
            Qwen::Three => llama_like::config("qwen3", file, &DEFAULTS_OF_THREE)?,
        };
        let windows = windows(&file.keys, config.layers.len())?;
        if *self == Qwen::Three {
            llama_like::add_biases(&mut config, &file.keys)?;
        }
        for (layer, window) in config.layers.iter_mut().zip(windows) {
            layer.window = window;
            match self {
                Qwen::Two => {
                    layer.biases = Biases {
                        query_key_value: true,
                        ..Biases::default()
                    }
                }
                Qwen::Three => layer.query_key_norms = QueryKeyNorms::OfHeads,
            }
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some(match self {
            Qwen::Two => "qwen2",
            Qwen::Three => "qwen3",
        })
    }

    fn class(&self) -> &'static str {
        match self {
            Qwen::Two => "Qwen2ForCausalLM",
            Qwen::Three => "Qwen3ForCausalLM",
        }
    }

    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        match (self, part) {
            (Qwen::Three, "attn_q_norm") => Some("self_attn.q_norm"),
            (Qwen::Three, "attn_k_norm") => Some("self_attn.k_norm"),
            _ => llama_like::gguf_tensor_in_layer(part),
        }
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Qwen2"
    }

    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("eos_token", "<|endoftext|>"),
            ("pad_token", "<|endoftext|>"),
            ("unk_token", "<|endoftext|>"),
        ]
    }

    fn end_tokens(&self) -> &'static [&'static str] {
        &["<|im_end|>", "<|endoftext|>"]
    }

    fn published(&self) -> &'static [&'static str] {
        match self {
            Qwen::Two => &["Qwen2.5-7B-Instruct"],
            Qwen::Three => &["Qwen3-8B", "Qwen3-32B"],
        }
    }

    fn published_config(&self, name: &str) -> Option<Value> {
        let (layers, sizes, heads) = match (self, name) {
            (Qwen::Two, "Qwen2.5-7B-Instruct") => (28, [3584, 18_944], [28, 4]),
            (Qwen::Three, "Qwen3-8B") => (36, [4096, 12_288], [32, 8]),
            (Qwen::Three, "Qwen3-32B") => (64, [5120, 25_600], [64, 8]),
            _ => return None,
        };
        let mut own = json!({
            "vocab_size": if *self == Qwen::Two { 152_064 } else { 151_936 },
            "rms_norm_eps": 1e-6,
            "rope_theta": 1_000_000.0,
            "max_position_embeddings": if *self == Qwen::Two { 32_768 } else { 40_960 },
            "use_sliding_window": false,
            "tie_word_embeddings": false,
            "bos_token_id": 151_643,
            "eos_token_id": 151_645,
        });
        if *self == Qwen::Three {
            own["head_dim"] = 128.into();
            own["attention_bias"] = false.into();
        }
        Some(llama_like::published(
            self.model_types()[0].name,
            self.class(),
            layers,
            sizes,
            heads,
            own,
        ))
    }
}

/// The windows of the layers: listed, or from `max_window_layers` on; only if they are used at all.
fn windows(keys: &Keys, count: usize) -> Result<Vec<Option<usize>>, String> {
    let window = match keys.flag("use_sliding_window", false)? {
        true if keys.has("sliding_window") => keys.optional_count("sliding_window")?,
        true => Some(4096),
        false => None,
    };
    let first = keys.count("max_window_layers", 28)?;
    let slides = match listed_windows(keys, count)? {
        Some(slides) => slides,
        None => (0..count)
            .map(|layer| window.is_some() && layer >= first)
            .collect(),
    };
    if window.is_none() && slides.contains(&true) {
        return Err(
            "`layer_types` has sliding layers, but there is no window; set `use_sliding_window` and `sliding_window`, or make \
             them full_attention"
                .to_owned(),
        );
    }
    let of_layer = |slides| if slides { window } else { None };
    Ok(slides.into_iter().map(of_layer).collect())
}
