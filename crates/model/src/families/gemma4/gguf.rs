//! What GGUF files of the architecture `gemma4` say about the network: conversion/gemma.py writes
//! them and src/models/gemma4.cpp reads them, in <https://github.com/ggml-org/llama.cpp>.

use ::gguf::GgufFile;
use serde_json::{Map, Value, json};

use crate::gguf::{GgufKeys, part_of};

pub(super) const KEYS: &[&str] = &[
    "attention.key_length_swa",
    "attention.shared_kv_layers",
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attention.value_length_swa",
    "embedding_length_per_layer_input",
    "final_logit_softcapping",
    "rope.dimension_count_swa",
    "rope.freq_base",
    "rope.freq_base_swa",
];

/// A factor from which on a pair of dimensions counts as not turned; the converter writes 1e30.
const NEVER_TURNS: f32 = 1e20;

/// What a tensor of a layer is called in a Hugging Face checkpoint, besides norms.
pub(super) fn tensor_in_layer(part: &str) -> Option<&'static str> {
    Some(match part {
        "attn_q_norm" => "self_attn.q_norm",
        "attn_k_norm" => "self_attn.k_norm",
        "inp_gate" => "per_layer_input_gate",
        "proj" => "per_layer_projection",
        "post_norm" => "post_per_layer_input_norm",
        "layer_output_scale" => "layer_scalar",
        _ => return None,
    })
}

/// The same for tensors outside of layers.
pub(super) fn tensor_outside(part: &str) -> Option<&'static str> {
    Some(match part {
        "per_layer_token_embd" => "embed_tokens_per_layer",
        "per_layer_model_proj" => "per_layer_model_projection",
        "per_layer_proj_norm" => "per_layer_projection_norm",
        _ => return None,
    })
}

/// The sizes of layers: those of sliding and of global ones.
pub(super) fn layer_sizes(keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
    let layers = Layers::read(keys)?;
    let mut sizes = Map::new();
    let mut set = |key: &str, value: Value| sizes.insert(key.to_owned(), value);
    set("head_dim", layers.sliding_head_dim()?.into());
    set("global_head_dim", keys.count("attention.key_length")?.into());
    let groups = keys.counts("attention.head_count_kv", layers.slides.len())?;
    let of_sliding = layers.common("attention.head_count_kv", &groups, true)?;
    let of_global = layers.common("attention.head_count_kv", &groups, false)?;
    set("num_key_value_heads", of_sliding.or(of_global).into());
    set("num_global_key_value_heads", of_global.into());
    let (inner, double) = layers.feed_forward()?;
    set("intermediate_size", inner.into());
    set("use_double_wide_mlp", double.into());
    Ok(sizes)
}

pub(super) fn config(file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
    refuse_experts(keys)?;
    let layers = Layers::read(keys)?;
    let mut config = Map::new();
    let mut set = |key: &str, value: Value| config.insert(key.to_owned(), value);
    set(
        "rms_norm_eps",
        keys.number("attention.layer_norm_rms_epsilon")?.into(),
    );
    set("hidden_activation", "gelu_pytorch_tanh".into());
    set("attention_bias", false.into());
    set("attention_k_eq_v", layers.values_are_keys(file)?.into());
    set("num_kv_shared_layers", layers.shared.into());
    set("sliding_window", keys.count("attention.sliding_window")?.into());
    let kind = |slides: &bool| match slides {
        true => "sliding_attention",
        false => "full_attention",
    };
    set("layer_types", layers.slides.iter().map(kind).collect());
    set("rope_parameters", rope_parameters(keys)?);
    // 0 says that there is none.
    let cap = keys.optional_number("final_logit_softcapping")?;
    set("final_logit_softcapping", json!(cap.filter(|cap| *cap != 0.0)));
    let size = keys.count("embedding_length_per_layer_input")?;
    set("hidden_size_per_layer_input", size.into());
    let table = file.tensor("per_layer_token_embd.weight");
    if let Some(rows) = table.and_then(|table| table.shape.first()) {
        set("vocab_size_per_layer_input", (*rows).into());
    }
    Ok(config)
}

fn refuse_experts(keys: &GgufKeys<'_>) -> Result<(), String> {
    match keys.optional_count("expert_count")? {
        None | Some(0) => Ok(()),
        Some(count) => Err(format!(
            "`{}` is {count}: the file holds a mixture of experts, and Roleswap does not compute their router; use a dense \
             Gemma 4",
            keys.key("expert_count")
        )),
    }
}

