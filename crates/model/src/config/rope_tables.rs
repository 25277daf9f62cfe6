//! Rotary embeddings as spelled by several versions of transformers.

use serde_json::{Map, Value};

use super::keys::Keys;
use super::rope::{Llama3, Rope, Yarn};

/// Checked before a frequency is made for each pair of a broken file's head.
const MOST_HEAD_DIM: usize = 1 << 16;

/// What the frequencies depend on besides the tables, and what a configuration class fills in.
#[derive(Clone, Copy)]
pub(crate) struct RopeContext {
    /// The base where the file has none.
    pub theta: f64,
    /// The size of a head.
    pub head_dim: usize,
    /// `max_position_embeddings`
    pub positions: usize,
    /// `original_max_position_embeddings` outside of the tables, in classes that have it there.
    pub original: Option<usize>,
    /// The part of a head that is turned where the file doesn't say; `None` in classes that turn
    /// whole heads.
    pub part: Option<f64>,
}

/// The same for all layers. `rope_scaling` comes before `rope_parameters`, and a base inside
/// either before `rope_theta` (`RotaryEmbeddingConfigMixin` of transformers 5.24).
pub(crate) fn rope_of_all_layers(keys: &Keys, context: RopeContext) -> Result<Rope, String> {
    let scaling = table(keys, "rope_scaling")?.filter(|table| !table.is_empty());
    let (name, parameters) = match scaling {
        Some(table) => ("rope_scaling", Some(table)),
        None => ("rope_parameters", table(keys, "rope_parameters")?),
    };
    let nested = ["full_attention", "sliding_attention"];
    if parameters.is_some_and(|table| nested.iter().any(|kind| table.contains_key(*kind))) {
        return Err(format!(
            "`{name}` has a table for each kind of layer, and this model has one for all; give `rope_type` and `rope_theta` there"
        ));
    }
    let theta = keys.number("rope_theta", context.theta)?;
    let part = match context.part {
        Some(part) => Some(
            keys.optional_number("partial_rotary_factor", Some(part))?
                .unwrap_or(part),
        ),
        None => None,
    };
    rope(
        name,
        parameters,
        RopeContext {
            theta,
            part,
            ..context
        },
    )
}

/// The tables of two: for full-attention layers and for sliding ones, as in transformers 5.24.
/// Each comes with the key that holds its base outside of the tables.
pub(crate) fn ropes_by_kind(
    keys: &Keys,
    [(full_key, full), (sliding_key, sliding)]: [(&str, RopeContext); 2],
) -> Result<(Rope, Rope), String> {
    let parameters = table(keys, "rope_parameters")?;
    let kind = |kind: &str| -> Result<Option<Map<String, Value>>, String> {
        match parameters.and_then(|table| table.get(kind)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table.clone())),
            Some(other) => Err(format!("`rope_parameters.{kind}` must be a table, not {other}")),
        }
    };
    let (mut full_table, sliding_table) = (kind("full_attention")?, kind("sliding_attention")?);
    if parameters.is_some_and(|table| !table.is_empty()) && full_table.is_none() && sliding_table.is_none() {
        return Err(
            "`rope_parameters` has no table for `full_attention` and `sliding_attention`, which transformers wants for \
             this model; put them there"
                .to_owned(),
        );
    }
    if let Some(scaling) = table(keys, "rope_scaling")? {
        if scaling.contains_key("type") && !scaling.contains_key("rope_type") {
            return Err(
                "`rope_scaling.type` is an old name, by which versions of transformers scale this model or don't; write \
                 `rope_type`"
                    .to_owned(),
            );
        }
        full_table.get_or_insert_default().extend(scaling.clone());
    }
    let one = |name: &str, table: Option<&Map<String, Value>>, key: &str, context: RopeContext| {
        let theta = keys.number(key, context.theta)?;
        rope(
            &format!("rope_parameters.{name}"),
            table,
            RopeContext { theta, ..context },
        )
    };
    Ok((
        one("full_attention", full_table.as_ref(), full_key, full)?,
        one("sliding_attention", sliding_table.as_ref(), sliding_key, sliding)?,
    ))
}

