//! Gemma 1, 2 and 3 by Google.
//!
//! The second generation has norms on what a layer adds to the residual stream, sliding windows and
//! soft caps; the third has norms of queries and keys instead of the caps, and a rotary embedding
//! specific to sliding layers. Sources: `modeling_gemma*.py` and `configuration_gemma*.py` of
//! transformers 5.24, and the pages of the models on the Hugging Face hub.

mod generation;
mod gguf;
mod published;

use ::gguf::GgufFile;
use serde_json::{Map, Value};

use super::{Family, ModelType};
use crate::config::{
    ConfigFile, Keys, RopeContext, layer_count, listed_windows, rope_of_all_layers, ropes_by_kind,
};
use crate::gguf::GgufKeys;
use crate::{
    Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, ModelConfig, NormScale, QueryKeyNorms,
    Rope,
};

pub(super) use generation::Gemma;
pub(super) use published::benchmark_config;

const MODEL_TYPES: [&[ModelType]; 3] = [
    &[ModelType::whole("gemma")],
    &[ModelType::whole("gemma2")],
    &[
        ModelType::whole("gemma3_text"),
        ModelType {
            name: "gemma3",
            part: Some("text_config"),
        },
    ],
];

impl Family for Gemma {
    fn name(&self) -> &'static str {
        match self {
            Gemma::One => "Gemma 1",
            Gemma::Two => "Gemma 2",
            Gemma::Three => "Gemma 3",
        }
    }

    fn model_types(&self) -> &'static [ModelType] {
        MODEL_TYPES[*self as usize]
    }

    fn config_keys(&self) -> &'static [&'static str] {
        &[
            "_sliding_window_pattern",
            "attention_bias",
            "attn_logit_softcapping",
            "final_logit_softcapping",
            "hidden_act",
            "hidden_activation",
            "layer_types",
            "query_pre_attn_scalar",
            "rope_local_base_freq",
            "sliding_window",
            "sliding_window_pattern",
        ]
    }

    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String> {
        config(*self, file)
    }

    fn architecture(&self) -> Option<&'static str> {
        Some(match self {
            Gemma::One => "gemma",
            Gemma::Two => "gemma2",
            Gemma::Three => "gemma3",
        })
    }

    fn class(&self) -> &'static str {
        match self {
            Gemma::One => "GemmaForCausalLM",
            Gemma::Two => "Gemma2ForCausalLM",
            Gemma::Three => "Gemma3ForCausalLM",
        }
    }

    fn gguf_config(&self, file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        gguf::config(*self, file, keys)
    }

    fn gguf_keys(&self) -> &'static [&'static str] {
        match self {
            Gemma::One => gguf::KEYS_OF_ALL,
            Gemma::Two => gguf::KEYS_OF_TWO,
            Gemma::Three => gguf::KEYS_OF_THREE,
        }
    }

    fn gguf_other_keys(&self) -> &'static [&'static str] {
        match self {
            Gemma::One | Gemma::Two => &[],
            Gemma::Three => &["vision.", "mm."],
        }
    }

    /// The first generation calls the norm before the feed-forward after what comes before it.
    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        let norms = norms(*self);
        match (self, part) {
            (_, "ffn_norm") => norms.feed_forward_input,
            (_, "post_attention_norm") => norms.attention_output,
            (_, "post_ffw_norm") => norms.feed_forward_output,
            (Gemma::Three, "attn_q_norm") => Some("self_attn.q_norm"),
            (Gemma::Three, "attn_k_norm") => Some("self_attn.k_norm"),
            _ => None,
        }
    }

    fn gguf_is_other_tensor(&self, name: &str) -> bool {
        *self == Gemma::Three && gguf::sees(name)
    }

    /// A norm multiplies by one plus its weight; llama.cpp's converter adds that 1 once for all, to
    /// every norm, so it has to be subtracted again.
    fn gguf_adds_one(&self, name: &str) -> bool {
        name.ends_with("norm.weight")
    }

    fn gguf_tokenizers(&self) -> &'static [&'static str] {
        &["llama", "gemma"]
    }

    fn tokenizer_class(&self) -> &'static str {
        "Gemma"
    }

    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[
            ("bos_token", "<bos>"),
            ("eos_token", "<eos>"),
            ("unk_token", "<unk>"),
            ("pad_token", "<pad>"),
        ]
    }

    fn control_tokens(&self) -> &'static [&'static str] {
        &["<start_of_turn>"]
    }

    fn end_tokens(&self) -> &'static [&'static str] {
        &["<eos>", "<end_of_turn>"]
    }

    fn gated_owner(&self) -> Option<&'static str> {
        Some("google")
    }

    fn published(&self) -> &'static [&'static str] {
        published::names(*self)
    }

    fn published_config(&self, name: &str) -> Option<Value> {
        published::config(*self, name)
    }
}

