//! Vectors to texts: generates every set of the pipeline, steered or not, as rows that each have
//! their own interventions, and writes the texts as a Parquet table and in the notebook's two JSON
//! files.
//!
//! [`Steer`] is a tap like any other, so a pass can be steered without the stage:
//!
//! ```
//! use interventions::addition;
//! use model::{Batch, DeviceKind, Network, ModelFiles, Precision, ResidualTap, open_device};
//! use steer::{Intervention, Steer};
//! use terms::{FinishReason, GenerationStyle, Positions};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let files = ModelFiles::at("../../data/tiny".as_ref())?;
//! let (config, device) = (files.config()?, open_device(DeviceKind::Cpu)?);
//! let network = Network::load(&config, &files.checkpoint()?, &device, Precision::F32, &mut |_| ())?;
//!
//! let push = addition(&vec![0.5; config.hidden_size], -0.4);
//! let push = Intervention::new(3, Positions::All, push);
//! // Two rows with the same tokens: the first is steered, the second is not.
//! let mut tap = Steer::new(&[vec![push], vec![]], config.layers.len(), config.hidden_size, &device)?;
//! let batch = Batch::with_forks(tap.forks()).with_rows(&[[2, 5, 7], [2, 5, 7]])?;
//! let residuals = network.forward(&batch, None, &mut tap)?;
//! assert_eq!(residuals.dims()[0], 6, "after layer 3 each row has tokens of its own");
//! assert_eq!(residuals.dims()[1], config.hidden_size);
//! # Ok(())
//! # }
//! ```

mod intervention;
mod lens;
mod on_cpu;
mod sets;
mod steer;

use std::path::Path;

use anyhow::{Context, Result, bail};
use files::HashMemo;
use model::{Generated, GenerationRequest, Sampling, generate};
use pipeline::{Decoding, GenerationSet, Pipeline, VectorKind};
use progress::progress_bar;
use rayon::prelude::*;
use results::{
    Generation, Layout, LensToken, Metadata, NotebookDescription, RenderedPrompt, Summary, Table,
    read_contrast_vectors, write_steering_json, write_swapped_role_json,
};
use session::{GpuRecord, OpenModel, about_generation, open_for_generation, suppressed_tokens};
use terms::{FinishReason, GenerationStyle};

pub use intervention::{Intervention, broadcast, resolve_layer};
pub use lens::lens;
pub use sets::{Row, expand_set, interventions, raw_coefficient, row_seed};
pub use steer::Steer;

/// The stage: reads `[model]` and `[steer]` and the rendered prompts and vectors of earlier stages,
/// writes into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let (prompts, metadata) = RenderedPrompt::read(&layout.table::<RenderedPrompt>())?;
    let mut contrast = read_contrast_vectors(&layout.contrast_vectors())?;
    let interventions = pipeline.steer.sets.iter().flat_map(|set| &set.interventions);
    features::insert_directions(
        pipeline,
        interventions.flat_map(|table| table.vectors()),
        &mut contrast,
    )?;
    let model = open_for_generation(&pipeline.model, &HashMemo::read(&layout.hash_memo()))?;
    let made_by = contrast.metadata.get("model_fingerprint").unwrap_or_default();
    if made_by != model.fingerprint {
        bail!(
            "{}: the vectors belong to another model; run `cargo xtask extract` first",
            layout.contrast_vectors().display()
        );
    }
    if let Some(finding) = about_generation(pipeline, model.resident()?.config(), &prompts) {
        tracing::warn!("{finding}");
    }
    let residual_norms = residual_norms(pipeline, layout)?;
    let mut rows = Vec::new();
    for set in &pipeline.steer.sets {
        rows.extend(
            expand_set(set, &prompts, &contrast, &residual_norms, pipeline.steer.seed)
                .with_context(|| format!("steer.sets.{}", set.name))?,
        );
    }
    let generated = generate_rows(
        &model,
        &pipeline.steer.decoding,
        pipeline.steer.max_new_tokens,
        &rows,
    )?;
    let tokens = lens(&model, &contrast)?;
    let metadata = metadata
        .inherited()
        .with_all(model.gpu.iter().flat_map(GpuRecord::entries));
    LensToken::write(
        &layout.in_progress(out, &layout.table::<LensToken>()),
        &metadata,
        &tokens,
    )?;
    let metadata = metadata
        .with("seed", pipeline.steer.seed)
        .with("max_new_tokens", pipeline.steer.max_new_tokens);
    write_results(pipeline, layout, out, &metadata, &generated)
}

