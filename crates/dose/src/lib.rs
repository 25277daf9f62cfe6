//! Vectors to doses: steers with the contrast at several layers and strengths, and with controls
//! in its place, and measures what this does to the texts and what it costs, without a judge model.
//!
//! The unsteered model itself says which speaker a text sounds like (its log-probability in one
//! format and in the other), and how much a text is damaged (its perplexity). `docs/statistics.md`
//! gives each formula.

mod choice;
mod directions;
mod effects;
mod plan;
mod prompts;
mod scoring;
mod sweep;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use files::HashMemo;
use pipeline::Pipeline;
use results::{
    DoseEffect, DoseSummary, DoseText, Layout, Metadata, RenderedPrompt, Summary, Table,
    read_contrast_vectors, write_dose_summary,
};
use session::{GpuRecord, open_for_generation};

pub use choice::choose;
pub use directions::{Direction, LayerDirections, random_direction};
pub use effects::{Baseline, effects};
pub use plan::{MOST_LAYERS, Outline, Planned, doses, layers, outline};
pub use prompts::{PromptPair, everyday_prompts, neutral, pairs};
pub use scoring::{Sequence, divergences, log_probabilities};
pub use sweep::{NEUTRAL_TOKENS, Sweep, sweep};

/// The stage: reads `[model]`, `[conditions]`, `[contrast]` and `[dose]`, and the prompts,
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
    let vectors = read_contrast_vectors(&layout.contrast_vectors())?;
    let (summaries, _) = Summary::read(&layout.table::<Summary>())?;
    let pooling = pipeline.contrast.pooling;
    let summaries: Vec<Summary> = summaries
        .into_iter()
        .filter(|row| row.pooling == pooling)
        .collect();

    let mut planned = vec![Planned::unsteered()];
    for layer in layers(&pipeline.dose, &summaries)? {
        let norm = summaries[layer].mean_residual_norm;
        let directions = LayerDirections::read(pipeline, &layout.activations(), &vectors, layer, norm)?;
        planned.extend(doses(&pipeline.dose, &directions));
    }
    let model = open_for_generation(&pipeline.model, &HashMemo::read(&layout.hash_memo()))?;
    if vectors.metadata.get("model_fingerprint").unwrap_or_default() != model.fingerprint {
        bail!(
            "{}: the vectors belong to another model; run `cargo xtask extract` first",
            layout.contrast_vectors().display()
        );
    }
    let metadata = metadata.with_all(model.gpu.iter().flat_map(GpuRecord::entries));
    let pairs = pairs(pipeline, &rendered, pipeline.dose.prompts)?;
    let neutral = neutral(pipeline, &model)?;
    tracing::info!(
        "{} doses, {} prompts, {} neutral ones",
        planned.len(),
        pairs.len(),
        neutral.len()
    );
    let conditions = [
        pipeline.contrast.positive.as_str(),
        pipeline.contrast.negative.as_str(),
    ];
    let sweep = sweep(&model, &planned, &pairs, &neutral, conditions, &pipeline.dose)?;
    let found = Found::of(pipeline, &planned, sweep, neutral.len());
    write(layout, out, &metadata, &found)
}

/// Everything that the stage writes.
struct Found {
    effects: Vec<DoseEffect>,
    texts: Vec<DoseText>,
    summary: DoseSummary,
}

impl Found {
    fn of(pipeline: &Pipeline, planned: &[Planned], sweep: Sweep, neutral_prompts: usize) -> Self {
        let baseline = Baseline::of(&sweep.texts[0]);
        let effects = effects(planned, &sweep, &baseline, pipeline.dose.seed);
        let (table, contrast) = (&pipeline.dose, &pipeline.contrast);
        let summary = choose(
            table,
            contrast,
            planned,
            &sweep,
            &effects,
            &baseline,
            neutral_prompts,
        );
        for finding in &summary.findings {
            tracing::info!("{finding}");
        }
        Found {
            effects,
            texts: sweep.texts.into_iter().flatten().flatten().collect(),
            summary,
        }
    }

    fn nothing(pipeline: &Pipeline, finding: &str) -> Self {
        Found {
            effects: Vec::new(),
            texts: Vec::new(),
            summary: DoseSummary::nothing(pipeline.dose.perplexity_budget, finding),
        }
    }
}

fn write(layout: &Layout, out: &Path, metadata: &Metadata, found: &Found) -> Result<()> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    DoseEffect::write(&place(layout.table::<DoseEffect>()), metadata, &found.effects)?;
    DoseText::write(&place(layout.table::<DoseText>()), metadata, &found.texts)?;
    Ok(write_dose_summary(&place(layout.dose_summary()), &found.summary)?)
}