/// What a configuration class fills in where it differs between the classes.
struct Defaults {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    layers: usize,
    heads: usize,
    key_value_heads: usize,
    positions: usize,
}

/// `GemmaConfig`, `Gemma2Config` and `Gemma3TextConfig`.
fn defaults(generation: Gemma) -> Defaults {
    let second = Defaults {
        vocab_size: 256_000,
        hidden_size: 2304,
        intermediate_size: 9216,
        layers: 26,
        heads: 8,
        key_value_heads: 4,
        positions: 8192,
    };
    match generation {
        Gemma::One => Defaults {
            hidden_size: 3072,
            intermediate_size: 24_576,
            layers: 28,
            heads: 16,
            key_value_heads: 16,
            ..second
        },
        Gemma::Two => second,
        Gemma::Three => Defaults {
            vocab_size: 262_208,
            positions: 131_072,
            ..second
        },
    }
}

fn config(generation: Gemma, file: &ConfigFile) -> Result<ModelConfig, String> {
    let (keys, defaults) = (&file.keys, defaults(generation));
    refuse_unsupported(generation, keys)?;
    let head_dim = keys.count("head_dim", 256)?;
    let hidden_size = keys.count("hidden_size", defaults.hidden_size)?;
    Ok(ModelConfig {
        model_type: MODEL_TYPES[generation as usize][0].name,
        vocab_size: keys.count("vocab_size", defaults.vocab_size)?,
        hidden_size,
        layers: layers(generation, keys, &defaults)?,
        ropes: ropes(generation, keys, &defaults)?,
        max_position_embeddings: keys.count("max_position_embeddings", defaults.positions)?,
        rms_norm_eps: keys.number("rms_norm_eps", 1e-6)?,
        norm_scale: NormScale::OnePlusWeight,
        activation: Activation::GeluTanh,
        per_layer_inputs: None,
        embedding_scale: (hidden_size as f64).sqrt(),
        query_pre_attn_scalar: match generation {
            Gemma::One => head_dim as f64,
            Gemma::Two | Gemma::Three => keys.number("query_pre_attn_scalar", 256.0)?,
        },
        attn_logit_softcapping: match generation {
            Gemma::Two => keys.optional_number("attn_logit_softcapping", Some(50.0))?,
            // Their classes don't pass a cap to the attention, whatever the file says.
            Gemma::One | Gemma::Three => None,
        },
        final_logit_softcapping: match generation {
            Gemma::Two => keys.optional_number("final_logit_softcapping", Some(30.0))?,
            Gemma::Three if !file.is_part => keys.optional_number("final_logit_softcapping", None)?,
            Gemma::One | Gemma::Three => None,
        },
        // The class of a multi-part model unties the head where the key is null.
        own_head: !file.whole.flag(
            "tie_word_embeddings",
            !(file.is_part && file.whole.has("tie_word_embeddings")),
        )?,
        end_tokens: Vec::new(),
    })
}

