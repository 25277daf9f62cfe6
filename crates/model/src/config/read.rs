//! Hugging Face's `config.json`: what is read in the same way for every family.

use std::path::Path;

use serde_json::{Map, Value};

use super::keys::Keys;
use super::{MOST_LAYERS, ModelConfig, ends};
use crate::families::{self, ModelType};
use crate::text_file::json_file;
use crate::{Error, Result};

impl ModelConfig {
    /// Reads `config.json` and, where there is one, `generation_config.json`.
    ///
    /// # Errors
    /// Names the file and the key that is missing, unusable or not known.
    pub fn read(folder: &Path) -> Result<Self> {
        let path = folder.join("config.json");
        let value = json_file(&path)?;
        let mut config = Self::from_json(&value).map_err(|message| Error::file(&path, message))?;
        config.end_tokens = ends::read(folder, &path, &value, config.vocab_size)?;
        Ok(config)
    }

    /// The same from the parsed `config.json`, without the files beside it.
    ///
    /// # Errors
    /// Names the key: a model of another family, a value that can't be computed with, or a key that
    /// may change what the network computes and isn't known.
    pub fn from_json(value: &Value) -> Result<Self, String> {
        let model_type = value.get("model_type").and_then(Value::as_str);
        let model_type =
            model_type.ok_or("`model_type` is missing; is this the config.json of a language model?")?;
        let (family, model_type) = families::by_model_type(model_type)?;
        let file = ConfigFile::of(value, model_type)?;
        file.refuse_unsupported()?;
        file.keys.refuse_unknown(family.config_keys())?;
        let mut config = family.config(&file)?;
        config.end_tokens = ends::of_config(value)?;
        config.check().map(|()| config)
    }

    /// The end tokens must be tokens of this model.
    pub(crate) fn check_end_tokens(&self) -> Result<(), String> {
        ends::within(self.end_tokens.clone(), self.vocab_size).map(|_| ())
    }
}

/// What a `config.json` says of the language model.
pub(crate) struct ConfigFile {
    /// The whole file.
    pub whole: Keys,
    /// The keys of the language model.
    pub keys: Keys,
    /// Whether it is a part of a model with more, such as one with vision.
    pub is_part: bool,
}

impl ConfigFile {
    fn of(value: &Value, model_type: ModelType) -> Result<Self, String> {
        let part = match model_type.part {
            Some(key) => value.get(key),
            None => Some(value),
        };
        let keys = match part {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(keys)) => keys.clone(),
            Some(_) => {
                return Err(format!(
                    "`{}` must be a table",
                    model_type.part.unwrap_or("config.json")
                ));
            }
        };
        Ok(ConfigFile {
            whole: Keys::new(value.as_object().cloned().unwrap_or_default()),
            keys: Keys::new(keys),
            is_part: model_type.part.is_some(),
        })
    }

    /// Refuses what is not supported for any family.
    fn refuse_unsupported(&self) -> Result<(), String> {
        for keys in [&self.whole, &self.keys] {
            if keys.get("quantization_config").is_some() {
                return Err(
                    "quantized weights (`quantization_config`) are not supported; use the bf16 or f32 checkpoint, or a \
                     GGUF file"
                        .to_owned(),
                );
            }
            if !keys.flag("is_causal", true)? {
                return Err(
                    "`is_causal` false is not supported; only models that generate can be run".to_owned(),
                );
            }
        }
        if self.keys.flag("use_bidirectional_attention", false)? {
            return Err(
                "`use_bidirectional_attention` true is not supported; only models that generate can be run"
                    .to_owned(),
            );
        }
        Ok(())
    }
}

/// The number of layers; `usual` where the key is absent. Bounded, since lists of this length are
/// made.
pub(crate) fn layer_count(keys: &Keys, usual: usize) -> Result<usize, String> {
    match keys.count("num_hidden_layers", usual)? {
        count if count > MOST_LAYERS => Err(format!(
            "`num_hidden_layers` is {count}, more than the {MOST_LAYERS} possible"
        )),
        count => Ok(count),
    }
}

/// For each layer, whether its window slides; `None` where the file doesn't list the layers' types.
pub(crate) fn listed_windows(keys: &Keys, count: usize) -> Result<Option<Vec<bool>>, String> {
    let Some(names) = keys.get("layer_types") else {
        return Ok(None);
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
    names.iter().map(slides).collect::<Result<_, _>>().map(Some)
}
