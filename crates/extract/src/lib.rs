//! Prompts to residual streams: renders every prompt in every condition, runs each text through the model
//! once, and writes the residual stream after every layer, pooled to one vector, as one Parquet file a layer.

mod memory;
mod open;
mod pooling;
mod prompts;
mod record;

use std::path::Path;

use anyhow::{Context, Result, bail};
use artifacts::{
    Activation, Layout, Metadata, Pipeline, Pooling, RememberedHashes, RenderedPrompt, progress_bar,
    read_prompts, write_activations, write_rendered_prompts,
};
use model::Batch;

pub use open::{Network, OpenModel, open_for_generation, open_model};
pub use pooling::{Newlines, Wanted, pooled_position};
pub use prompts::render_prompts;
pub use record::Record;

/// Rows in one pass. The tokens of a pass cost memory, and more rows than this bring no more speed on a CPU.
const ROWS_PER_BATCH: usize = 32;

/// The stage: reads `[model]`, `[prompts]`, `[conditions]` and `[extract]`, writes into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let prompts = read_prompts(&pipeline.prompts.file).context("reading the prompts (prompts.file)")?;
    let model = open_model(
        &pipeline.model,
        &RememberedHashes::read(&layout.remembered_hashes()),
    )?;
    let rendered = render_prompts(
        &model.tokenizer,
        &pipeline.prompts.file,
        &prompts,
        &pipeline.conditions,
    )?;
    let metadata = metadata(pipeline, &model);
    let layers = capture(&model, &rendered, &pipeline.extract.poolings)?;
    let folder = layout.in_progress(out, &layout.activations());
    for (layer, rows) in layers.iter().enumerate() {
        write_activations(&folder, layer, &metadata, rows)?;
    }
    write_rendered_prompts(
        &layout.in_progress(out, &layout.rendered_prompts()),
        &metadata,
        &rendered,
    )?;
    Ok(())
}

/// One pass for every rendered prompt. The result holds, for each layer, a row for every prompt and pooling, in
/// the order of `rendered` and `poolings`.
pub fn capture(
    model: &OpenModel,
    rendered: &[RenderedPrompt],
    poolings: &[Pooling],
) -> Result<Vec<Vec<Activation>>> {
    let config = model.network.config();
    let n_layers = config.layers.len();
    let mut captured: Vec<Vec<Option<Vec<f32>>>> =
        vec![vec![None; rendered.len() * poolings.len()]; n_layers];
    let bar = progress_bar((rendered.len() * n_layers) as u64, "extract", "residuals");
    let batches = batches(rendered);
    for sweep in sweeps(&batches, rendered, config.hidden_size) {
        let (inputs, mut records) = prepared(model, rendered, poolings, sweep)?;
        match &model.network {
            Network::Resident(network) => {
                for (input, record) in inputs.iter().zip(&mut records) {
                    network.forward(input, None, record)?;
                    bar.inc((input.rows() * n_layers) as u64);
                }
            }
            Network::Streamed(network) => {
                let prompts: usize = inputs.iter().map(Batch::rows).sum();
                network.forward(&inputs, &mut records, &mut |_| bar.inc(prompts as u64))?;
            }
        }
        for (batch, record) in sweep.iter().zip(records) {
            for (layer, vectors) in record.finish()?.into_iter().enumerate() {
                for (offset, vector) in vectors.into_iter().enumerate() {
                    let row = batch[offset / poolings.len()] * poolings.len() + offset % poolings.len();
                    captured[layer][row] = Some(vector);
                }
            }
        }
    }
    bar.finish_and_clear();
    captured
        .into_iter()
        .enumerate()
        .map(|(layer, vectors)| rows_of_layer(model, rendered, poolings, layer, vectors))
        .collect()
}

/// The batches of a sweep as the network takes them, each with the tap that records it.
fn prepared(
    model: &OpenModel,
    rendered: &[RenderedPrompt],
    poolings: &[Pooling],
    sweep: &[Vec<usize>],
) -> Result<(Vec<Batch>, Vec<Record>)> {
    let mut inputs = Vec::with_capacity(sweep.len());
    let mut records = Vec::with_capacity(sweep.len());
    for batch in sweep {
        let rows: Vec<Vec<u32>> = batch.iter().map(|index| tokens(&rendered[*index])).collect();
        let wanted_of = |index: &usize| {
            let token_ids = &rendered[*index].token_ids;
            poolings
                .iter()
                .map(|pooling| pooled_position(&model.newlines, *pooling, token_ids))
        };
        let wanted: Vec<Wanted> = batch.iter().flat_map(wanted_of).collect();
        records.push(Record::new(&rows, &wanted, poolings.len()));
        inputs.push(Batch::right_padded(&rows)?);
    }
    Ok((inputs, records))
}