/// The mean norm of the residuals after each layer, under the contrast's pooling.
pub fn residual_norms(pipeline: &Pipeline, layout: &Layout) -> Result<Vec<f64>> {
    let (summaries, _) = Summary::read(&layout.table::<Summary>())?;
    let pooling = pipeline.contrast.pooling;
    let rows = summaries.iter().filter(|row| row.pooling == pooling);
    Ok(rows.map(|row| row.mean_residual_norm).collect())
}

/// Generates all rows at once, whatever their sets; the result is in the order given.
pub fn generate_rows(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[Row],
) -> Result<Vec<Generation>> {
    let texts = generate_tokens(model, decoding, max_new_tokens, rows)?;
    rows.iter()
        .zip(texts)
        .map(|(row, generated)| generation(model, row, generated))
        .collect()
}

/// The same, as tokens. A small model has several parts of the rows side by side; each row's tokens
/// are the same in any part.
pub fn generate_tokens(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[Row],
) -> Result<Vec<Generated>> {
    let bar = progress_bar((rows.len() * max_new_tokens) as u64, "generate", "tokens at most");
    let parts = parts(rows, model.resident()?.passes_at_once());
    let generated = parts
        .par_iter()
        .map(|part| {
            let rows: Vec<&Row> = part.iter().map(|row| &rows[*row]).collect();
            generate_part(model, decoding, max_new_tokens, &rows, &|tokens| {
                bar.inc(tokens as u64)
            })
        })
        .collect::<Result<Vec<_>>>()?;
    bar.finish_and_clear();
    let mut texts: Vec<(usize, Generated)> = parts.concat().into_iter().zip(generated.concat()).collect();
    texts.sort_by_key(|(row, _)| *row);
    Ok(texts.into_iter().map(|(_, text)| text).collect())
}

/// Cuts the rows into so many parts at most, each in the order of the rows. Rows with the same prompt
/// are in the same part or in neighbouring ones, since what they share is computed once in each.
fn parts(rows: &[Row], count: usize) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    order.sort_by_key(|row| &rows[*row].tokens);
    let mut parts: Vec<Vec<usize>> = order
        .chunks(rows.len().div_ceil(count).max(1))
        .map(<[usize]>::to_vec)
        .collect();
    parts.iter_mut().for_each(|part| part.sort_unstable());
    parts
}

fn generate_part(
    model: &OpenModel,
    decoding: &Decoding,
    max_new_tokens: usize,
    rows: &[&Row],
    progress: &dyn Fn(usize),
) -> Result<Vec<Generated>> {
    let network = model.resident()?;
    let config = network.config();
    let requests = rows
        .iter()
        .map(|row| request(model, decoding, row))
        .collect::<Result<Vec<_>>>()?;
    let interventions: Vec<&[Intervention]> = rows.iter().map(|row| row.interventions.as_slice()).collect();
    let mut tap = Steer::new(
        &interventions,
        config.layers.len(),
        config.hidden_size,
        &network.device(),
    )?;
    Ok(generate(
        network,
        &requests,
        max_new_tokens,
        &mut tap,
        &mut |tokens| progress(tokens),
    )?)
}

fn request(model: &OpenModel, decoding: &Decoding, row: &Row) -> Result<GenerationRequest> {
    let sampling = Sampling {
        greedy: row.greedy,
        temperature: decoding.temperature,
        top_k: decoding.top_k,
        top_p: decoding.top_p,
        repetition_penalty: decoding.repetition_penalty,
        suppress: suppressed_tokens(&model.tokenizer, &row.set, &row.suppress)?,
    };
    Ok(GenerationRequest {
        prompt: row.tokens.clone(),
        sampling,
        seed: row.seed,
    })
}

