//! The stage: reads every layer, analyses the layers in parallel, writes the tables.

use std::path::{Path, PathBuf};

use artifacts::{
    ContrastVectors, Error, Layout, Metadata, Pipeline, Result, Summary, VectorKind, VectorRow,
    activation_file, activation_layers, read_activations, write_contrast_vectors, write_projections,
    write_similarities, write_summaries, write_summary_csv, write_vectors,
};
use rayon::prelude::*;

use crate::groups::{PooledLayer, group_by_pooling};
use crate::layer::{LayerAnalysis, analyze_layer};
use crate::summary_text::summary_text;

/// Writes all results of the stage into `out` and gives back the text of `summary.txt`.
///
/// Reads `contrast` and the names of the conditions from the pipeline, nothing else.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<String> {
    let folder = layout.activations();
    let (layers, metadata) = read_layers(pipeline, &folder)?;
    let metadata = metadata
        .with("pipeline", &pipeline.name)
        .with("positive", &pipeline.contrast.positive)
        .with("negative", &pipeline.contrast.negative)
        .with("pooling", pipeline.contrast.pooling.as_str());
    let groups: Vec<&PooledLayer> = layers.iter().flatten().collect();
    let analyses = groups
        .par_iter()
        .map(|group| analyze_contrast(pipeline, &folder, group))
        .collect::<Vec<_>>()
        .into_iter()
        .collect::<Result<Vec<_>>>()?;
    write_tables(pipeline, layout, out, &metadata, analyses)
}

/// Every layer's activations by pooling, and the metadata that all layers share.
fn read_layers(pipeline: &Pipeline, folder: &Path) -> Result<(Vec<Vec<PooledLayer>>, Metadata)> {
    let conditions: Vec<&str> = pipeline
        .conditions
        .iter()
        .map(|condition| condition.name.as_str())
        .collect();
    let read = |layer: usize| {
        let (rows, metadata) = read_activations(folder, layer)?;
        Ok((
            group_by_pooling(&activation_file(folder, layer), layer, &conditions, rows)?,
            metadata.inherited(),
        ))
    };
    // First all results, then the first error: the message is that of the lowest layer every time.
    let results: Vec<Result<_>> = activation_layers(folder)?.into_par_iter().map(read).collect();
    let (layers, metadata): (Vec<Vec<PooledLayer>>, Vec<Metadata>) = results
        .into_iter()
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .unzip();
    for (layer, (groups, own)) in layers.iter().zip(&metadata).enumerate() {
        if let Some(problem) = mismatch(&layers[0], groups).or_else(|| other_run(&metadata[0], own)) {
            let message =
                format!("layer {layer} does not fit layer 0: {problem}; run `cargo xtask extract --force`");
            return Err(Error::invalid(activation_file(folder, layer), message));
        }
    }
    Ok((layers, metadata.into_iter().next().unwrap_or_default()))
}

/// How a layer's shape differs from that of the first layer.
fn mismatch(first: &[PooledLayer], other: &[PooledLayer]) -> Option<String> {
    let poolings = |groups: &[PooledLayer]| {
        groups
            .iter()
            .map(|group| group.pooling.as_str())
            .collect::<Vec<_>>()
            .join(", ")
    };
    if poolings(first) != poolings(other) {
        return Some(format!(
            "it has the poolings {}, not {}",
            poolings(other),
            poolings(first)
        ));
    }
    first.iter().zip(other).find_map(|(first, other)| {
        let (want, have) = (first.hidden_size(), other.hidden_size());
        if want != have {
            return Some(format!("its vectors have {have} numbers, not {want}"));
        }
        (first.prompts != other.prompts).then(|| "it has other prompts".to_owned())
    })
}

/// The first metadata entry in which two layers differ, such as the fingerprint of the model.
fn other_run(first: &Metadata, other: &Metadata) -> Option<String> {
    let differs = |(key, _): &(&str, &str)| first.get(key) != other.get(key);
    let (key, _) = first.iter().chain(other.iter()).find(differs)?;
    let value = |metadata: &Metadata| metadata.get(key).unwrap_or("nothing").to_owned();
    Some(format!(
        "its footer says `{key}` = {}, not {}",
        value(other),
        value(first)
    ))
}

fn analyze_contrast(pipeline: &Pipeline, folder: &Path, group: &PooledLayer) -> Result<LayerAnalysis> {
    let condition = |name: &str| {
        group.condition(name).ok_or_else(|| {
            let message = format!("layer {}: there is no condition \"{name}\"", group.layer);
            Error::invalid(activation_file(folder, group.layer), message)
        })
    };
    let contrast = &pipeline.contrast;
    Ok(analyze_layer(
        group,
        condition(&contrast.positive)?,
        condition(&contrast.negative)?,
    ))
}

fn write_tables(
    pipeline: &Pipeline,
    layout: &Layout,
    out: &Path,
    metadata: &Metadata,
    analyses: Vec<LayerAnalysis>,
) -> Result<String> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    let (mut summaries, mut similarities) = (Vec::new(), Vec::new());
    let (mut vectors, mut projections) = (Vec::new(), Vec::new());
    for analysis in analyses {
        summaries.push(analysis.summary);
        similarities.extend(analysis.similarities);
        vectors.extend(analysis.vectors);
        projections.extend(analysis.projections);
    }
    write_summaries(&place(layout.summary()), metadata, &summaries)?;
    write_similarities(&place(layout.similarities()), metadata, &similarities)?;
    write_vectors(&place(layout.vectors()), metadata, &vectors)?;
    write_projections(&place(layout.projections()), metadata, &projections)?;

    let pooling = pipeline.contrast.pooling.as_str();
    let steered_with = contrast_vectors(layout, metadata, pooling, &vectors)?;
    write_contrast_vectors(&place(layout.contrast_vectors()), &steered_with)?;

    let (positive, negative) = (&pipeline.contrast.positive, &pipeline.contrast.negative);
    let shown: Vec<Summary> = summaries
        .into_iter()
        .filter(|row| row.pooling == pooling)
        .collect();
    write_summary_csv(&out.join("summary.csv"), positive, negative, &shown)?;
    let text = summary_text(positive, negative, &shown);
    fs_err::write(out.join("summary.txt"), &text)?;
    Ok(text)
}

/// The vectors of the contrast's pooling, layers one after the other.
fn contrast_vectors(
    layout: &Layout,
    metadata: &Metadata,
    pooling: &str,
    vectors: &[VectorRow],
) -> Result<ContrastVectors> {
    let rows: Vec<&VectorRow> = vectors.iter().filter(|row| row.pooling == pooling).collect();
    let contrasts: Vec<&VectorRow> = rows
        .iter()
        .copied()
        .filter(|row| row.kind == VectorKind::Contrast)
        .collect();
    let Some(first) = contrasts.first() else {
        let message = format!(
            "no activation has the pooling \"{pooling}\" of the contrast; run `cargo xtask extract --force`"
        );
        return Err(Error::invalid(layout.activations(), message));
    };
    let hidden_size = first.vector.len();
    let mut result = ContrastVectors::new(metadata.clone(), contrasts.len(), hidden_size);
    for kind in rows
        .iter()
        .filter(|row| row.layer == first.layer)
        .map(|row| &row.kind)
    {
        let layers = rows
            .iter()
            .filter(|row| row.kind == *kind)
            .flat_map(|row| row.vector.clone());
        result.insert(kind, layers.collect());
    }
    Ok(result)
}