/// Both rotary embeddings. Global layers turn only the first pairs of a head: the file divides the
/// frequencies of the others by a number that leaves nothing of them.
fn rope_parameters(keys: &GgufKeys<'_>) -> Result<Value, String> {
    const FACTORS: &str = "rope_freqs.weight";
    if keys.linear_rope_factor(None)?.is_some() {
        return Err(format!(
            "`{}` is not supported, since Gemma 4 scales no positions; get the model as it was before its context was stretched",
            keys.key("rope.scaling.factor")
        ));
    }
    let head_dim = keys.count("attention.key_length")?;
    let factors = (keys.numbers)(FACTORS)?.ok_or_else(|| {
        format!(
            "tensor `{FACTORS}` is missing, which says what part of a head turns; download the file again"
        )
    })?;
    let turning = factors.iter().take_while(|factor| **factor == 1.0).count();
    let others = factors.get(turning..).unwrap_or_default();
    if factors.len() != head_dim / 2 || turning == 0 || others.iter().any(|factor| *factor < NEVER_TURNS) {
        return Err(format!(
            "tensor `{FACTORS}` does more than to leave the last pairs of a head of {head_dim} unturned, and Roleswap \
             does not compute that for Gemma 4; get another conversion of the model"
        ));
    }
    Ok(json!({
        "full_attention": {
            "rope_type": "proportional",
            "partial_rotary_factor": part_of(2 * turning, head_dim),
            "rope_theta": keys.number("rope.freq_base")?,
        },
        "sliding_attention": {"rope_type": "default", "rope_theta": keys.number("rope.freq_base_swa")?},
    }))
}

/// Which layers there are.
struct Layers<'a> {
    keys: &'a GgufKeys<'a>,
    slides: Vec<bool>,
    /// How many of the last ones use keys and values of others.
    shared: usize,
}

impl<'a> Layers<'a> {
    fn read(keys: &'a GgufKeys<'a>) -> Result<Self, String> {
        const PATTERN: &str = "attention.sliding_window_pattern";
        if !keys.has(PATTERN) {
            return Err(format!(
                "the metadata lacks `{}`, which says what layers slide; download the file again, or another conversion of the \
                 model",
                keys.key(PATTERN)
            ));
        }
        let slides = keys.sliding_layers(keys.layers()?, 0)?;
        // As transformers reads every configuration.
        if slides.last() == Some(&true) {
            return Err(format!(
                "`{}` says that the last layer slides, and in Gemma 4 it never does; get another conversion of the model",
                keys.key(PATTERN)
            ));
        }
        let shared = keys.optional_count("attention.shared_kv_layers")?.unwrap_or(0);
        Ok(Layers { keys, slides, shared })
    }

    /// The number that all sliding layers, or all global ones, have; `None` if there is no such layer.
    fn common(&self, name: &str, numbers: &[usize], sliding: bool) -> Result<Option<usize>, String> {
        let of_kind = numbers.iter().zip(&self.slides);
        let mut of_kind = of_kind.filter(|(_, slides)| **slides == sliding);
        let first = of_kind.next().map(|(number, _)| *number);
        match of_kind.all(|(number, _)| Some(*number) == first) {
            true => Ok(first),
            false => Err(self.differs(name)),
        }
    }

    fn differs(&self, name: &str) -> String {
        format!(
            "`{}` differs between layers that have the same sizes in Gemma 4; get the model as it was before layers were \
             changed or left out",
            self.keys.key(name)
        )
    }

    /// The size of a sliding layer's head, all of which is rotated.
    fn sliding_head_dim(&self) -> Result<usize, String> {
        const NAME: &str = "attention.key_length_swa";
        let size = self.keys.count(NAME)?;
        for other in ["attention.value_length_swa", "rope.dimension_count_swa"] {
            if self
                .keys
                .optional_count(other)?
                .is_some_and(|other| other != size)
            {
                return Err(format!(
                    "`{}` differs from `{}`, and Roleswap runs models where they are the same; get another conversion of the \
                     model",
                    self.keys.key(other),
                    self.keys.key(NAME)
                ));
            }
        }
        Ok(size)
    }

    /// The width within the feed-forward part, and whether it is twice that in layers without
    /// keys and values of their own.
    fn feed_forward(&self) -> Result<(usize, bool), String> {
        const NAME: &str = "feed_forward_length";
        let widths = self.keys.counts(NAME, self.slides.len())?;
        let (own, others) = widths.split_at(widths.len().saturating_sub(self.shared));
        let width = own.first().copied().ok_or_else(|| self.differs(NAME))?;
        let all =
            |widths: &[usize], expected: Option<usize>| widths.iter().all(|width| Some(*width) == expected);
        let double = !others.is_empty() && all(others, width.checked_mul(2));
        match all(own, Some(width)) && (double || all(others, Some(width))) {
            true => Ok((width, double)),
            false => Err(self.differs(NAME)),
        }
    }

    /// Whether global layers take the product of the keys as values: they have none for values.
    fn values_are_keys(&self, file: &GgufFile) -> Result<bool, String> {
        let own = self.slides.len().saturating_sub(self.shared);
        let global = (0..own).filter(|layer| self.slides.get(*layer) == Some(&false));
        let mut without = global.map(|layer| file.tensor(&format!("blk.{layer}.attn_v.weight")).is_none());
        let first = without.next().unwrap_or(false);
        match without.all(|other| other == first) {
            true => Ok(first),
            false => Err(
                "some global layers have `attn_v.weight` and some have not; get the model as it was before layers were changed"
                    .to_owned(),
            ),
        }
    }
}