fn generation(model: &OpenModel, row: &Row, generated: Generated) -> Result<Generation> {
    Ok(Generation {
        set: row.set.clone(),
        prompt_id: row.prompt_id.clone(),
        prompt: row.prompt.clone(),
        condition: row.condition.clone(),
        coefficient: row.coefficient,
        sample: row.sample,
        seed: row.seed,
        text: model.tokenizer.decode(&generated.tokens)?.trim().to_owned(),
        n_tokens: generated.tokens.len(),
        finish_reason: generated.finish.unwrap_or(FinishReason::Length),
        interventions: row.description.clone(),
        decoding: match row.greedy {
            true => GenerationStyle::Greedy,
            false => GenerationStyle::Sampled,
        },
    })
}

fn write_results(
    pipeline: &Pipeline,
    layout: &Layout,
    out: &Path,
    metadata: &Metadata,
    rows: &[Generation],
) -> Result<()> {
    Generation::write(
        &layout.in_progress(out, &layout.table::<Generation>()),
        metadata,
        rows,
    )?;
    let steer = &pipeline.steer;
    let is_named = |set: &&GenerationSet| Some(&set.name) == steer.notebook_set.as_ref();
    match steer.sets.iter().find(is_named) {
        Some(set) => write_notebook_files(pipeline, out, metadata, set, rows),
        None => Ok(()),
    }
}

/// The texts of one set in the notebook's two formats. The layer of the set's first intervention is
/// part of a file's name.
fn write_notebook_files(
    pipeline: &Pipeline,
    out: &Path,
    metadata: &Metadata,
    set: &GenerationSet,
    rows: &[Generation],
) -> Result<()> {
    let layers = metadata.get("layers").and_then(|text| text.parse().ok());
    let first = set.interventions.first().and_then(|table| table.layers.first());
    let first = first.context("steer.notebook_set: the set has no intervention")?;
    let layer = resolve_layer(*first, layers.unwrap_or(0))?;
    let own: Vec<Generation> = rows.iter().filter(|row| row.set == set.name).cloned().collect();
    let direction = set
        .interventions
        .first()
        .and_then(|table| table.directions.first());
    let feature = match direction.and_then(|name| VectorKind::parse(name)) {
        Some(VectorKind::Feature(sae, feature)) => Some((sae, feature)),
        _ => None,
    };
    let short_name = &pipeline.model.short_name;
    write_steering_json(&out.join(format!("{short_name}_layer{layer}_steer.json")), &own)?;
    let about = NotebookDescription {
        model_name: match &pipeline.model.adapter {
            Some(adapter) => format!("{} + {}", pipeline.model.source.display(), adapter.display()),
            None => pipeline.model.source.display().to_string(),
        },
        model_type: short_name.clone(),
        layer,
        feature,
    };
    Ok(write_swapped_role_json(
        &out.join("swapped_user_role.json"),
        &about,
        &own,
    )?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_with_one_prompt_stay_together_and_each_is_in_one_part() {
        let row = |prompt: u32| Row {
            set: String::new(),
            prompt_id: String::new(),
            prompt: String::new(),
            condition: String::new(),
            coefficient: None,
            sample: 0,
            seed: 0,
            greedy: true,
            suppress: Vec::new(),
            tokens: vec![2, prompt],
            interventions: Vec::new(),
            description: String::new(),
        };
        let rows: Vec<Row> = [9, 5, 7, 9, 5, 7].into_iter().map(row).collect();
        assert_eq!(parts(&rows, 3), [[1, 4], [2, 5], [0, 3]]);
        assert_eq!(parts(&rows, 1), [[0, 1, 2, 3, 4, 5]]);
        assert_eq!(parts(&rows, 4).concat().len(), 6);
        assert!(parts(&[], 2).is_empty());
    }
}
