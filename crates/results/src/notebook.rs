//! The two JSON files of the notebook that the method comes from, in the structure that its readers
//! expect.

use std::path::Path;

use serde_json::{Map, Value, json};

use crate::{Error, Generation, Result};

/// What `swapped_user_role.json` says of the run beside the texts.
#[derive(Clone, Debug)]
pub struct NotebookDescription {
    /// The model's name.
    pub model_name: String,
    /// The family, as the notebook calls it.
    pub model_type: String,
    /// The layer that is steered.
    pub layer: usize,
    /// The autoencoder and the number of the feature that is steered with; none for the contrast and other
    /// directions.
    pub feature: Option<(String, usize)>,
}

/// `{prompt: {"-3.0": [text, …], "3.0": [text, …]}}`, prompts and coefficients in the order of the
/// rows.
pub fn write_steering_json(path: &Path, rows: &[Generation]) -> Result<()> {
    write_json(path, &Value::Object(by_prompt(rows)))
}

/// The same texts as a group of the notebook's viewer.
pub fn write_swapped_role_json(path: &Path, about: &NotebookDescription, rows: &[Generation]) -> Result<()> {
    let results: Map<String, Value> = by_prompt(rows)
        .into_iter()
        .map(|(prompt, texts)| (prompt, json!({ "steering": texts })))
        .collect();
    // The notebook has -1 for its contrast, and with it a constant autoencoder, which is not used, as its viewer asks for one.
    let (feature_id, trainer) = match &about.feature {
        Some((sae, feature)) => (json!(feature), sae.as_str()),
        None => (json!(-1), "131k-l0-114"),
    };
    let (name, description) = match &about.feature {
        Some((sae, feature)) => (
            format!("Feature {feature} of {sae}"),
            format!("This is feature {feature} of the sparse autoencoder {sae}."),
        ),
        None => (
            "Swapped User Role Contrast Vector".to_owned(),
            "This is a contrast vector found from swapping the user role with the model role in the chat prompt format.".to_owned(),
        ),
    };
    let value = json!({
        "feature_id": feature_id,
        "group_name": "swapped_user_role",
        "readable_group_name": name,
        "description": description,
        "metadata": {
            "model_name": about.model_name,
            "model_type": about.model_type,
            "sae_layer": about.layer,
            "sae_trainer": trainer,
        },
        "results": results,
    });
    write_json(path, &value)
}

fn by_prompt(rows: &[Generation]) -> Map<String, Value> {
    let mut prompts = Map::new();
    for row in rows {
        let Some(coefficient) = row.coefficient else {
            continue;
        };
        let texts = prompts
            .entry(row.prompt.clone())
            .or_insert_with(|| Value::Object(Map::new()));
        let Some(texts) = texts.as_object_mut() else {
            continue;
        };
        let samples = texts
            .entry(python_float(coefficient))
            .or_insert_with(|| Value::Array(Vec::new()));
        if let Some(samples) = samples.as_array_mut() {
            samples.push(Value::String(row.text.clone()));
        }
    }
    prompts
}

fn write_json(path: &Path, value: &Value) -> Result<()> {
    let mut text =
        serde_json::to_string_pretty(value).map_err(|error| Error::invalid(path, error.to_string()))?;
    text.push('\n');
    Ok(fs_err::write(path, text)?)
}

/// A number as Python's `str(float)` writes it, since the notebook's JSON keys are made that way.
///
/// Both languages print the shortest digits that read back; they differ in when they turn to
/// exponents.
pub fn python_float(value: f64) -> String {
    let magnitude = value.abs();
    if !value.is_finite() || value == 0.0 || (1e-4..1e16).contains(&magnitude) {
        return match value {
            _ if value.is_nan() => "nan".to_owned(),
            _ if value.is_infinite() => if value > 0.0 { "inf" } else { "-inf" }.to_owned(),
            _ if !(1e-5..1e16).contains(&magnitude) => format!("{value:?}"),
            _ => {
                let text = format!("{value}");
                if text.contains('.') { text } else { text + ".0" }
            }
        };
    }
    let text = format!("{value:e}");
    let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}
