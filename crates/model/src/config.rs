use std::path::Path;

use serde::Deserialize;
use serde_json::Value;

use crate::{Error, Result};

/// The shape of a Gemma-2 network, from a Hugging Face `config.json`.
#[derive(Clone, Debug, PartialEq)]
pub struct GemmaConfig {
    pub vocab_size: usize,
    pub hidden_size: usize,
    pub intermediate_size: usize,
    /// One entry a layer: which keys it sees.
    pub layers: Vec<LayerKind>,
    pub num_attention_heads: usize,
    pub num_key_value_heads: usize,
    /// A key of its own: not `hidden_size / num_attention_heads`.
    pub head_dim: usize,
    pub rms_norm_eps: f64,
    pub rope_theta: f64,
    /// Scores are multiplied by this to the power of -0.5 (144, not head_dim = 128, in the 27B model).
    pub query_pre_attn_scalar: f64,
    /// How many keys a sliding layer sees, the token's own included.
    pub sliding_window: usize,
    pub attn_logit_softcapping: Option<f64>,
    pub final_logit_softcapping: Option<f64>,
    /// Generation ends at any of these. `generation_config.json` is asked first, then `config.json`.
    pub end_tokens: Vec<u32>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LayerKind {
    Sliding,
    Global,
}

impl GemmaConfig {
    /// Reads `config.json` and, where there is one, `generation_config.json`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let text = fs_err::read_to_string(&path)?;
        let value: Value =
            serde_json::from_str(&text).map_err(|error| Error::file(&path, error.to_string()))?;
        let mut config = Self::from_json(&value).map_err(|message| Error::file(&path, message))?;
        let generation = folder.join("generation_config.json");
        if generation.exists() {
            let text = fs_err::read_to_string(&generation)?;
            let value: Value =
                serde_json::from_str(&text).map_err(|error| Error::file(&generation, error.to_string()))?;
            let ids = end_tokens(&value).map_err(|message| Error::file(&generation, message))?;
            if !ids.is_empty() {
                config.end_tokens = ids;
            }
        }
        match config
            .end_tokens
            .iter()
            .find(|id| **id as usize >= config.vocab_size)
        {
            _ if config.end_tokens.is_empty() => Err(Error::file(
                &path,
                "`eos_token_id` is missing, here and in generation_config.json",
            )),
            Some(id) => Err(Error::file(
                &path,
                format!(
                    "the end token {id} lies outside of the vocabulary of {}",
                    config.vocab_size
                ),
            )),
            None => Ok(config),
        }
    }