fn refuse_unsupported(generation: Gemma, keys: &Keys) -> Result<(), String> {
    // Each class reads one of the two keys. Files of the first generation say "gelu" but mean its
    // tanh form, as the model was trained.
    let (key, early) = match generation {
        Gemma::One => ("hidden_act", Some("gelu")),
        Gemma::Two | Gemma::Three => ("hidden_activation", None),
    };
    let activation = keys.text(key)?.filter(|name| Some(*name) != early);
    if let Some(name) = activation.filter(|name| *name != "gelu_pytorch_tanh") {
        return Err(format!(
            "`{key}` \"{name}\" is not supported; Gemma has \"gelu_pytorch_tanh\""
        ));
    }
    if keys.flag("attention_bias", false)? {
        return Err("`attention_bias` true is not supported; Gemma has no biases".to_owned());
    }
    Ok(())
}

/// The rotary embedding of global layers, and that of sliding ones where it differs.
fn ropes(generation: Gemma, keys: &Keys, defaults: &Defaults) -> Result<Vec<Rope>, String> {
    let context = |theta: f64| -> Result<RopeContext, String> {
        Ok(RopeContext {
            theta,
            head_dim: keys.count("head_dim", 256)?,
            positions: keys.count("max_position_embeddings", defaults.positions)?,
            original: None,
            part: None,
        })
    };
    match generation {
        Gemma::One | Gemma::Two => Ok(vec![rope_of_all_layers(keys, context(1e4)?)?]),
        Gemma::Three => {
            let global = ("rope_theta", context(1e6)?);
            let sliding = ("rope_local_base_freq", context(1e4)?);
            ropes_by_kind(keys, [global, sliding])
                .map(<[Rope; 2]>::from)
                .map(Vec::from)
        }
    }
}

fn layers(generation: Gemma, keys: &Keys, defaults: &Defaults) -> Result<Vec<LayerDescription>, String> {
    let count = layer_count(keys, defaults.layers)?;
    let slides = match generation {
        Gemma::One => None,
        Gemma::Two | Gemma::Three => listed_windows(keys, count)?,
    };
    let pattern = || match keys.count("sliding_window_pattern", 6)? {
        0 => Err("`sliding_window_pattern` is 0".to_owned()),
        pattern => Ok((0..count)
            .map(|layer| slides_unlisted(generation, layer, pattern))
            .collect()),
    };
    let slides: Vec<bool> = slides.map_or_else(pattern, Ok)?;
    let window = || match keys.optional_count("sliding_window")? {
        Some(window) => Ok(window),
        None if keys.has("sliding_window") => {
            Err("`sliding_window` is null, though there are sliding layers; give its size".to_owned())
        }
        None => Ok(4096),
    };
    let third = generation == Gemma::Three;
    let describe = |slides: bool| {
        Ok(LayerDescription {
            num_attention_heads: keys.count("num_attention_heads", defaults.heads)?,
            num_key_value_heads: keys.count("num_key_value_heads", defaults.key_value_heads)?,
            head_dim: keys.count("head_dim", 256)?,
            intermediate_size: keys.count("intermediate_size", defaults.intermediate_size)?,
            window: slides.then(window).transpose()?,
            rope: Some(usize::from(third && slides)),
            query_key_norms: match third {
                true => QueryKeyNorms::OfHeads,
                false => QueryKeyNorms::None,
            },
            value_norm: false,
            keys_and_values: KeysAndValues::Own,
            biases: Biases::default(),
            norms: norms(generation),
            scalar: false,
        })
    };
    slides.into_iter().map(describe).collect()
}

/// Whether a layer slides where the file doesn't list the layers' types.
fn slides_unlisted(generation: Gemma, layer: usize, pattern: usize) -> bool {
    match generation {
        Gemma::One => false,
        Gemma::Two => layer.is_multiple_of(2),
        Gemma::Three => !(layer + 1).is_multiple_of(pattern),
    }
}

fn norms(generation: Gemma) -> LayerNorms {
    match generation {
        Gemma::One => LayerNorms::BEFORE,
        Gemma::Two | Gemma::Three => LayerNorms::AROUND,
    }
}
