use ::gguf::{Metadata, Value};
use serde_json::{Map, Value as Json, json};

use super::present;
use crate::config::MOST_LAYERS;

/// The keys of an architecture, whose names begin with it: `gemma3.block_count`. Methods take names
/// without it; errors include it.
pub(crate) struct GgufKeys<'a> {
    pub metadata: &'a Metadata,
    pub architecture: &'static str,
    pub numbers: &'a TensorNumbers<'a>,
}

/// The numbers of a small tensor of the file, by its name, if it is there.
pub type TensorNumbers<'a> = dyn Fn(&str) -> Result<Option<Vec<f32>>, String> + 'a;

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

    /// A whole number for each layer: a list, or one number that is the same for all.
    pub fn counts(&self, name: &str, layers: usize) -> Result<Vec<usize>, String> {
        let key = self.key(name);
        let Some(Value::List(values)) = self.metadata.get(&key) else {
            return Ok(vec![self.count(name)?; layers]);
        };
        let counts: Option<Vec<usize>> = values.iter().map(Value::as_count).collect();
        let counts = counts.filter(|counts| counts.len() == layers);
        counts.ok_or_else(|| {
            format!(
                "`{key}` must be a whole number, or one for each of {layers} layers; download the file again"
            )
        })
    }

    /// The sizes that all layers have, under the keys of a `config.json`.
    pub fn layer_sizes(&self) -> Result<Map<String, Json>, String> {
        // As many as there are query heads, if the file does not say.
        let groups = match self.optional_count("attention.head_count_kv")? {
            Some(groups) => groups,
            None => self.count("attention.head_count")?,
        };
        Ok(Map::from_iter([
            (
                "intermediate_size".to_owned(),
                self.count("feed_forward_length")?.into(),
            ),
            ("num_key_value_heads".to_owned(), groups.into()),
            ("head_dim".to_owned(), self.head_dim()?.into()),
        ]))
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

    /// The size of a head: the width divided by the number of heads, if the file doesn't say, as in
    /// llama.cpp.
    pub fn head_dim(&self) -> Result<usize, String> {
        if let Some(size) = self.optional_count("attention.key_length")? {
            return Ok(size);
        }
        let heads = self.count("attention.head_count")?;
        let width = self.count("embedding_length")?;
        width.checked_div(heads).ok_or_else(|| {
            format!(
                "`{}` is 0; download the file again",
                self.key("attention.head_count")
            )
        })
    }

    /// The part of a head that is rotated, of 1.
    pub fn rotated_part(&self) -> Result<f64, String> {
        let rotated = self.optional_count("rope.dimension_count")?;
        let head_dim = self.head_dim()?;
        Ok(part_of(rotated.unwrap_or(head_dim), head_dim))
    }

    /// The scaling of the rotary embedding as `rope_scaling` of a `config.json`.
    ///
    /// What Llama 3 scales by is in a tensor of factors, one for each pair; as in LongRoPE, but for
    /// texts of any length.
    pub fn rope_scaling(&self) -> Result<Json, String> {
        const FACTORS: &str = "rope_freqs.weight";
        let factors = (self.numbers)(FACTORS)?;
        let factors = factors.filter(|factors| factors.iter().any(|factor| *factor != 1.0));
        let scaling = match self.metadata.text(&self.key("rope.scaling.type"))? {
            Some("yarn") => self.yarn()?,
            _ => match self.linear_rope_factor(None)? {
                None => Json::Null,
                Some(factor) => json!({"rope_type": "linear", "factor": factor}),
            },
        };
        match (factors, scaling) {
            (None, scaling) => Ok(scaling),
            (Some(factors), Json::Null) => Ok(json!({
                "rope_type": "longrope",
                "short_factor": factors,
                "long_factor": factors,
                "attention_factor": 1.0,
                "original_max_position_embeddings": 1 << 30,
            })),
            (Some(_), _) => Err(format!(
                "both `{FACTORS}` and `{}` scale the rotary embedding; get another conversion of the model",
                self.key("rope.scaling.type")
            )),
        }
    }

    /// The turns between which frequencies are mixed are 32 and 1, if the file doesn't say.
    fn yarn(&self) -> Result<Json, String> {
        let mut scaling = json!({
            "rope_type": "yarn",
            "factor": self.number("rope.scaling.factor")?,
            "original_max_position_embeddings": self.count("rope.scaling.original_context_length")?,
        });
        for key in ["beta_fast", "beta_slow"] {
            if let Some(turns) = self.optional_number(&format!("rope.scaling.yarn_{key}"))? {
                scaling[key] = turns.into();
            }
        }
        Ok(scaling)
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

/// A part of a whole as a number that gives the part again, multiplied by the whole and rounded down.
pub(crate) fn part_of(part: usize, whole: usize) -> f64 {
    let number = part as f64 / whole as f64;
    match ((number * whole as f64) as usize) < part {
        true => number.next_up(),
        false => number,
    }
}
