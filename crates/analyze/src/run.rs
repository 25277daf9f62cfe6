//! The stage: reads every layer twice, analyses the layers in parallel, writes the tables.

use std::path::{Path, PathBuf};

use exchange::{Format, Origin, Vector, write_vector};
use pipeline::{Pipeline, VectorKind};
use results::{
    ComponentPlace, ContrastVectors, DepthCosine, LayerEffects, LayerStatistics, Layout, Metadata, Outlier,
    Projection, Result, Similarity, Summary, Table, TableWriter, VectorComparison, VectorRow,
    write_contrast_vectors, write_statistics_summary, write_summary_csv,
};

use crate::depth::depth_cosines;
use crate::findings::summarize;
use crate::imported;
use crate::recorded::Recorded;
use crate::rigour::Rigour;
use crate::rows::compare_all;
use crate::summary_text::summary_text;

/// Writes all results of the stage into `out` and gives back the text of `summary.txt`. Nothing is
/// written before all activations have been read and checked.
///
/// Reads `contrast`, `vectors` and the names of the conditions from the pipeline, nothing else.
///
/// Memory hardly grows with the number of prompts: no activation is held beyond its batch. All threads
/// share one id for each prompt and a number for it under each pooling; each holds one batch (256 rows),
/// the sums of one layer (`poolings * conditions * hidden * 16` bytes), and one number for each of its rows.
/// Only the vectors are kept for all layers: `layers * poolings * (conditions + 9) * hidden * 4` bytes. The
/// exceptions are the paired statistics, which look at 256 prompts at most (see `Rigour::of`), and the
/// cosine matrices, on request (see `compare_all`).
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<String> {
    let recorded = Recorded::read(pipeline, &layout.activations())?;
    let shape = recorded.layers.first().and_then(|layer| layer.first());
    let hidden_size = shape.map_or(0, |layer| layer.contrast.len());
    let imported = imported::read(pipeline, recorded.layers.len(), hidden_size)?;
    let metadata = recorded
        .metadata
        .clone()
        .with("pipeline", &pipeline.name)
        .with("positive", &pipeline.contrast.positive)
        .with("negative", &pipeline.contrast.negative)
        .with("pooling", pipeline.contrast.pooling.as_str());
    let place = |path: PathBuf| layout.in_progress(out, &path);

    let mut projections = TableWriter::<Projection>::create(&place(layout.table::<Projection>()), &metadata)?;
    let imported_rows = imported::rows(pipeline, &imported);
    let rigour = Rigour::of(pipeline, &recorded, &imported_rows, &mut projections)?;
    projections.finish()?;

    let mut similarities =
        TableWriter::<Similarity>::create(&place(layout.table::<Similarity>()), &metadata)?;
    if wants_cosine_matrices(pipeline, &recorded) {
        compare_all(&recorded, &mut similarities)?;
    }
    similarities.finish()?;
    let findings = write_rigour(pipeline, layout, out, &metadata, &recorded, &rigour)?;
    let text = write_layers(pipeline, layout, out, &metadata, recorded, rigour, &imported)? + &findings;
    fs_err::write(out.join("summary.txt"), &text)?;
    Ok(text)
}

/// The tables of how reliable the figures are; the text says it in sentences.
fn write_rigour(
    pipeline: &Pipeline,
    layout: &Layout,
    out: &Path,
    metadata: &Metadata,
    recorded: &Recorded,
    rigour: &Rigour,
) -> Result<String> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    LayerStatistics::write(
        &place(layout.table::<LayerStatistics>()),
        metadata,
        &rigour.statistics,
    )?;
    Outlier::write(&place(layout.table::<Outlier>()), metadata, &rigour.outliers)?;
    LayerEffects::write(&place(layout.table::<LayerEffects>()), metadata, &rigour.effects)?;
    let components = place(layout.table::<ComponentPlace>());
    ComponentPlace::write(&components, metadata, &rigour.components)?;
    DepthCosine::write(
        &place(layout.table::<DepthCosine>()),
        metadata,
        &depth_cosines(&recorded.layers),
    )?;
    let of_pooling = recorded
        .prompts
        .iter()
        .find(|(pooling, _)| *pooling == pipeline.contrast.pooling);
    let prompts = of_pooling.map_or(0, |(_, prompts)| prompts.len());
    let Some(summary) = summarize(pipeline, rigour, prompts) else {
        return Ok(String::new());
    };
    write_statistics_summary(&place(layout.statistics_summary()), &summary)?;
    let lines = summary.findings.iter().map(|finding| format!("  {finding}\n"));
    Ok(format!("\nHow sure is that?\n{}", lines.collect::<String>()))
}

