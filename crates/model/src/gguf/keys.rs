use ::gguf::{Metadata, Value};

use super::present;
use crate::config::MOST_LAYERS;

/// The keys of an architecture, whose names begin with it: `gemma3.block_count`. Methods take names
/// without it; errors include it.
pub(crate) struct GgufKeys<'a> {
    pub metadata: &'a Metadata,
    pub architecture: &'static str,
}

impl GgufKeys<'_> {
    pub fn key(&self, name: &str) -> String {
        format!("{}.{name}", self.architecture)
    }

    pub fn has(&self, name: &str) -> bool {
        self.metadata.get(&self.key(name)).is_some()
    }

    /// A whole number that must be there.
    pub fn count(&self, name: &str) -> Result<usize, String> {
        present(&self.key(name), self.optional_count(name)?)
    }

    /// A whole number. A list with a number for each layer is read if all are the same.
    pub fn optional_count(&self, name: &str) -> Result<Option<usize>, String> {
        let key = self.key(name);
        let Some(Value::List(values)) = self.metadata.get(&key) else {
            return self.metadata.count(&key);
        };
        let first = values.first().and_then(Value::as_count);
        if first.is_none() || values.iter().any(|value| value.as_count() != first) {
            return Err(format!(
                "`{key}` differs from layer to layer, and Roleswap runs models whose layers have the same sizes; get the \
                 model as it was before layers were changed or left out"
            ));
        }
        Ok(first)
    }

    /// A number that must be there.
    pub fn number(&self, name: &str) -> Result<f64, String> {
        present(&self.key(name), self.optional_number(name)?)
    }

    pub fn optional_number(&self, name: &str) -> Result<Option<f64>, String> {
        self.metadata.number(&self.key(name))
    }

    /// How many layers there are: bounded, since a broken file must not make the lists of layers
    /// huge.
    pub fn layers(&self) -> Result<usize, String> {
        match self.count("block_count")? {
            layers if layers > MOST_LAYERS => Err(format!(
                "`{}` is {layers}, more than the {MOST_LAYERS} possible; download the file again",
                self.key("block_count")
            )),
            layers => Ok(layers),
        }
    }

    /// The factor by which positions are divided; `None` where they aren't. `usual` applies if
    /// the file says nothing.
    pub fn linear_rope_factor(&self, usual: Option<f64>) -> Result<Option<f64>, String> {
        let factor = match self.optional_number("rope.scaling.factor")? {
            Some(factor) => Some(factor),
            // The older name.
            None => self.optional_number("rope.scale_linear")?,
        };
        let kind_key = self.key("rope.scaling.type");
        let factor = match (self.metadata.text(&kind_key)?, factor) {
            (None, None) => usual,
            (Some("none"), _) => None,
            (Some("linear") | None, Some(factor)) => Some(factor),
            (Some("linear"), None) => {
                return Err(format!(
                    "`{kind_key}` is \"linear\", but `{}` is missing; download the file again",
                    self.key("rope.scaling.factor")
                ));
            }
            (Some(other), _) => {
                return Err(format!(
                    "`{kind_key}` \"{other}\" is not supported, only \"none\" and \"linear\"; get the model as it was before \
                     its context was stretched"
                ));
            }
        };
        // llama.cpp: a factor of 0 means none.
        Ok(factor.filter(|factor| ![0.0, 1.0].contains(factor)))
    }

    /// Which layers slide: all except every `usual`-th, or as the file says. Converters leave it
    /// out so far; llama.cpp reads a period or a list of flags.
    pub fn sliding_layers(&self, layers: usize, usual: usize) -> Result<Vec<bool>, String> {
        let key = self.key("attention.sliding_window_pattern");
        let wrong = || {
            format!(
                "`{key}` must be a number of layers, or true or false for each of {layers} layers; download the file again, or \
                 another conversion of the model"
            )
        };
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
}