fn table<'a>(keys: &'a Keys, key: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match keys.get(key) {
        None => Ok(None),
        Some(Value::Object(table)) => Ok(Some(table)),
        Some(other) => Err(format!("`{key}` must be a table, not {other}")),
    }
}

/// One rotary embedding from its table.
fn rope(name: &str, table: Option<&Map<String, Value>>, context: RopeContext) -> Result<Rope, String> {
    let table = Table {
        name,
        keys: Keys::new(table.cloned().unwrap_or_default()),
    };
    if context.head_dim > MOST_HEAD_DIM {
        let size = context.head_dim;
        return Err(format!(
            "`head_dim` is {size}, more than the {MOST_HEAD_DIM} possible"
        ));
    }
    let theta = table.number_above_0("rope_theta", Some(context.theta))?;
    let kind = match table.text("rope_type")? {
        Some(kind) => Some(kind),
        None => table.text("type")?,
    };
    let part = table.number_above_0("partial_rotary_factor", Some(context.part.unwrap_or(1.0)))?;
    if part > 1.0 {
        return Err(format!(
            "`{name}.partial_rotary_factor` is {part}, more than whole heads"
        ));
    }
    let turned = match context.part {
        None if part != 1.0 && kind != Some("proportional") => {
            return Err(format!(
                "`{name}.partial_rotary_factor` is not supported; this model turns whole heads"
            ));
        }
        // Rounded down, as the reference does.
        _ => (part * context.head_dim as f64) as usize,
    };
    let plain = Rope::plain(theta, turned);
    Ok(match kind {
        None | Some("default") => plain,
        Some("linear") => plain.divided(table.number_above_0("factor", None)?),
        Some("llama3") => plain.llama3(&table.llama3(context)?),
        Some("yarn") => Rope::yarn(theta, turned, &table.yarn(context)?),
        Some("longrope" | "su") => table.longrope(theta, turned, context)?,
        Some("proportional") => Rope::proportional(theta, context.head_dim, part)
            .divided(table.number_above_0("factor", Some(1.0))?),
        Some(other) => {
            return Err(format!(
                "`{name}`: the type \"{other}\" is not supported; Roleswap computes \"default\", \"linear\", \"llama3\", \
                 \"yarn\", \"longrope\" and \"proportional\""
            ));
        }
    })
}

/// A table of a rotary embedding, with errors that say where it is.
struct Table<'a> {
    name: &'a str,
    keys: Keys,
}

