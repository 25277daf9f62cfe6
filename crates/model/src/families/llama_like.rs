//! What networks that descend from Llama's have in common: norms before attention and feed-forward
//! that multiply by their weight, a gate with SiLU, whole heads that are rotated.

use ::gguf::GgufFile;
use serde_json::{Map, Value, json};

use crate::config::{ConfigFile, Keys, RopeContext, layer_count, rope_of_all_layers};
use crate::gguf::GgufKeys;
use crate::{
    Activation, Biases, KeysAndValues, LayerDescription, LayerNorms, ModelConfig, NormScale, QueryKeyNorms,
};

/// What a configuration class fills in for absent keys.
#[derive(Clone, Copy)]
pub(super) struct Defaults {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    pub layers: usize,
    pub heads: usize,
    /// As many as there are heads of queries, if `None`.
    pub key_value_heads: Option<usize>,
    /// The width divided by the number of heads, if `None`.
    pub head_dim: Option<usize>,
    pub positions: usize,
    pub epsilon: f64,
    pub theta: f64,
    pub tied: bool,
    /// The part of a head that is rotated, in classes that read it.
    pub rotated_part: Option<f64>,
    pub original_positions: Option<usize>,
}

/// `LlamaConfig`
pub(super) const LLAMA: Defaults = Defaults {
    vocab_size: 32_000,
    hidden_size: 4096,
    intermediate_size: 11_008,
    layers: 32,
    heads: 32,
    key_value_heads: None,
    head_dim: None,
    positions: 2048,
    epsilon: 1e-6,
    theta: 1e4,
    tied: false,
    rotated_part: None,
    original_positions: None,
};

/// Keys that are read in the same way by these classes, besides those of every family.
pub(super) const KEYS: &[&str] = &[
    "attention_bias",
    "hidden_act",
    "mlp_bias",
    "original_max_position_embeddings",
];

/// The network with all layers alike: global, rotated, without biases and norms of heads. Families
/// change what differs in theirs.
pub(super) fn config(
    model_type: &'static str,
    file: &ConfigFile,
    defaults: &Defaults,
) -> Result<ModelConfig, String> {
    let keys = &file.keys;
    let hidden_size = keys.count("hidden_size", defaults.hidden_size)?;
    let heads = keys.count("num_attention_heads", defaults.heads)?;
    let head_dim = head_dim(keys, hidden_size, heads, defaults)?;
    let positions = keys.count("max_position_embeddings", defaults.positions)?;
    let rope = RopeContext {
        theta: defaults.theta,
        head_dim,
        positions,
        original: match defaults.original_positions {
            Some(original) => Some(original),
            None => keys.optional_count("original_max_position_embeddings")?,
        },
        part: defaults.rotated_part,
    };
    let layer = LayerDescription {
        num_attention_heads: heads,
        num_key_value_heads: key_value_heads(keys, heads, defaults)?,
        head_dim,
        intermediate_size: keys.count("intermediate_size", defaults.intermediate_size)?,
        window: None,
        rope: Some(0),
        query_key_norms: QueryKeyNorms::None,
        value_norm: false,
        keys_and_values: KeysAndValues::Own,
        biases: Biases::default(),
        norms: LayerNorms::BEFORE,
        scalar: false,
    };
    Ok(ModelConfig {
        model_type,
        vocab_size: keys.count("vocab_size", defaults.vocab_size)?,
        hidden_size,
        layers: vec![layer; layer_count(keys, defaults.layers)?],
        ropes: vec![rope_of_all_layers(keys, rope)?],
        max_position_embeddings: positions,
        rms_norm_eps: keys.number("rms_norm_eps", defaults.epsilon)?,
        norm_scale: NormScale::Weight,
        activation: activation(keys, "hidden_act")?,
        embedding_scale: 1.0,
        query_pre_attn_scalar: head_dim as f64,
        attn_logit_softcapping: None,
        final_logit_softcapping: None,
        own_head: !file.whole.flag("tie_word_embeddings", defaults.tied)?,
        per_layer_inputs: None,
        end_tokens: Vec::new(),
    })
}

fn head_dim(keys: &Keys, hidden: usize, heads: usize, defaults: &Defaults) -> Result<usize, String> {
    if let Some(usual) = defaults.head_dim {
        return keys.count("head_dim", usual);
    }
    match keys.optional_count("head_dim")? {
        Some(size) => Ok(size),
        None => hidden
            .checked_div(heads)
            .ok_or_else(|| "`num_attention_heads` is 0".to_owned()),
    }
}

/// `null` means as many as heads of queries, whatever the class's default.
fn key_value_heads(keys: &Keys, heads: usize, defaults: &Defaults) -> Result<usize, String> {
    const KEY: &str = "num_key_value_heads";
    match keys.optional_count(KEY)? {
        Some(groups) => Ok(groups),
        None if keys.has(KEY) => Ok(heads),
        None => Ok(defaults.key_value_heads.unwrap_or(heads)),
    }
}

/// The function of the gate.
pub(super) fn activation(keys: &Keys, key: &str) -> Result<Activation, String> {
    match keys.text(key)? {
        None | Some("silu" | "swish") => Ok(Activation::Silu),
        Some("gelu_pytorch_tanh" | "gelu_new" | "gelu_fast") => Ok(Activation::GeluTanh),
        Some(other) => Err(format!(
            "`{key}` \"{other}\" is not supported; Roleswap computes \"silu\" and \"gelu_pytorch_tanh\""
        )),
    }
}

/// The same biases in all layers, as `attention_bias` and `mlp_bias` say.
pub(super) fn add_biases(config: &mut ModelConfig, keys: &Keys) -> Result<(), String> {
    let attention = keys.flag("attention_bias", false)?;
    let biases = Biases {
        query_key_value: attention,
        attention_output: attention,
        feed_forward: keys.flag("mlp_bias", false)?,
    };
    for layer in &mut config.layers {
        layer.biases = biases;
    }
    Ok(())
}

/// The keys that [`gguf_config`] reads.
pub(super) const GGUF_KEYS: &[&str] = &[
    "rope.freq_base",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
];

/// What a GGUF file says about such a network.
pub(super) fn gguf_config(file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    set(
        "rms_norm_eps",
        keys.number("attention.layer_norm_rms_epsilon")?.into(),
    );
    // llama.cpp's own default.
    set(
        "rope_theta",
        keys.optional_number("rope.freq_base")?.unwrap_or(1e4).into(),
    );
    set("hidden_act", "silu".into());
    let biased = |part: &str| file.tensor(&format!("blk.0.{part}.bias")).is_some();
    set(
        "attention_bias",
        (biased("attn_q") && biased("attn_output")).into(),
    );
    set("mlp_bias", biased("ffn_down").into());
    set("rope_scaling", keys.rope_scaling()?);
    Ok(config)
}

/// Names of the tensors of a layer that only some of these networks have.
pub(super) fn gguf_tensor_in_layer(part: &str) -> Option<&'static str> {
    match part {
        "ffn_norm" => LayerNorms::BEFORE.feed_forward_input,
        _ => None,
    }
}

/// The keys of a published `config.json`, with what all of these have.
pub(super) fn published(
    model_type: &str,
    class: &str,
    layers: usize,
    [hidden, inner]: [usize; 2],
    [heads, groups]: [usize; 2],
    own: Value,
) -> Value {
    let mut config = json!({
        "architectures": [class],
        "model_type": model_type,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "hidden_act": "silu",
        "torch_dtype": "bfloat16",
    });
    if let (Some(config), Value::Object(own)) = (config.as_object_mut(), own) {
        config.extend(own);
    }
    config
}
