//! What a shard leaves: the activations of its prompts, and their texts.

use std::path::Path;

use anyhow::{Context, Result};
use pipeline::Pipeline;
use results::{ActivationWriter, Layout, Metadata, RenderedPrompt, Table};
use session::{GpuRecord, OpenModel};
use terms::Site;

use crate::capture_in_pieces;

/// Records `rendered` and writes part `part` of the stage's files below `out`.
pub(crate) fn write(
    pipeline: &Pipeline,
    layout: &Layout,
    out: &Path,
    model: &OpenModel,
    (part, rendered, findings): (usize, &[RenderedPrompt], &[String]),
) -> Result<()> {
    let metadata = metadata(pipeline, model);
    let layers = model.network.config().layers.len();
    let mut writers = Vec::new();
    for site in [Site::ResidualPost].iter().chain(&pipeline.extract.sites) {
        let folder = layout.in_progress(out, &layout.activations_at(*site));
        let metadata = metadata.clone().with("site", site.as_str());
        writers.push((
            *site,
            ActivationWriter::create(&folder, site.layers(layers), part, &metadata)?,
        ));
    }
    capture_in_pieces(
        model,
        rendered,
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
    let place = layout.in_progress(out, &layout.table::<RenderedPrompt>());
    Ok(RenderedPrompt::write(
        &place,
        &with_findings(metadata, findings),
        rendered,
    )?)
}

/// The footer of the table of prompts.
pub(crate) fn with_findings(metadata: Metadata, findings: &[String]) -> Metadata {
    match findings.is_empty() {
        true => metadata,
        false => metadata.with("findings", findings.join("\n")),
    }
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