impl Table<'_> {
    fn named(&self, message: String) -> String {
        format!("{}: {message}", self.name)
    }

    fn text(&self, key: &str) -> Result<Option<&str>, String> {
        self.keys.text(key).map_err(|message| self.named(message))
    }

    fn flag(&self, key: &str, usual: bool) -> Result<bool, String> {
        self.keys.flag(key, usual).map_err(|message| self.named(message))
    }

    fn optional_number(&self, key: &str) -> Result<Option<f64>, String> {
        let number = self.keys.optional_number(key, None);
        number.map_err(|message| self.named(message))
    }

    /// `usual` where the key is absent; without that, it must be there.
    fn number_above_0(&self, key: &str, usual: Option<f64>) -> Result<f64, String> {
        let (name, number) = (self.name, self.optional_number(key)?.or(usual));
        match number {
            Some(number) if number > 0.0 && number.is_finite() => Ok(number),
            // The base is more often outside of the table.
            Some(_) if key == "rope_theta" => Err("`rope_theta` must be a number above 0".to_owned()),
            Some(_) => Err(format!("`{name}.{key}` must be a number above 0")),
            None => Err(format!("`{name}.{key}` is missing, which this type needs")),
        }
    }

    /// Tokens of the texts that the model was trained on before its context was stretched.
    fn original(&self, context: RopeContext) -> Result<usize, String> {
        let own = self.keys.optional_count("original_max_position_embeddings");
        let own = own.map_err(|message| self.named(message))?;
        Ok(context.original.or(own).unwrap_or(context.positions).max(1))
    }

    fn llama3(&self, context: RopeContext) -> Result<Llama3, String> {
        let scaling = Llama3 {
            factor: self.number_above_0("factor", None)?,
            low_freq_factor: self.number_above_0("low_freq_factor", None)?,
            high_freq_factor: self.number_above_0("high_freq_factor", None)?,
            original: self.original(context)?,
        };
        if scaling.low_freq_factor >= scaling.high_freq_factor {
            let name = self.name;
            return Err(format!(
                "`{name}.low_freq_factor` must be below `high_freq_factor`"
            ));
        }
        Ok(scaling)
    }

    fn yarn(&self, context: RopeContext) -> Result<Yarn, String> {
        let original = self.original(context)?;
        let factor = match self.keys.get("factor") {
            Some(_) => self.number_above_0("factor", None)?,
            None => context.positions as f64 / original as f64,
        };
        let attention_factor = match self.optional_number("attention_factor")? {
            Some(attention_factor) => attention_factor,
            None => self.yarn_attention_factor(factor)?,
        };
        // An absent number and 0 mean the same.
        let turns = |key: &str, usual: f64| -> Result<f64, String> {
            let number = self.optional_number(key)?.filter(|number| *number != 0.0);
            Ok(number.unwrap_or(usual))
        };
        Ok(Yarn {
            factor,
            original,
            beta_fast: turns("beta_fast", 32.0)?,
            beta_slow: turns("beta_slow", 1.0)?,
            truncate: self.flag("truncate", true)?,
            attention_factor,
        })
    }

    fn yarn_attention_factor(&self, factor: f64) -> Result<f64, String> {
        let of = |weight: f64| match factor <= 1.0 {
            true => 1.0,
            false => 0.1 * weight * factor.ln() + 1.0,
        };
        let scales = [
            self.optional_number("mscale")?,
            self.optional_number("mscale_all_dim")?,
        ];
        Ok(match scales.map(|scale| scale.filter(|scale| *scale != 0.0)) {
            [Some(scale), Some(all)] => of(scale) / of(all),
            _ => of(1.0),
        })
    }

    fn longrope(&self, theta: f64, turned: usize, context: RopeContext) -> Result<Rope, String> {
        let original = self.original(context)?;
        let factor = match self.optional_number("factor")? {
            Some(factor) => factor,
            None => context.positions as f64 / original as f64,
        };
        let attention_factor = match self.optional_number("attention_factor")? {
            Some(attention_factor) => attention_factor,
            None if factor <= 1.0 => 1.0,
            None => (1.0 + factor.ln() / (original as f64).ln()).sqrt(),
        };
        let factors = self.factors("short_factor", turned.div_ceil(2))?;
        // Checked, though texts that need them are refused.
        self.factors("long_factor", turned.div_ceil(2))?;
        Ok(Rope::divided_by_pair(
            theta,
            turned,
            &factors,
            attention_factor,
            original,
        ))
    }

    /// A number above 0 for each pair.
    fn factors(&self, key: &str, pairs: usize) -> Result<Vec<f64>, String> {
        let list = self.keys.get(key).and_then(Value::as_array);
        let numbers: Option<Vec<f64>> = list.and_then(|list| list.iter().map(Value::as_f64).collect());
        let numbers =
            numbers.filter(|numbers| numbers.len() == pairs && numbers.iter().all(|number| *number > 0.0));
        numbers.ok_or_else(|| format!("`{}.{key}` must be a list of {pairs} numbers above 0", self.name))
    }
}