/// Says so where the table stays empty.
fn wants_cosine_matrices(pipeline: &Pipeline, recorded: &Recorded) -> bool {
    let counts = recorded.prompts.iter().map(|(_, prompts)| prompts.len());
    let prompts = counts.max().unwrap_or(0);
    let is_wanted = pipeline.contrast.builds_cosine_matrices(prompts);
    if !is_wanted {
        let why = match pipeline.contrast.cosine_matrices {
            Some(_) => "the pipeline says `contrast.cosine_matrices = false`".to_owned(),
            None => format!(
                "a matrix of {prompts} prompts is large; `contrast.cosine_matrices = true` in the pipeline asks for it"
            ),
        };
        tracing::info!("similarities.parquet has no rows: {why}");
    }
    is_wanted
}

/// The tables with a few rows for each layer.
fn write_layers(
    pipeline: &Pipeline,
    layout: &Layout,
    out: &Path,
    metadata: &Metadata,
    recorded: Recorded,
    rigour: Rigour,
    imported: &[Vector],
) -> Result<String> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    let analyses = recorded.layers.into_iter().flatten();
    let (summaries, vectors): (Vec<Summary>, Vec<Vec<VectorRow>>) = analyses
        .map(|analysis| (analysis.summary, analysis.vectors))
        .unzip();
    let mut vectors = vectors.concat();
    vectors.extend(rigour.vectors);
    vectors.extend(imported::rows(pipeline, imported));
    Summary::write(&place(layout.table::<Summary>()), metadata, &summaries)?;
    VectorRow::write(&place(layout.table::<VectorRow>()), metadata, &vectors)?;

    let pooling = pipeline.contrast.pooling;
    let of_pooling: Vec<&VectorRow> = vectors.iter().filter(|row| row.pooling == pooling).collect();
    let comparisons = imported::comparisons(imported, &of_pooling);
    VectorComparison::write(&place(layout.table::<VectorComparison>()), metadata, &comparisons)?;
    let steered_with = contrast_vectors(metadata, &of_pooling, imported);
    write_contrast_vectors(&place(layout.contrast_vectors()), &steered_with)?;
    export(&place(layout.exports()), &steered_with)?;

    let (positive, negative) = (&pipeline.contrast.positive, &pipeline.contrast.negative);
    let shown: Vec<Summary> = summaries
        .into_iter()
        .filter(|row| row.pooling == pooling)
        .collect();
    write_summary_csv(&out.join("summary.csv"), positive, negative, &shown)?;
    Ok(summary_text(positive, negative, &shown))
}

/// The contrast in the formats of other tools; its safetensors file is there already.
fn export(folder: &Path, vectors: &ContrastVectors) -> Result<()> {
    let Some(contrast) = Vector::of(vectors, "contrast") else {
        return Ok(());
    };
    let origin = Origin::of(vectors, "contrast");
    for format in [Format::Gguf, Format::Npy, Format::Neuronpedia] {
        write_vector(folder, format, &contrast, &origin)?;
    }
    Ok(())
}

/// The vectors of the contrast's pooling, layers one after the other.
fn contrast_vectors(metadata: &Metadata, rows: &[&VectorRow], imported: &[Vector]) -> ContrastVectors {
    let contrasts = rows.iter().filter(|row| row.vector_name == VectorKind::Contrast);
    let hidden_size = rows.first().map_or(0, |row| row.vector.len());
    let mut result = ContrastVectors::new(metadata.clone(), contrasts.count(), hidden_size);
    let ours = rows
        .iter()
        .filter(|row| row.layer == 0 && !matches!(row.vector_name, VectorKind::Imported(_)));
    for kind in ours.map(|row| &row.vector_name) {
        let layers = rows.iter().filter(|row| row.vector_name == *kind);
        result.insert(kind, layers.flat_map(|row| row.vector.clone()).collect());
    }
    for vector in imported {
        result.insert_some(&VectorKind::Imported(vector.name.clone()), &vector.rows);
    }
    result
}
