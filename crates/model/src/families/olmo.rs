//! OLMo 2 and 3 by Ai2: Llama's network with norms of what layers add instead of what they read, and
//! norms over the whole width of queries and of keys; in OLMo 3, three of four layers have a window.
//! Sources: `modeling_olmo2.py`, `modeling_olmo3.py` and their configurations in transformers 5.24.

use super::llama_like::{self, Defaults, LLAMA};
use super::{Family, ModelType};
use crate::config::{ConfigFile, RopeContext, listed_windows, ropes_by_kind};
use crate::{LayerNorms, ModelConfig, QueryKeyNorms, Rope};

/// A generation of OLMo.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Olmo {
    Two,
    Three,
}

/// `Olmo2Config`
const DEFAULTS: Defaults = Defaults {
    vocab_size: 50_304,
    epsilon: 1e-5,
    ..LLAMA
};

impl Family for Olmo {
    fn name(&self) -> &'static str {
        match self {
            Olmo::Two => "OLMo 2",
            Olmo::Three => "OLMo 3",
        }
    }

    fn model_types(&self) -> &'static [ModelType] {
        match self {
            Olmo::Two => const { &[ModelType::whole("olmo2")] },
            Olmo::Three => const { &[ModelType::whole("olmo3")] },
        }
    }

    fn config_keys(&self) -> &'static [&'static str] {
        match self {
            Olmo::Two => &["attention_bias", "hidden_act", "original_max_position_embeddings"],
            Olmo::Three => &[
                "attention_bias",
                "hidden_act",
                "layer_types",
                "original_max_position_embeddings",
                "sliding_window",
            ],
        }
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        let mut config = match self {
            Olmo::Two => llama_like::config("olmo2", file, &DEFAULTS)?,
            Olmo::Three => third(file)?,
        };
        llama_like::add_biases(&mut config, &file.keys)?;
        for layer in &mut config.layers {
            layer.norms = LayerNorms::AFTER;
            layer.query_key_norms = QueryKeyNorms::OfWidth;
        }
        Ok(config)
    }

    fn architecture(&self) -> Option<&'static str> {
        match self {
            Olmo::Two => Some("olmo2"),
            Olmo::Three => None,
        }
    }

    fn class(&self) -> &'static str {
        match self {
            Olmo::Two => "Olmo2ForCausalLM",
            Olmo::Three => "Olmo3ForCausalLM",
        }
    }

    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        match part {
            "post_attention_norm" => LayerNorms::AFTER.attention_output,
            "post_ffw_norm" => LayerNorms::AFTER.feed_forward_output,
            "attn_q_norm" => Some("self_attn.q_norm"),
            "attn_k_norm" => Some("self_attn.k_norm"),
            _ => None,
        }
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["gpt2"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "GPT2"
    }

    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("bos_token", "<|endoftext|>"),
            ("eos_token", "<|endoftext|>"),
            ("unk_token", "<|endoftext|>"),
        ]
    }
}

/// The windows of three in four layers, and a rotary embedding for each kind: a scaling is of the
/// global layers alone.
fn third(file: &ConfigFile) -> Result<ModelConfig, String> {
    const THETA: f64 = 500_000.0;
    let keys = &file.keys;
    let mut config = llama_like::config(
        "olmo3",
        &file.without(&["rope_scaling", "rope_parameters"]),
        &DEFAULTS,
    )?;
    let context = RopeContext {
        theta: THETA,
        head_dim: config.layers.first().map_or(2, |layer| layer.head_dim),
        positions: config.max_position_embeddings,
        original: None,
        part: None,
    };
    // The class takes the key out as it reads it for the global layers, so that sliding ones never
    // see it.
    let sliding = RopeContext {
        theta: THETA,
        ..context
    };
    config.ropes = ropes_by_kind(keys, [("rope_theta", context), ("", sliding)])
        .map(<[Rope; 2]>::from)
        .map(Vec::from)?;
    let count = config.layers.len();
    let listed = listed_windows(keys, count)?;
    let slides = listed.unwrap_or_else(|| (1..=count).map(|layer| !layer.is_multiple_of(4)).collect());
    let window = match keys.has("sliding_window") {
        true => keys.optional_count("sliding_window")?,
        false => Some(4096),
    };
    for (layer, slides) in config.layers.iter_mut().zip(slides) {
        layer.rope = Some(usize::from(slides));
        layer.window = if slides { window } else { None };
    }
    Ok(config)
}