/// What the residual streams of one sweep may take. A streamed model reads all of its weights once for each sweep.
const BYTES_PER_SWEEP: usize = 512 << 20;

/// Cuts the batches into groups whose residual streams are held at the same time.
fn sweeps<'a>(
    batches: &'a [Vec<usize>],
    rendered: &[RenderedPrompt],
    hidden_size: usize,
) -> Vec<&'a [Vec<usize>]> {
    let bytes = |batch: &Vec<usize>| {
        let width = batch.iter().map(|index| rendered[*index].token_ids.len()).max();
        batch.len() * width.unwrap_or(0) * hidden_size * size_of::<f32>()
    };
    let (mut sweeps, mut first, mut held) = (Vec::new(), 0, 0);
    for (index, batch) in batches.iter().enumerate() {
        if index > first && held + bytes(batch) > BYTES_PER_SWEEP {
            sweeps.push(&batches[first..index]);
            (first, held) = (index, 0);
        }
        held += bytes(batch);
    }
    sweeps.push(&batches[first..]);
    sweeps
}

/// Prompts of about one length side by side, so that little is padded.
fn batches(rendered: &[RenderedPrompt]) -> Vec<Vec<usize>> {
    let mut order: Vec<usize> = (0..rendered.len()).collect();
    order.sort_by_key(|index| rendered[*index].token_ids.len());
    order.chunks(ROWS_PER_BATCH).map(<[usize]>::to_vec).collect()
}

fn rows_of_layer(
    model: &OpenModel,
    rendered: &[RenderedPrompt],
    poolings: &[Pooling],
    layer: usize,
    vectors: Vec<Option<Vec<f32>>>,
) -> Result<Vec<Activation>> {
    let mut rows = Vec::with_capacity(vectors.len());
    for (index, vector) in vectors.into_iter().enumerate() {
        let (prompt, pooling) = (
            &rendered[index / poolings.len()],
            poolings[index % poolings.len()],
        );
        let activation =
            vector.with_context(|| format!("prompt \"{}\" was not captured", prompt.prompt_id))?;
        if activation.iter().any(|value| !value.is_finite()) {
            let (id, condition) = (&prompt.prompt_id, &prompt.condition);
            bail!(
                "the residual after layer {layer} for prompt \"{id}\" in condition \"{condition}\" is not finite; try model.dtype = \"f32\""
            );
        }
        let position = match pooled_position(&model.newlines, pooling, &prompt.token_ids) {
            Wanted::Position(position) => Some(position),
            Wanted::Mean => None,
        };
        let token_id = position.map(|position| prompt.token_ids[position]);
        let squares: f64 = activation.iter().map(|value| f64::from(*value).powi(2)).sum();
        rows.push(Activation {
            prompt_id: prompt.prompt_id.clone(),
            condition: prompt.condition.clone(),
            pooling,
            position: position.map(|position| position as i32),
            token_id,
            token_text: token_id.map(|id| model.tokenizer.token_text(id.cast_unsigned())),
            norm: squares.sqrt() as f32,
            activation,
        });
    }
    Ok(rows)
}

fn tokens(prompt: &RenderedPrompt) -> Vec<u32> {
    prompt.token_ids.iter().map(|id| id.cast_unsigned()).collect()
}

fn metadata(pipeline: &Pipeline, model: &OpenModel) -> Metadata {
    let config = model.network.config();
    Metadata::default()
        .with("pipeline", &pipeline.name)
        .with("model_name", &pipeline.model.name)
        .with("model_fingerprint", &model.fingerprint)
        .with("weights_fingerprint", &model.weights_fingerprint)
        .with("template_hash", model.tokenizer.template_hash())
        .with("dtype", model.precision.as_str())
        .with("device", model.device)
        .with("layers", config.layers.len())
        .with("hidden_size", config.hidden_size)
        .with("roleswap_version", env!("CARGO_PKG_VERSION"))
}
