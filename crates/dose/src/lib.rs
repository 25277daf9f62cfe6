//! Vectors to doses: steers with the contrast and other directions at several layers and strengths, and with controls
//! in their place, and measures what this does to the texts and what it costs, without a judge model.
//!
//! The unsteered model itself says which speaker a text sounds like (its log-probability in one
//! format and in the other, and where its activations go as it reads it), and how much a text is damaged (its
//! perplexity). A dose is chosen on some prompts and measured on others. `docs/statistics.md` gives each formula.

mod choice;
mod directions;
mod effects;
mod findings;
mod folds;
mod held_out;
mod plan;
mod prompts;
mod recorded;
mod scoring;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use features::insert_directions;
use files::HashMemo;
use pipeline::{DoseTable, Pipeline, VectorKind};
use results::{
    ContrastVectors, DoseEffect, DoseSummary, DoseText, HeldOutText, Layout, Metadata, RenderedPrompt,
    Summary, Table, read_contrast_vectors, write_dose_summary,
};
use session::{GpuRecord, open_for_generation};

use directions::require_vectors;
use findings::findings;
use held_out::hold_out;
use recorded::Recorded;

pub use choice::{View, choose};
pub use directions::{Direction, LayerDirections, random_direction};
pub use effects::{Baseline, effects};
pub use folds::{Folds, MOST_FOLDS};
pub use plan::{MOST_LAYERS, Outline, Planned, doses, layers, outline};
pub use prompts::{PromptPair, everyday_prompts, neutral, pairs};
pub use scoring::{Score, Sequence, divergences, log_probabilities, scores};
pub use sweep::{NEUTRAL_TOKENS, Setting, Sweep, Wanted, sweep};

/// The stage: reads `[model]`, `[conditions]`, `[contrast]`, `[saes]` and `[dose]`, and the prompts,
/// activations and vectors of earlier stages; writes into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let (rendered, metadata) = RenderedPrompt::read(&layout.table::<RenderedPrompt>())?;
    let metadata = metadata
        .inherited()
        .with("perplexity_budget", pipeline.dose.perplexity_budget);
    if !pipeline.dose.enabled {
        let finding = "The sweep was left out: the pipeline says `dose.enabled = false`.";
        return write(layout, out, &metadata, &Found::nothing(pipeline, finding));
    }
    let mut vectors = read_contrast_vectors(&layout.contrast_vectors())?;
    let (summaries, _) = Summary::read(&layout.table::<Summary>())?;
    let pooling = pipeline.contrast.pooling;
    let summaries: Vec<Summary> = summaries
        .into_iter()
        .filter(|row| row.pooling == pooling)
        .collect();

    let names = pipeline.dose.directions.iter().map(String::as_str);
    insert_directions(pipeline, names, &mut vectors)?;
    let pairs = pairs(pipeline, &rendered, pipeline.dose.prompts)?;
    let folds = Folds::of(&pairs, &rendered, pipeline.dose.seed);
    let positive = &pipeline.contrast.positive;
    let recorded = Recorded {
        folder: &layout.activations(),
        contrast: &pipeline.contrast,
        prompts: rendered.iter().filter(|row| row.condition == *positive).count(),
        folds: &folds,
    };
    let (planned, of_layers) = plan(&pipeline.dose, &summaries, &vectors, &recorded)?;
    let model = open_for_generation(&pipeline.model, &HashMemo::read(&layout.hash_memo()))?;
    if vectors.metadata.get("model_fingerprint").unwrap_or_default() != model.fingerprint {
        bail!(
            "{}: the vectors belong to another model; run `cargo xtask extract` first",
            layout.contrast_vectors().display()
        );
    }
    let metadata = metadata.with_all(model.gpu.iter().flat_map(GpuRecord::entries));
    let neutral = neutral(pipeline, &model)?;
    tracing::info!(
        "{} doses, {} prompts, {} neutral ones",
        planned.len(),
        pairs.len(),
        neutral.len()
    );
    let last_contrast = vectors.get(&VectorKind::Contrast.name(), vectors.layers - 1);
    let setting = Setting {
        model: &model,
        prompts: &pairs,
        conditions: [&pipeline.contrast.positive, &pipeline.contrast.negative],
        last_contrast: last_contrast.context("the analysis has no contrast after the last layer")?,
        table: &pipeline.dose,
    };
    let sweep = sweep(&setting, &planned, &neutral)?;
    let found = Found::of(&setting, &planned, sweep, &of_layers, &folds, neutral.len())?;
    write(layout, out, &metadata, &found)
}

/// All doses, the unsteered model first, and the directions of their layers.
fn plan(
    table: &DoseTable,
    summaries: &[Summary],
    vectors: &ContrastVectors,
    recorded: &Recorded<'_>,
) -> Result<(Vec<Planned>, Vec<LayerDirections>)> {
    let layers = layers(table, summaries)?;
    require_vectors(table, vectors, &layers)?;
    let mut planned = vec![Planned::unsteered()];
    let mut of_layers = Vec::with_capacity(layers.len());
    for layer in layers {
        let norm = summaries[layer].mean_residual_norm;
        let mut directions = LayerDirections::read(table, recorded, vectors, layer, norm)?;
        planned.extend(doses(table, &directions));
        directions.forget_projections();
        of_layers.push(directions);
    }
    Ok((planned, of_layers))
}

/// Everything that the stage writes.
struct Found {
    effects: Vec<DoseEffect>,
    texts: Vec<DoseText>,
    held_out: Vec<HeldOutText>,
    summary: DoseSummary,
}

impl Found {
    fn of(
        setting: &Setting<'_>,
        planned: &[Planned],
        sweep: Sweep,
        layers: &[LayerDirections],
        folds: &Folds,
        neutral_prompts: usize,
    ) -> Result<Self> {
        let (table, baseline) = (setting.table, Baseline::of(&sweep.texts[0]));
        let effects = effects(planned, &sweep, &baseline, table.seed);
        let prompts: Vec<usize> = (0..setting.prompts.len()).collect();
        let view = View {
            doses: planned,
            sweep: &sweep,
            prompts: &prompts,
            baseline: &baseline,
            perplexity_budget: table.perplexity_budget,
            seed: table.seed,
        };
        let mut summary = choose(&view, neutral_prompts);
        let held_out = hold_out(setting, &view, layers, folds, &mut summary.directions)?;
        summary.findings = findings(&summary, setting.conditions);
        for finding in &summary.findings {
            tracing::info!("{finding}");
        }
        Ok(Found {
            effects,
            texts: sweep.texts.into_iter().flatten().flatten().collect(),
            held_out,
            summary,
        })
    }

    fn nothing(pipeline: &Pipeline, finding: &str) -> Self {
        Found {
            effects: Vec::new(),
            texts: Vec::new(),
            held_out: Vec::new(),
            summary: DoseSummary::nothing(pipeline.dose.perplexity_budget, finding),
        }
    }
}

fn write(layout: &Layout, out: &Path, metadata: &Metadata, found: &Found) -> Result<()> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    DoseEffect::write(&place(layout.table::<DoseEffect>()), metadata, &found.effects)?;
    DoseText::write(&place(layout.table::<DoseText>()), metadata, &found.texts)?;
    HeldOutText::write(&place(layout.table::<HeldOutText>()), metadata, &found.held_out)?;
    Ok(write_dose_summary(&place(layout.dose_summary()), &found.summary)?)
}
