//! Hugging Face's `config.json` in the spellings of three generations.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::{GemmaConfig, LayerDescription, MOST_LAYERS, Rope};
use crate::{Error, Result};

impl GemmaConfig {
    /// Reads `config.json` and, where there is one, `generation_config.json`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let mut config =
            Self::from_json(&json_file(&path)?).map_err(|message| Error::file(&path, message))?;
        let generation = folder.join("generation_config.json");
        if generation.exists() {
            let ids =
                end_tokens(&json_file(&generation)?).map_err(|message| Error::file(&generation, message))?;
            if !ids.is_empty() {
                config.end_tokens = ids;
            }
        }
        config
            .check_end_tokens()
            .map_err(|message| Error::file(&path, message))?;
        Ok(config)
    }

    /// The same from the parsed `config.json`; the error names the key.
    ///
    /// Reads `gemma`, `gemma2` and `gemma3_text`, and the text part of `gemma3`. What Hugging Face's classes fill in
    /// for keys that published files leave out is filled in here as well.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let (family, keys) = text_part(value)?;
        let raw: RawConfig =
            serde_json::from_value(Value::Object(keys)).map_err(|error| error.to_string())?;
        raw.refuse_unsupported()?;
        let config = GemmaConfig {
            model_type: family.model_type(),
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            layers: raw.layers(family)?,
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads,
            head_dim: raw.head_dim,
            rms_norm_eps: raw.rms_norm_eps,
            query_pre_attn_scalar: match family {
                Family::Gemma1 => raw.head_dim as f64,
                Family::Gemma2 | Family::Gemma3 => {
                    required(raw.query_pre_attn_scalar, "query_pre_attn_scalar")?
                }
            },
            attn_logit_softcapping: raw.attn_logit_softcapping,
            final_logit_softcapping: raw.final_logit_softcapping,
            end_tokens: end_tokens(value)?,
        };
        config.check().map(|()| config)
    }

    pub(crate) fn check_end_tokens(&self) -> Result<(), String> {
        let foreign = self.end_tokens.iter().find(|id| **id as usize >= self.vocab_size);
        match foreign {
            _ if self.end_tokens.is_empty() => {
                Err("`eos_token_id` is missing, here and in generation_config.json".to_owned())
            }
            Some(id) => Err(format!(
                "the end token {id} lies outside of the vocabulary of {}",
                self.vocab_size
            )),
            None => Ok(()),
        }
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Gemma1,
    Gemma2,
    Gemma3,
}

/// The family, and the keys of the language model with the defaults below them.
fn text_part(value: &Value) -> Result<(Family, Map<String, Value>), String> {
    let model_type = value.get("model_type").and_then(Value::as_str);
    let (family, part) = match model_type {
        Some("gemma") => (Family::Gemma1, value),
        Some("gemma2") => (Family::Gemma2, value),
        Some("gemma3_text") => (Family::Gemma3, value),
        Some("gemma3") => {
            let part = value.get("text_config");
            (Family::Gemma3, part.ok_or("`text_config` is missing")?)
        }
        Some(other) => {
            return Err(format!(
                "model_type \"{other}\" is not supported; Roleswap runs \"gemma\", \"gemma2\", \"gemma3_text\" and the \
                 text part of \"gemma3\""
            ));
        }
        None => return Err("`model_type` is missing; is this the config.json of a Gemma model?".to_owned()),
    };
    let mut keys = family.defaults();
    keys.extend(part.as_object().cloned().unwrap_or_default());
    Ok((family, keys))
}

