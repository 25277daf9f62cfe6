//! Hugging Face's `config.json` in the spellings of three generations.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::Keys;
use super::{GemmaConfig, LayerDescription, MOST_LAYERS, ends, rope};
use crate::text_file::json_file;
use crate::{Error, Result};

impl GemmaConfig {
    /// Reads `config.json` and, where there is one, `generation_config.json`.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let value = json_file(&path)?;
        let mut config = Self::from_json(&value).map_err(|message| Error::file(&path, message))?;
        config.end_tokens = ends::read(folder, &path, &value, config.vocab_size)?;
        Ok(config)
    }

    /// The same from the parsed `config.json`; the error names the key.
    ///
    /// Reads `gemma`, `gemma2` and `gemma3_text`, and the text part of `gemma3`. An absent key means what the
    /// configuration classes of transformers 5.24 make of it (`crates/model/tests/fixtures/configs.json` compares); a key that
    /// changes what the network computes and isn't known is an error.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let TextPart {
            family,
            keys,
            is_tied,
            sees,
        } = text_part(value)?;
        refuse_unsupported(family, &keys)?;
        keys.refuse_unknown()?;
        let defaults = family.defaults();
        let head_dim = keys.count("head_dim", 256)?;
        let config = GemmaConfig {
            model_type: family.model_type(),
            vocab_size: keys.count("vocab_size", defaults.vocab_size)?,
            hidden_size: keys.count("hidden_size", defaults.hidden_size)?,
            intermediate_size: keys.count("intermediate_size", defaults.intermediate_size)?,
            layers: layers(family, &keys)?,
            num_attention_heads: keys.count("num_attention_heads", defaults.heads)?,
            num_key_value_heads: keys.count("num_key_value_heads", defaults.key_value_heads)?,
            head_dim,
            max_position_embeddings: keys.count("max_position_embeddings", defaults.positions)?,
            rms_norm_eps: keys.number("rms_norm_eps", 1e-6)?,
            query_pre_attn_scalar: match family {
                Family::Gemma1 => head_dim as f64,
                Family::Gemma2 | Family::Gemma3 => keys.number("query_pre_attn_scalar", 256.0)?,
            },
            attn_logit_softcapping: match family {
                Family::Gemma2 => keys.optional_number("attn_logit_softcapping", Some(50.0))?,
                // Their classes don't pass one to the attention, whatever the file says.
                Family::Gemma1 | Family::Gemma3 => None,
            },
            final_logit_softcapping: match family {
                Family::Gemma2 => keys.optional_number("final_logit_softcapping", Some(30.0))?,
                Family::Gemma3 if !sees => keys.optional_number("final_logit_softcapping", None)?,
                Family::Gemma1 | Family::Gemma3 => None,
            },
            own_head: !is_tied,
            end_tokens: ends::of_config(value)?,
        };
        config.check().map(|()| config)
    }

    /// The end tokens must be tokens of this model.
    pub(crate) fn check_end_tokens(&self) -> Result<(), String> {
        ends::within(self.end_tokens.clone(), self.vocab_size).map(|_| ())
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Family {
    Gemma1,
    Gemma2,
    Gemma3,
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

/// What a `config.json` says of the language model.
struct TextPart {
    family: Family,
    keys: Keys,
    /// Whether the head is tied to the embeddings.
    is_tied: bool,
    /// Whether it is a part of a model that sees.
    sees: bool,
}

fn text_part(value: &Value) -> Result<TextPart, String> {
    let model_type = value.get("model_type").and_then(Value::as_str);
    let (family, part) = match model_type {
        Some("gemma") => (Family::Gemma1, Some(value)),
        Some("gemma2") => (Family::Gemma2, Some(value)),
        Some("gemma3_text") => (Family::Gemma3, Some(value)),
        Some("gemma3") => (Family::Gemma3, value.get("text_config")),
        Some(other) => {
            return Err(format!(
                "model_type \"{other}\" is not supported; Roleswap runs \"gemma\", \"gemma2\", \"gemma3_text\" and the \
                 text part of \"gemma3\""
            ));
        }
        None => return Err("`model_type` is missing; is this the config.json of a Gemma model?".to_owned()),
    };
    let keys = match part {
        None | Some(Value::Null) => Map::new(),
        Some(Value::Object(keys)) => keys.clone(),
        Some(_) => return Err("`text_config` must be a table".to_owned()),
    };
    let sees = model_type == Some("gemma3");
    let keys = Keys::new(keys);
    let whole = Keys::new(value.as_object().cloned().unwrap_or_default());
    refuse_quantized(&whole)?;
    if !whole.flag("is_causal", true)? {
        return Err("`is_causal` false is not supported; only models that generate can be run".to_owned());
    }
    Ok(TextPart {
        // The class of a model that sees goes by its own key, and unties the head where that is null.
        is_tied: whole.flag("tie_word_embeddings", !(sees && whole.has("tie_word_embeddings")))?,
        family,
        keys,
        sees,
    })
}

impl Family {
    fn model_type(self) -> &'static str {
        match self {
            Family::Gemma1 => "gemma",
            Family::Gemma2 => "gemma2",
            Family::Gemma3 => "gemma3_text",
        }
    }

    /// `GemmaConfig`, `Gemma2Config` and `Gemma3TextConfig` of transformers 5.24.
    fn defaults(self) -> Defaults {
        let gemma_2 = Defaults {
            vocab_size: 256_000,
            hidden_size: 2304,
            intermediate_size: 9216,
            layers: 26,
            heads: 8,
            key_value_heads: 4,
            positions: 8192,
        };
        match self {
            Family::Gemma1 => Defaults {
                hidden_size: 3072,
                intermediate_size: 24_576,
                layers: 28,
                heads: 16,
                key_value_heads: 16,
                ..gemma_2
            },
            Family::Gemma2 => gemma_2,
            Family::Gemma3 => Defaults {
                vocab_size: 262_208,
                positions: 131_072,
                ..gemma_2
            },
        }
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

fn refuse_unsupported(family: Family, keys: &Keys) -> Result<(), String> {
    // Each class reads one of the two keys. Files of Gemma 1 say "gelu" and mean its tanh form, as the model was trained.
    let (key, early) = match family {
        Family::Gemma1 => ("hidden_act", Some("gelu")),
        Family::Gemma2 | Family::Gemma3 => ("hidden_activation", None),
    };
    let activation = keys.text(key)?;
    if let Some(name) = activation.filter(|name| Some(*name) != early)
        && name != "gelu_pytorch_tanh"
    {
        return Err(format!(
            "`{key}` \"{name}\" is not supported; Gemma has \"gelu_pytorch_tanh\""
        ));
    }
    if keys.flag("attention_bias", false)? {
        return Err("`attention_bias` true is not supported; Gemma has no biases".to_owned());
    }
    if keys.flag("use_bidirectional_attention", false)? {
        return Err(
            "`use_bidirectional_attention` true is not supported; only models that generate can be run"
                .to_owned(),
        );
    }
    if !keys.flag("is_causal", true)? {
        return Err("`is_causal` false is not supported; only models that generate can be run".to_owned());
    }
    refuse_quantized(keys)
}

fn refuse_quantized(keys: &Keys) -> Result<(), String> {
    if keys.get("quantization_config").is_some() {
        return Err(
            "quantized weights (`quantization_config`) are not supported; use the bf16 or f32 checkpoint, or a GGUF file"
                .to_owned(),
        );
    }
    Ok(())
}

fn layers(family: Family, keys: &Keys) -> Result<Vec<LayerDescription>, String> {
    let count = keys.count("num_hidden_layers", family.defaults().layers)?;
    if count > MOST_LAYERS {
        return Err(format!(
            "`num_hidden_layers` is {count}, more than the {MOST_LAYERS} possible"
        ));
    }
    let slides = sliding_layers(family, keys, count)?;
    let (global_rope, sliding_rope) = match family {
        Family::Gemma1 | Family::Gemma2 => {
            let rope = rope::of_all_layers(keys)?;
            (rope, rope)
        }
        Family::Gemma3 => rope::of_kinds(keys)?,
    };
    let window = || match keys.optional_count("sliding_window")? {
        Some(window) => Ok(window),
        None if keys.has("sliding_window") => {
            Err("`sliding_window` is null, though there are sliding layers; give its size".to_owned())
        }
        None => Ok(4096),
    };
    let describe = |slides: bool| {
        Ok(LayerDescription {
            window: slides.then(window).transpose()?,
            rope: if slides { sliding_rope } else { global_rope },
            query_key_norms: family == Family::Gemma3,
            output_norms: family != Family::Gemma1,
        })
    };
    slides.into_iter().map(describe).collect()
}

/// For each layer, whether its window slides.
fn sliding_layers(family: Family, keys: &Keys, count: usize) -> Result<Vec<bool>, String> {
    let Some(names) = keys.get("layer_types").filter(|_| family != Family::Gemma1) else {
        let pattern = keys.count("sliding_window_pattern", 6)?;
        if pattern == 0 {
            return Err("`sliding_window_pattern` is 0".to_owned());
        }
        return Ok((0..count).map(|layer| family.slides(layer, pattern)).collect());
    };
    let names = names
        .as_array()
        .ok_or_else(|| format!("`layer_types` must be a list, not {names}"))?;
    if names.len() != count {
        let entries = names.len();
        return Err(format!("`layer_types` has {entries} entries for {count} layers"));
    }
    let slides = |name: &Value| match name.as_str() {
        Some("sliding_attention") => Ok(true),
        Some("full_attention" | "attention") => Ok(false),
        _ => Err(format!(
            "`layer_types`: {name} is not supported; use sliding_attention or full_attention"
        )),
    };
    names.iter().map(slides).collect()
}
