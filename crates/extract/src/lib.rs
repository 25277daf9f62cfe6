//! Prompts to residual streams: renders every prompt in every condition, runs each text through the
//! model once, and writes the residual stream after every layer, pooled to one vector, as one
//! Parquet file a layer.

mod capture;
mod findings;
mod pooling;
mod record;

use std::path::Path;

use anyhow::{Context, Result};
use files::HashMemo;
use pipeline::Pipeline;
use results::{ActivationWriter, Layout, Metadata, RenderedPrompt, Table};
use session::{GpuRecord, OpenModel, open_model};
use terms::Site;

pub use capture::{capture, capture_in_pieces};
pub use findings::{PreparedPrompts, prepare_prompts};
pub use pooling::{Newlines, Wanted, pooled_position};
pub use record::{Record, Recorded};

/// The stage: reads `[model]`, `[prompts]`, `[conditions]` and `[extract]`, writes into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let model = open_model(&pipeline.model, &HashMemo::read(&layout.hash_memo()))?;
    let PreparedPrompts { rendered, findings } =
        prepare_prompts(pipeline, model.network.config(), &model.tokenizer)?;
    for finding in &findings {
        tracing::warn!("{finding}");
    }
    let metadata = metadata(pipeline, &model);
    let layers = model.network.config().layers.len();
    let mut writers = Vec::new();
    for site in [Site::ResidualPost].iter().chain(&pipeline.extract.sites) {
        let folder = layout.in_progress(out, &layout.activations_at(*site));
        let metadata = metadata.clone().with("site", site.as_str());
        writers.push((
            *site,
            ActivationWriter::create(&folder, site.layers(layers), &metadata)?,
        ));
    }
    capture_in_pieces(
        &model,
        &rendered,
        &pipeline.extract.poolings,
        &pipeline.extract.sites,
        &mut |site, layer, rows| {
            let writer = writers.iter_mut().find(|(of, _)| *of == site);
            let (_, writer) = writer.context("a place was read that nobody asked for")?;
            Ok(writer.append(layer, &rows)?)
        },
    )?;
    for (_, writer) in writers {
        writer.finish()?;
    }
    let metadata = match findings.is_empty() {
        true => metadata,
        false => metadata.with("findings", findings.join("\n")),
    };
    RenderedPrompt::write(
        &layout.in_progress(out, &layout.table::<RenderedPrompt>()),
        &metadata,
        &rendered,
    )?;
    Ok(())
}

fn metadata(pipeline: &Pipeline, model: &OpenModel) -> Metadata {
    let config = model.network.config();
    let metadata = Metadata::default()
        .with("pipeline", &pipeline.name)
        .with("model_name", &pipeline.model.name)
        .with("model_source", pipeline.model.public_source())
        .with("model_type", config.model_type)
        .with("model_fingerprint", &model.fingerprint)
        .with("weights_fingerprint", &model.weights_fingerprint)
        .with("template_hash", model.tokenizer.template_hash())
        .with("dtype", model.precision.as_str())
        .with("device", model.device)
        .with_all(model.gpu.iter().flat_map(GpuRecord::entries))
        .with("layers", config.layers.len())
        .with("hidden_size", config.hidden_size)
        .with("roleswap_version", env!("CARGO_PKG_VERSION"));
    let metadata = match pipeline.model.public_adapter() {
        Some(adapter) => metadata.with("model_adapter", adapter),
        None => metadata,
    };
    match model.tokenizer.date() {
        Some(date) => metadata.with("template_date", date),
        None => metadata,
    }
}
