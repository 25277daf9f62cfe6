use std::fmt;

use ::gguf::{GgufFile, Metadata, Value};
use serde_json::{Value as Json, json};

use super::present;
use crate::config::MOST_LAYERS;

/// The architectures that can be read, by the names of `general.architecture`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    Gemma,
    Gemma2,
    Gemma3,
}

impl Architecture {
    pub fn read(metadata: &Metadata) -> Result<Self, String> {
        const KEY: &str = "general.architecture";
        match present(KEY, metadata.text(KEY)?)? {
            "gemma" => Ok(Architecture::Gemma),
            "gemma2" => Ok(Architecture::Gemma2),
            "gemma3" => Ok(Architecture::Gemma3),
            other => Err(format!(
                "the file holds a model of the architecture \"{other}\"; Roleswap reads gemma, gemma2 and gemma3"
            )),
        }
    }

    /// `model_type` and `architectures` of the config.json.
    fn hugging_face(self) -> (&'static str, &'static str) {
        match self {
            Architecture::Gemma => ("gemma", "GemmaForCausalLM"),
            Architecture::Gemma2 => ("gemma2", "Gemma2ForCausalLM"),
            Architecture::Gemma3 => ("gemma3_text", "Gemma3ForCausalLM"),
        }
    }

    /// The layers of the 27B model, if there is one.
    fn layers_of_27b(self) -> Option<usize> {
        match self {
            Architecture::Gemma => None,
            Architecture::Gemma2 => Some(46),
            Architecture::Gemma3 => Some(62),
        }
    }
}

impl fmt::Display for Architecture {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Architecture::Gemma => "gemma",
            Architecture::Gemma2 => "gemma2",
            Architecture::Gemma3 => "gemma3",
        })
    }
}

/// The metadata under the keys of a Hugging Face config.json (`model_type` "gemma", "gemma2" or "gemma3_text").
///
/// What the file leaves out is filled in as llama.cpp does for the architecture (src/models/gemma*.cpp there): see
/// the functions below. Errors name the missing or unusable key.
pub fn config_json(file: &GgufFile) -> Result<Json, String> {
    let architecture = Architecture::read(file.metadata())?;
    let keys = Keys {
        metadata: file.metadata(),
        architecture,
    };
    let (model_type, class) = architecture.hugging_face();
    let mut config = json!({
        "architectures": [class],
        "model_type": model_type,
        "vocab_size": vocab_size(file)?,
        "hidden_size": keys.count("embedding_length")?,
        "intermediate_size": keys.count("feed_forward_length")?,
        "num_hidden_layers": keys.layers()?,
        "num_attention_heads": keys.count("attention.head_count")?,
        "num_key_value_heads": keys.key_value_heads()?,
        "head_dim": keys.count("attention.key_length")?,
        "max_position_embeddings": keys.count("context_length")?,
        "rms_norm_eps": keys.number("attention.layer_norm_rms_epsilon")?,
        "rope_theta": keys.rope_theta()?,
        "rope_scaling": keys.rope_scaling()?,
        "hidden_activation": "gelu_pytorch_tanh",
        "attention_bias": false,
        "tie_word_embeddings": file.tensor("output.weight").is_none(),
        "bos_token_id": file.metadata().count("tokenizer.ggml.bos_token_id")?,
        "eos_token_id": end_tokens(file.metadata())?,
        "pad_token_id": file.metadata().count("tokenizer.ggml.padding_token_id")?,
    });
    if architecture != Architecture::Gemma {
        keys.add_windows(&mut config)?;
        config["query_pre_attn_scalar"] = keys.query_scalar()?.into();
        config["attn_logit_softcapping"] = keys.softcapping("attn_logit_softcapping", 50.0)?;
        config["final_logit_softcapping"] = keys.softcapping("final_logit_softcapping", 30.0)?;
    }
    Ok(config)
}

/// The rows of the embedding, which may be more than the tokens that have a text, or, without that tensor, the
/// number of tokens.
fn vocab_size(file: &GgufFile) -> Result<usize, String> {
    const TOKENS: &str = "tokenizer.ggml.tokens";
    let tokens = present(TOKENS, file.metadata().list(TOKENS)?)?.len();
    let rows = file
        .tensor("token_embd.weight")
        .and_then(|tensor| tensor.shape.first());
    match rows {
        Some(rows) if *rows < tokens => Err(format!(
            "tensor `token_embd.weight` has {rows} rows, but `{TOKENS}` has {tokens} tokens; download the file again"
        )),
        Some(rows) => Ok(*rows),
        None => Ok(tokens),
    }
}

