//! Rotary embeddings as spelled by several versions of transformers.

use serde_json::{Map, Value};

use super::Rope;
use super::keys::Keys;

/// The same for all layers. `rope_scaling` comes before `rope_parameters`, and a base inside
/// either before `rope_theta` (`RotaryEmbeddingConfigMixin` of transformers 5.24).
pub(crate) fn rope_of_all_layers(keys: &Keys) -> Result<Rope, String> {
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
    rope(name, parameters, keys.number("rope_theta", 10_000.0)?)
}

/// Two: for full-attention layers and for sliding ones, as in transformers 5.24.
/// `bases` are the keys that hold their bases outside the tables, with the defaults.
pub(crate) fn ropes_by_kind(keys: &Keys, bases: [(&str, f64); 2]) -> Result<(Rope, Rope), String> {
    let [(full_key, full_base), (sliding_key, sliding_base)] = bases;
    let parameters = table(keys, "rope_parameters")?;
    let kind = |kind: &str| -> Result<Option<Map<String, Value>>, String> {
        match parameters.and_then(|table| table.get(kind)) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Object(table)) => Ok(Some(table.clone())),
            Some(other) => Err(format!("`rope_parameters.{kind}` must be a table, not {other}")),
        }
    };
    let (mut full, sliding) = (kind("full_attention")?, kind("sliding_attention")?);
    if parameters.is_some_and(|table| !table.is_empty()) && full.is_none() && sliding.is_none() {
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
        full.get_or_insert_default().extend(scaling.clone());
    }
    Ok((
        rope(
            "rope_parameters.full_attention",
            full.as_ref(),
            keys.number(full_key, full_base)?,
        )?,
        rope(
            "rope_parameters.sliding_attention",
            sliding.as_ref(),
            keys.number(sliding_key, sliding_base)?,
        )?,
    ))
}

fn table<'a>(keys: &'a Keys, key: &str) -> Result<Option<&'a Map<String, Value>>, String> {
    match keys.get(key) {
        None => Ok(None),
        Some(Value::Object(table)) => Ok(Some(table)),
        Some(other) => Err(format!("`{key}` must be a table, not {other}")),
    }
}

/// One rotary embedding from its table; `theta` is the base where the table has none.
fn rope(name: &str, table: Option<&Map<String, Value>>, theta: f64) -> Result<Rope, String> {
    let Some(table) = table else {
        return Ok(Rope { theta, factor: 1.0 });
    };
    let table = Keys::new(table.clone());
    let named = |message: String| format!("{name}: {message}");
    let theta = table.number("rope_theta", theta).map_err(named)?;
    let kind = match table.text("rope_type").map_err(named)? {
        Some(kind) => Some(kind),
        None => table.text("type").map_err(named)?,
    };
    if table.number("partial_rotary_factor", 1.0).map_err(named)? != 1.0 {
        return Err(format!(
            "`{name}.partial_rotary_factor` is not supported; Roleswap turns whole heads"
        ));
    }
    let factor = match kind {
        None | Some("default") => 1.0,
        Some("linear") => {
            let factor = table.optional_number("factor", None).map_err(named)?;
            factor.ok_or_else(|| format!("`{name}.factor` is missing, which the type \"linear\" needs"))?
        }
        Some(other) => {
            return Err(format!(
                "`{name}`: the type \"{other}\" is not supported; Roleswap computes \"default\" and \"linear\""
            ));
        }
    };
    Ok(Rope { theta, factor })
}