impl Family {
    fn model_type(self) -> &'static str {
        match self {
            Family::Gemma1 => "gemma",
            Family::Gemma2 => "gemma2",
            Family::Gemma3 => "gemma3_text",
        }
    }

    /// What the classes of Hugging Face transformers (5.24) fill in. The published files of Gemma 1 and 2 hold all
    /// that matters; those of Gemma 3 from 4B on leave out most.
    fn defaults(self) -> Map<String, Value> {
        let defaults = match self {
            Family::Gemma1 | Family::Gemma2 => json!({}),
            Family::Gemma3 => json!({
                "vocab_size": 262_208,
                "num_attention_heads": 8,
                "num_key_value_heads": 4,
                "head_dim": 256,
                "rms_norm_eps": 1e-6,
                "query_pre_attn_scalar": 256,
                "sliding_window": 4096,
            }),
        };
        defaults.as_object().cloned().unwrap_or_default()
    }

    /// Whether a layer slides where the file doesn't list the layers' types.
    fn slides(self, layer: usize, pattern: usize) -> bool {
        match self {
            Family::Gemma1 => false,
            Family::Gemma2 => layer.is_multiple_of(2),
            Family::Gemma3 => !(layer + 1).is_multiple_of(pattern),
        }
    }
}

/// The keys that matter, as the file has them. Keys that only steer training or the Python classes are left alone.
#[derive(Deserialize)]
struct RawConfig {
    vocab_size: usize,
    hidden_size: usize,
    intermediate_size: usize,
    num_hidden_layers: usize,
    num_attention_heads: usize,
    num_key_value_heads: usize,
    head_dim: usize,
    rms_norm_eps: f64,
    query_pre_attn_scalar: Option<f64>,
    sliding_window: Option<usize>,
    sliding_window_pattern: Option<usize>,
    _sliding_window_pattern: Option<usize>,
    layer_types: Option<Vec<String>>,
    attn_logit_softcapping: Option<f64>,
    final_logit_softcapping: Option<f64>,
    rope_theta: Option<f64>,
    rope_local_base_freq: Option<f64>,
    rope_scaling: Option<Value>,
    /// Where newer versions of transformers keep all of the above.
    rope_parameters: Option<Value>,
    hidden_act: Option<String>,
    hidden_activation: Option<String>,
    attention_bias: Option<bool>,
    tie_word_embeddings: Option<bool>,
    use_bidirectional_attention: Option<bool>,
    quantization_config: Option<Value>,
}