    /// The same from the parsed file; the error names the key.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        match value.get("model_type").and_then(Value::as_str) {
            Some("gemma2") => {}
            Some(other) => {
                return Err(format!(
                    "model_type \"{other}\" is not supported; Roleswap runs \"gemma2\" (Gemma 2: 2B, 9B, 27B)"
                ));
            }
            None => {
                return Err(
                    "`model_type` is missing; is this the config.json of a Gemma 2 model?".to_owned(),
                );
            }
        }
        let raw: RawConfig = serde_json::from_value(value.clone()).map_err(|error| error.to_string())?;
        raw.refuse_unsupported()?;
        let layers = raw.layer_kinds()?;
        let config = GemmaConfig {
            vocab_size: raw.vocab_size,
            hidden_size: raw.hidden_size,
            intermediate_size: raw.intermediate_size,
            layers,
            num_attention_heads: raw.num_attention_heads,
            num_key_value_heads: raw.num_key_value_heads,
            head_dim: raw.head_dim,
            rms_norm_eps: raw.rms_norm_eps,
            rope_theta: raw.rope_theta()?,
            query_pre_attn_scalar: raw.query_pre_attn_scalar,
            sliding_window: raw.sliding_window,
            attn_logit_softcapping: raw.attn_logit_softcapping,
            final_logit_softcapping: raw.final_logit_softcapping,
            end_tokens: end_tokens(value)?,
        };
        config.check().map(|()| config)
    }

    fn check(&self) -> Result<(), String> {
        let sizes = [
            ("vocab_size", self.vocab_size),
            ("hidden_size", self.hidden_size),
            ("intermediate_size", self.intermediate_size),
            ("num_hidden_layers", self.layers.len()),
            ("num_attention_heads", self.num_attention_heads),
            ("num_key_value_heads", self.num_key_value_heads),
            ("head_dim", self.head_dim),
            ("sliding_window", self.sliding_window),
        ];
        if let Some((key, _)) = sizes.iter().find(|(_, size)| *size == 0) {
            return Err(format!("`{key}` is 0"));
        }
        if !self.num_attention_heads.is_multiple_of(self.num_key_value_heads) {
            let (heads, groups) = (self.num_attention_heads, self.num_key_value_heads);
            return Err(format!(
                "`num_attention_heads` ({heads}) must be a multiple of `num_key_value_heads` ({groups})"
            ));
        }
        if !self.head_dim.is_multiple_of(2) {
            return Err(format!(
                "`head_dim` ({}) must be even, since rotary embeddings turn pairs",
                self.head_dim
            ));
        }
        let positive = [
            ("rms_norm_eps", Some(self.rms_norm_eps)),
            ("rope_theta", Some(self.rope_theta)),
            ("query_pre_attn_scalar", Some(self.query_pre_attn_scalar)),
            ("attn_logit_softcapping", self.attn_logit_softcapping),
            ("final_logit_softcapping", self.final_logit_softcapping),
        ];
        match positive
            .iter()
            .find(|(_, number)| number.is_some_and(|n| !(n > 0.0 && n.is_finite())))
        {
            Some((key, _)) => Err(format!("`{key}` must be a number above 0")),
            None => Ok(()),
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
    query_pre_attn_scalar: f64,
    sliding_window: usize,
    attn_logit_softcapping: Option<f64>,
    final_logit_softcapping: Option<f64>,
    rope_theta: Option<f64>,
    rope_scaling: Option<Value>,
    /// Where newer versions of transformers keep `rope_theta`.
    rope_parameters: Option<Value>,
    layer_types: Option<Vec<String>>,
    hidden_act: Option<String>,
    hidden_activation: Option<String>,
    attention_bias: Option<bool>,
    tie_word_embeddings: Option<bool>,
    quantization_config: Option<Value>,
}

impl RawConfig {
    fn refuse_unsupported(&self) -> Result<(), String> {
        // Early files say "gelu" in hidden_act and mean its tanh form: hidden_activation wins.
        let activation = self.hidden_activation.as_ref().or(self.hidden_act.as_ref());
        if let Some(name) = activation.filter(|name| *name != "gelu_pytorch_tanh") {
            return Err(format!(
                "`hidden_activation` \"{name}\" is not supported; Gemma 2 has \"gelu_pytorch_tanh\""
            ));
        }
        if self.attention_bias == Some(true) {
            return Err("`attention_bias` true is not supported; Gemma 2 has no biases".to_owned());
        }
        if self.tie_word_embeddings == Some(false) {
            return Err(
                "`tie_word_embeddings` false is not supported; Gemma 2 ties its head to the embeddings"
                    .to_owned(),
            );
        }
        if self.rope_scaling.as_ref().is_some_and(|value| !value.is_null()) {
            return Err("`rope_scaling` is not supported; Gemma 2 has none".to_owned());
        }
        if self.quantization_config.is_some() {
            return Err(
                "quantized weights (`quantization_config`) are not supported; use the bf16 or f32 checkpoint"
                    .to_owned(),
            );
        }
        Ok(())
    }

    fn rope_theta(&self) -> Result<f64, String> {
        let parameters = self.rope_parameters.as_ref();
        if let Some(kind) = parameters
            .and_then(|value| value.get("rope_type"))
            .and_then(Value::as_str)
            && kind != "default"
        {
            return Err(format!(
                "`rope_parameters.rope_type` \"{kind}\" is not supported; Gemma 2 has \"default\""
            ));
        }
        let nested = parameters
            .and_then(|value| value.get("rope_theta"))
            .and_then(Value::as_f64);
        self.rope_theta
            .or(nested)
            .ok_or_else(|| "`rope_theta` is missing".to_owned())
    }

    fn layer_kinds(&self) -> Result<Vec<LayerKind>, String> {
        let Some(names) = &self.layer_types else {
            let kind = |layer: usize| {
                if layer.is_multiple_of(2) {
                    LayerKind::Sliding
                } else {
                    LayerKind::Global
                }
            };
            return Ok((0..self.num_hidden_layers).map(kind).collect());
        };
        if names.len() != self.num_hidden_layers {
            let (entries, layers) = (names.len(), self.num_hidden_layers);
            return Err(format!("`layer_types` has {entries} entries for {layers} layers"));
        }
        let kind = |name: &String| match name.as_str() {
            "sliding_attention" => Ok(LayerKind::Sliding),
            "full_attention" => Ok(LayerKind::Global),
            other => Err(format!(
                "`layer_types`: \"{other}\" is not supported; use sliding_attention or full_attention"
            )),
        };
        names.iter().map(kind).collect()
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
