use std::collections::BTreeMap;

use anyhow::{Context, Error, Result, bail};
use interventions::{Form, Given, InterventionTable, norm};
use pipeline::GenerationSet;
use results::{ContrastVectors, RenderedPrompt};
use terms::CoefficientUnit;

use crate::{Intervention, broadcast, resolve_layer};

/// One text to generate.
#[derive(Clone, Debug)]
pub struct Row {
    pub set: String,
    pub prompt_id: String,
    pub prompt: String,
    pub condition: String,
    pub coefficient: Option<f64>,
    pub sample: usize,
    pub seed: u64,
    pub greedy: bool,
    pub suppress: Vec<String>,
    pub tokens: Vec<u32>,
    pub interventions: Vec<Intervention>,
    /// The interventions described in words, for tables.
    pub description: String,
}

/// All rows of a set: prompts in order, for each its coefficients, and for each of these its
/// samples. `residual_norms` are the mean norms of the residuals after each layer, for sets whose
/// coefficients are relative to them.
pub fn expand_set(
    set: &GenerationSet,
    prompts: &[RenderedPrompt],
    contrast: &ContrastVectors,
    residual_norms: &[f64],
    seed: u64,
) -> Result<Vec<Row>> {
    let prompts: Vec<&RenderedPrompt> = prompts
        .iter()
        .filter(|prompt| prompt.condition == set.condition)
        .collect();
    if prompts.is_empty() {
        bail!(
            "no prompt was rendered in condition \"{}\"; run `cargo xtask extract --force`",
            set.condition
        );
    }
    let coefficients: Vec<Option<f64>> = if set.coefficients.is_empty() {
        vec![None]
    } else {
        set.coefficients.iter().copied().map(Some).collect()
    };
    let mut rows = Vec::new();
    for coefficient in coefficients {
        let (interventions, description) = interventions(set, coefficient, contrast, residual_norms)?;
        for prompt in &prompts {
            for sample in 0..set.samples {
                rows.push(Row {
                    set: set.name.clone(),
                    prompt_id: prompt.prompt_id.clone(),
                    prompt: prompt.prompt.clone(),
                    condition: prompt.condition.clone(),
                    coefficient,
                    sample,
                    seed: row_seed(seed, &prompt.condition, &prompt.prompt_id, sample),
                    greedy: set.greedy,
                    suppress: set.suppress.clone(),
                    tokens: prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect(),
                    interventions: interventions.clone(),
                    description: description.clone(),
                });
            }
        }
    }
    Ok(rows)
}

/// The seed of a row's random generator. It depends on what the row is for and not on its place in
/// a batch, and is the same for every coefficient and set: steered and unsteered texts differ by
/// the steering, not by the draw.
pub fn row_seed(seed: u64, condition: &str, prompt_id: &str, sample: usize) -> u64 {
    let key = format!("{seed}\n{condition}\n{prompt_id}\n{sample}");
    let hash = blake3::hash(key.as_bytes());
    hash.as_bytes()
        .iter()
        .take(8)
        .fold(0, |number, byte| (number << 8) | u64::from(*byte))
}

/// What a set does to each of its rows, its own coefficients times `factor`, and a description of
/// that in words.
pub fn interventions(
    set: &GenerationSet,
    factor: Option<f64>,
    contrast: &ContrastVectors,
    residual_norms: &[f64],
) -> Result<(Vec<Intervention>, String)> {
    let (mut all, mut words) = (Vec::new(), Vec::new());
    for table in &set.interventions {
        let count = table.directions.len();
        let layers = broadcast(&table.layers, count, "layers")?;
        let own = match table.coefficients.as_slice() {
            [] => vec![table.default_coefficient(factor.is_some())],
            own => own.to_vec(),
        };
        let coefficients = broadcast(&own, count, "coefficients")?;
        for ((name, layer), coefficient) in table.directions.iter().zip(layers).zip(coefficients) {
            let layer = resolve_layer(layer, contrast.layers)?;
            let coefficient = coefficient * factor.unwrap_or(1.0);
            let raw = match set.unit {
                CoefficientUnit::Raw => coefficient,
                CoefficientUnit::Relative => {
                    let direction = contrast.get(name, layer).unwrap_or_default();
                    let norm = residual_norms.get(layer).copied().unwrap_or_default();
                    raw_coefficient(coefficient, direction, norm)
                }
            };
            let form = form(table, name, layer, raw, contrast)?;
            all.push(Intervention::new(layer, table.positions, form));
            words.push(table.description(name, layer, coefficient, set.unit));
        }
    }
    Ok((all, words.join("; ")))
}

/// The multiple of a direction whose norm is `relative` times the layer's mean residual norm:
/// `relative * residual_norm / ||direction||`, and 0 for a direction of 0.
pub fn raw_coefficient(relative: f64, direction: &[f32], residual_norm: f64) -> f64 {
    match norm(direction) {
        0.0 => 0.0,
        norm => relative * residual_norm / norm,
    }
}

/// What a table does with one of its directions at one layer, `coefficient` in multiples of it.
fn form(
    table: &InterventionTable,
    name: &str,
    layer: usize,
    coefficient: f64,
    contrast: &ContrastVectors,
) -> Result<Form> {
    let vector = |name: &str| {
        let found = contrast.get(name, layer).map(<[f32]>::to_vec);
        found.with_context(|| {
            let missing = format!("there is no vector \"{name}\" at layer {layer} among the analysis results");
            let layers: Vec<String> = contrast.layers_of(name).map(|layer| layer.to_string()).collect();
            if layers.is_empty() {
                return format!("{missing}; run `cargo xtask analyze`");
            }
            format!(
                "{missing}: one of [[vectors]] is there only at the layers that its file has, and a row of zeros is none; steer with it \
                 at a layer that has one ({})",
                layers.join(", ")
            )
        })
    };
    let direction = vector(name)?;
    let mut vectors = BTreeMap::new();
    for (key, name) in table.own.vectors() {
        vectors.insert(key, vector(name)?);
    }
    let reader = match contrast.reader(name) {
        Some(Err(why)) if table.kind.definition().reads_feature => bail!("{}: {why}", table.kind),
        reader => reader.and_then(|reader| reader.as_ref().ok()),
    };
    let given = Given {
        reader,
        direction: &direction,
        coefficient,
        own: &table.own,
        vectors: &vectors,
    };
    table.kind.form(&given).map_err(Error::msg)
}
