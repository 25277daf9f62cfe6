//! Where the role lives: the two conditions of a prompt are a pair of runs, and the one is run with activations of
//! the other put in at one place. How far its answer then goes toward the other's says what that place carries.
//!
//! Nothing is judged by a third model: the measure is what the model itself makes of the two unsteered answers.
//! `docs/statistics.md` gives each formula.

mod capture;
mod changes;
mod effects;
mod knock_out;
mod means;
mod pairs;
mod patched;
mod places;
mod scoring;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use files::HashMemo;
use model::{GenerationRequest, Sampling, generate};
use pipeline::Pipeline;
use results::{Knockout, Layout, Metadata, PatchEffect, PatchedPrompt, RenderedPrompt, Table};
use session::{OpenModel, open_for_generation};

pub use capture::Activations;
pub use changes::{Change, Changes, Place};
pub use pairs::{Alignment, Pair, pairs};
pub use places::{Spot, Work, patches, places, spots, work};
pub use scoring::{Context, Score, scores};

/// The stage: reads `[model]`, `[contrast]` and `[locate]`, and the prompts of `extract`; writes into `out`.
pub fn run(pipeline: &Pipeline, layout: &Layout, out: &Path) -> Result<()> {
    let (rendered, metadata) = RenderedPrompt::read(&layout.table::<RenderedPrompt>())?;
    let metadata = metadata.inherited();
    let table = &pipeline.locate;
    if !table.enabled {
        return write(layout, out, &metadata, &Found::default());
    }
    let model = open_for_generation(&pipeline.model, &HashMemo::read(&layout.hash_memo()))?;
    let network = model.resident()?;
    let pairs = pairs(pipeline, &rendered, table.prompts)?;
    let answers = answers(&model, &pairs, table.tokens)?;
    let spots = spots(network.config(), table, &pairs);
    tracing::info!("{} places and positions, {} prompts", spots.len(), pairs.len());
    let patched = patched::patched(network, &pairs, &answers, &spots, table.seed)?;
    let ways: Vec<f64> = patched
        .iter()
        .map(|pair| pair.log_odds[0] - pair.log_odds[1])
        .collect();
    let conditions = [
        pipeline.contrast.positive.as_str(),
        pipeline.contrast.negative.as_str(),
    ];
    let knockouts = knock_out::knockouts(network, &pairs, &answers, conditions, &ways, table.seed)?;
    let effects = effects::effects(&spots, &pairs, &patched, table.seed);
    let mut texts = Vec::with_capacity(answers.len());
    for [positive, negative] in &answers {
        texts.push([
            model.tokenizer.decode(positive)?,
            model.tokenizer.decode(negative)?,
        ]);
    }
    let prompts = effects::prompts(&pairs, &patched, &texts);
    let found = Found {
        effects,
        prompts,
        knockouts,
    };
    write(layout, out, &metadata, &found)
}

/// Everything that the stage writes.
#[derive(Default)]
struct Found {
    effects: Vec<PatchEffect>,
    prompts: Vec<PatchedPrompt>,
    knockouts: Vec<Knockout>,
}

/// The first tokens of the model's own greedy answers, an end token included.
fn answers(model: &OpenModel, pairs: &[Pair], tokens: usize) -> Result<Vec<[Vec<u32>; 2]>> {
    let request = |prompt: &Vec<u32>| GenerationRequest {
        prompt: prompt.clone(),
        sampling: Sampling::greedy(),
        seed: 0,
    };
    let requests: Vec<GenerationRequest> = pairs
        .iter()
        .flat_map(|pair| pair.tokens.iter().map(request))
        .collect();
    let texts = generate(model.resident()?, &requests, tokens, &mut (), &mut |_| ())?;
    let mut answers = Vec::with_capacity(pairs.len());
    for (pair, texts) in pairs.iter().zip(texts.chunks(2)) {
        if texts.iter().any(|text| text.tokens.is_empty()) {
            bail!("prompt \"{}\": the model gave no answer", pair.id);
        }
        answers.push([texts[0].tokens.clone(), texts[1].tokens.clone()]);
    }
    Ok(answers)
}

fn write(layout: &Layout, out: &Path, metadata: &Metadata, found: &Found) -> Result<()> {
    let place = |path: PathBuf| layout.in_progress(out, &path);
    PatchEffect::write(&place(layout.table::<PatchEffect>()), metadata, &found.effects)?;
    PatchedPrompt::write(&place(layout.table::<PatchedPrompt>()), metadata, &found.prompts)?;
    Knockout::write(&place(layout.table::<Knockout>()), metadata, &found.knockouts)?;
    Ok(())
}