/// Where generation ends: at the end of the text, and at the end of a turn. Files of chat models name the latter
/// or not, so `<end_of_turn>` is looked up too.
fn end_tokens(metadata: &Metadata) -> Result<Vec<usize>, String> {
    let end_of_turn = metadata.list("tokenizer.ggml.tokens")?.and_then(|tokens| {
        let wanted = Some("<end_of_turn>");
        tokens.iter().position(|token| token.as_text() == wanted)
    });
    let named = [
        metadata.count("tokenizer.ggml.eos_token_id")?,
        metadata.count("tokenizer.ggml.eot_token_id")?,
        end_of_turn,
    ];
    let mut ids = Vec::new();
    for id in named.into_iter().flatten() {
        if !ids.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

/// The keys of an architecture, whose names begin with it: `gemma3.block_count`.
struct Keys<'a> {
    metadata: &'a Metadata,
    architecture: Architecture,
}

impl Keys<'_> {
    fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    fn count(&self, name: &str) -> Result<usize, String> {
        let key = self.key(name);
        present(&key, self.metadata.count(&key)?)
    }

    fn optional_count(&self, name: &str) -> Result<Option<usize>, String> {
        self.metadata.count(&self.key(name))
    }

    fn number(&self, name: &str) -> Result<f64, String> {
        let key = self.key(name);
        present(&key, self.metadata.number(&key)?)
    }

    fn optional_number(&self, name: &str) -> Result<Option<f64>, String> {
        self.metadata.number(&self.key(name))
    }

    /// Bounded, since a broken file must not make the lists of layers huge.
    fn layers(&self) -> Result<usize, String> {
        match self.count("block_count")? {
            layers if layers > MOST_LAYERS => Err(format!(
                "`{}` is {layers}, more than the {MOST_LAYERS} possible; download the file again",
                self.key("block_count")
            )),
            layers => Ok(layers),
        }
    }

    /// As many as there are query heads, if the file does not say.
    fn key_value_heads(&self) -> Result<usize, String> {
        match self.optional_count("attention.head_count_kv")? {
            Some(heads) => Ok(heads),
            None => self.count("attention.head_count"),
        }
    }

    /// Converters write it for Gemma 3 only; before, it was 10000 in all models.
    fn rope_theta(&self) -> Result<f64, String> {
        match self.architecture {
            Architecture::Gemma | Architecture::Gemma2 => {
                Ok(self.optional_number("rope.freq_base")?.unwrap_or(1e4))
            }
            Architecture::Gemma3 => self.number("rope.freq_base"),
        }
    }

    /// The factor by which positions are divided (4B to 27B of Gemma 3, in their full-attention layers).
    fn rope_scaling(&self) -> Result<Json, String> {
        let factor = match self.optional_number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            // The older name.
            None => self.optional_number("rope.scale_linear")?,
        };
        let kind_key = self.key("rope.scaling.type");
        let kind = self.metadata.text(&kind_key)?;
        match (kind, factor) {
            (Some("none"), _) | (None, None) => Ok(Json::Null),
            (Some("linear") | None, Some(factor)) => Ok(json!({"rope_type": "linear", "factor": factor})),
            (Some("linear"), None) => Err(format!(
                "`{kind_key}` is \"linear\", but `{}` is missing; download the file again",
                self.key("rope.scaling.factor")
            )),
            (Some(other), _) => Err(format!(
                "`{kind_key}` \"{other}\" is not supported; Gemma models have none or \"linear\""
            )),
        }
    }

    /// The window of the sliding layers, which layers slide, and Gemma 3's second rotary base for them.
    fn add_windows(&self, config: &mut Json) -> Result<(), String> {
        let layers = self.layers()?;
        let window = self
            .optional_count("attention.sliding_window")?
            .filter(|size| *size > 0);
        let sliding = if self.architecture == Architecture::Gemma3 {
            let base = self.optional_number("rope.freq_base_swa")?;
            config["rope_local_base_freq"] = base.unwrap_or(1e4).into();
            // A model without a window has full attention in all layers.
            match window {
                Some(_) => self.sliding_layers(layers, 6)?,
                None => vec![false; layers],
            }
        } else {
            self.sliding_layers(layers, 2)?
        };
        let kind = |slides: bool| {
            if slides {
                "sliding_attention"
            } else {
                "full_attention"
            }
        };
        config["layer_types"] = sliding.into_iter().map(kind).collect();
        config["sliding_window"] = match self.architecture {
            Architecture::Gemma2 => json!(window.unwrap_or(4096)),
            _ => json!(window),
        };
        Ok(())
    }

    /// Which layers slide: each but every `period`-th, or as the file lists it. Converters leave it out so far;
    /// llama.cpp reads a period or a list of flags.
    fn sliding_layers(&self, layers: usize, usual: usize) -> Result<Vec<bool>, String> {
        let key = self.key("attention.sliding_window_pattern");
        let wrong =
            || format!("`{key}` must be a number of layers, or true or false for each of {layers} layers");
        let period = match self.metadata.get(&key) {
            None => usual,
            Some(Value::List(flags)) => {
                let flag = |value: &Value| value.as_bool().or_else(|| value.as_count().map(|flag| flag != 0));
                let flags: Option<Vec<bool>> = flags.iter().map(flag).collect();
                return flags.filter(|flags| flags.len() == layers).ok_or_else(wrong);
            }
            Some(value) => value.as_count().ok_or_else(wrong)?,
        };
        // llama.cpp: a period of 0 means that all layers slide.
        Ok((1..=layers)
            .map(|layer| period == 0 || !layer.is_multiple_of(period))
            .collect())
    }

    /// No file has this number. It is the size of a head, but the 27B models, known by their number of layers, have
    /// the width divided by the number of heads (144 in Gemma 2, 168 in Gemma 3).
    fn query_scalar(&self) -> Result<usize, String> {
        if Some(self.layers()?) != self.architecture.layers_of_27b() {
            return self.count("attention.key_length");
        }
        let heads = self.count("attention.head_count")?;
        self.count("embedding_length")?.checked_div(heads).ok_or_else(|| {
            format!(
                "`{}` is 0; download the file again",
                self.key("attention.head_count")
            )
        })
    }

    /// Gemma 2 has both caps, and they are the same in all its models; Gemma 3 has one only if the file says so.
    fn softcapping(&self, name: &str, usual: f64) -> Result<Json, String> {
        let cap = self.optional_number(name)?;
        Ok(match self.architecture {
            Architecture::Gemma2 => json!(cap.unwrap_or(usual)),
            _ => json!(cap),
        })
    }
}