impl RawConfig {
    fn refuse_unsupported(&self) -> Result<(), String> {
        // Early files say "gelu" in hidden_act and mean its tanh form, as Gemma was trained: hidden_activation wins.
        let early = self.hidden_act.as_ref().filter(|name| *name != "gelu");
        if let Some(name) = self.hidden_activation.as_ref().or(early)
            && name != "gelu_pytorch_tanh"
        {
            return Err(format!(
                "`hidden_activation` \"{name}\" is not supported; Gemma has \"gelu_pytorch_tanh\""
            ));
        }
        if self.attention_bias == Some(true) {
            return Err("`attention_bias` true is not supported; Gemma has no biases".to_owned());
        }
        if self.tie_word_embeddings == Some(false) {
            return Err(
                "`tie_word_embeddings` false is not supported; Gemma ties its head to the embeddings"
                    .to_owned(),
            );
        }
        if self.use_bidirectional_attention == Some(true) {
            return Err(
                "`use_bidirectional_attention` true is not supported; only models that generate can be run"
                    .to_owned(),
            );
        }
        if self.quantization_config.is_some() {
            return Err(
                "quantized weights (`quantization_config`) are not supported; use the bf16 or f32 checkpoint, or a GGUF file"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn layers(&self, family: Family) -> Result<Vec<LayerDescription>, String> {
        if self.num_hidden_layers > MOST_LAYERS {
            return Err(format!(
                "`num_hidden_layers` is {}, more than the {MOST_LAYERS} possible",
                self.num_hidden_layers
            ));
        }
        let slides = self.sliding_layers(family)?;
        let global_rope = self.rope(
            "full_attention",
            self.rope_theta,
            self.rope_scaling.as_ref(),
            family,
        )?;
        let sliding_rope = match family {
            Family::Gemma1 | Family::Gemma2 => global_rope,
            Family::Gemma3 => {
                let theta = self.rope_local_base_freq.unwrap_or(10_000.0);
                self.rope("sliding_attention", Some(theta), None, family)?
            }
        };
        let describe = |slides: bool| {
            Ok(LayerDescription {
                window: if slides {
                    Some(required(self.sliding_window, "sliding_window")?)
                } else {
                    None
                },
                rope: if slides { sliding_rope } else { global_rope },
                query_key_norms: family == Family::Gemma3,
                output_norms: family != Family::Gemma1,
            })
        };
        slides.into_iter().map(describe).collect()
    }

    /// For each layer, whether its window slides.
    fn sliding_layers(&self, family: Family) -> Result<Vec<bool>, String> {
        let Some(names) = &self.layer_types else {
            let pattern = self
                .sliding_window_pattern
                .or(self._sliding_window_pattern)
                .unwrap_or(6);
            if pattern == 0 {
                return Err("`sliding_window_pattern` is 0".to_owned());
            }
            return Ok((0..self.num_hidden_layers)
                .map(|layer| family.slides(layer, pattern))
                .collect());
        };
        if names.len() != self.num_hidden_layers {
            let (entries, layers) = (names.len(), self.num_hidden_layers);
            return Err(format!("`layer_types` has {entries} entries for {layers} layers"));
        }
        let slides = |name: &String| match name.as_str() {
            "sliding_attention" => Ok(true),
            "full_attention" => Ok(false),
            other => Err(format!(
                "`layer_types`: \"{other}\" is not supported; use sliding_attention or full_attention"
            )),
        };
        names.iter().map(slides).collect()
    }

    /// The rotary embedding of one kind of layer: from `rope_parameters` (all layers', or the kind's own table in it),
    /// or else from the older keys.
    fn rope(
        &self,
        kind: &str,
        theta: Option<f64>,
        scaling: Option<&Value>,
        family: Family,
    ) -> Result<Rope, String> {
        let parameters = self.rope_parameters.as_ref().filter(|value| value.is_object());
        let parameters = parameters.map(|all| all.get(kind).unwrap_or(all));
        let nested = parameters
            .and_then(|table| table.get("rope_theta"))
            .and_then(Value::as_f64);
        let default = (family == Family::Gemma3).then_some(1_000_000.0);
        let theta = required(nested.or(theta).or(default), "rope_theta")?;
        let factor = linear_factor(parameters.or(scaling))?;
        if factor != 1.0 && family != Family::Gemma3 {
            return Err(
                "`rope_scaling` is not supported but for Gemma 3; Gemma 1 and 2 have none".to_owned(),
            );
        }
        Ok(Rope { theta, factor })
    }
}

/// 1 where positions are not scaled.
fn linear_factor(scaling: Option<&Value>) -> Result<f64, String> {
    let Some(scaling) = scaling.filter(|value| !value.is_null()) else {
        return Ok(1.0);
    };
    let kind = scaling.get("rope_type").or_else(|| scaling.get("type"));
    match kind.and_then(Value::as_str) {
        None | Some("default") => Ok(1.0),
        Some("linear") => required(
            scaling.get("factor").and_then(Value::as_f64),
            "rope_scaling.factor",
        ),
        Some(other) => Err(format!(
            "`rope_scaling`: the type \"{other}\" is not supported; Gemma has \"default\" or \"linear\""
        )),
    }
}

/// `eos_token_id` may be a number, a list of numbers, or absent.
fn end_tokens(value: &Value) -> Result<Vec<u32>, String> {
    let wrong = || "`eos_token_id` must be a token id or a list of them".to_owned();
    let id = |value: &Value| {
        value
            .as_u64()
            .and_then(|id| u32::try_from(id).ok())
            .ok_or_else(wrong)
    };
    match value.get("eos_token_id") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) => ids.iter().map(id).collect(),
        Some(single) => Ok(vec![id(single)?]),
    }
}

fn required<T>(value: Option<T>, key: &str) -> Result<T, String> {
    value.ok_or_else(|| format!("`{key}` is missing"))
}

fn json_file(path: &Path) -> Result<Value> {
    let text = fs_err::read_to_string(path)?;
    serde_json::from_str(&text).map_err(|error| Error::file(path, error.to_string()))
}
