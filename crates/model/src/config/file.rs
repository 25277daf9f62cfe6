//! Hugging Face's `config.json`: what is read in the same way for every family.

use serde_json::{Map, Value};

use super::keys::Keys;
use super::sizes::MOST_LAYERS;

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
    /// `part` is the key of the table that describes the language model, where there are others.
    pub fn of(value: &Value, part: Option<&str>) -> Result<Self, String> {
        let table = match part {
            Some(key) => value.get(key),
            None => Some(value),
        };
        let keys = match table {
            None | Some(Value::Null) => Map::new(),
            Some(Value::Object(keys)) => keys.clone(),
            Some(_) => {
                return Err(format!("`{}` must be a table", part.unwrap_or("config.json")));
            }
        };
        Ok(ConfigFile {
            whole: Keys::new(value.as_object().cloned().unwrap_or_default()),
            keys: Keys::new(keys),
            is_part: part.is_some(),
        })
    }

    /// The same without some keys of the language model.
    pub fn without(&self, names: &[&str]) -> Self {
        ConfigFile {
            whole: self.whole.clone(),
            keys: self.keys.without(names),
            is_part: self.is_part,
        }
    }

    /// Refuses what is not supported for any family.
    pub fn refuse_unsupported(&self) -> Result<(), String> {
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
        const BOTH_WAYS: &str = "use_bidirectional_attention";
        // "vision": among the tokens of an image alone.
        let of_images = self.keys.get(BOTH_WAYS).and_then(Value::as_str) == Some("vision");
        if !of_images
            && self
                .keys
                .get(BOTH_WAYS)
                .is_some_and(|value| value != &Value::Bool(false))
        {
            return Err(format!(
                "`{BOTH_WAYS}` is not supported; only models that generate can be run"
            ));
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
