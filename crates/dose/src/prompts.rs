//! The prompts that are generated from, and the neutral ones.

use std::path::Path;

use anyhow::{Context, Result, bail};
use pipeline::{Pipeline, Prompt, parse_prompts, read_prompts};
use results::RenderedPrompt;
use session::{OpenModel, render_prompts};
use statistics::evenly;

const EVERYDAY_FILE: &str = "neutral.jsonl";

/// One prompt in both conditions of the contrast.
#[derive(Clone, Debug)]
pub struct PromptPair {
    pub id: String,
    pub text: String,
    /// Tokens in the positive and in the negative condition.
    pub tokens: [Vec<u32>; 2],
}

/// The prompts of the contrast's two conditions, in their order; if there are more than `most`,
/// that many evenly spaced ones.
pub fn pairs(pipeline: &Pipeline, rendered: &[RenderedPrompt], most: usize) -> Result<Vec<PromptPair>> {
    let of = |condition: &str| -> Vec<&RenderedPrompt> {
        rendered.iter().filter(|row| row.condition == condition).collect()
    };
    let contrast = &pipeline.contrast;
    let (positive, negative) = (of(&contrast.positive), of(&contrast.negative));
    let is_paired = positive.len() == negative.len()
        && positive
            .iter()
            .zip(&negative)
            .all(|(a, b)| a.prompt_id == b.prompt_id);
    if positive.is_empty() || !is_paired {
        bail!(
            "the conditions \"{}\" and \"{}\" don't have the same prompts; run `cargo xtask extract --force`",
            contrast.positive,
            contrast.negative
        );
    }
    let picked = evenly(positive.len(), most).into_iter().map(|index| PromptPair {
        id: positive[index].prompt_id.clone(),
        text: positive[index].prompt.clone(),
        tokens: [tokens(positive[index]), tokens(negative[index])],
    });
    Ok(picked.collect())
}

/// The neutral prompts of pipelines that don't name their own file.
pub fn everyday_prompts() -> Result<Vec<Prompt>> {
    Ok(parse_prompts(
        Path::new(EVERYDAY_FILE),
        include_str!("neutral.jsonl"),
    )?)
}

/// The neutral prompts in the positive condition.
pub fn neutral(pipeline: &Pipeline, model: &OpenModel) -> Result<Vec<Vec<u32>>> {
    let (file, prompts) = match &pipeline.dose.neutral {
        Some(file) => (
            file.as_path(),
            read_prompts(file).context("reading the neutral prompts (dose.neutral)")?,
        ),
        None => (Path::new(EVERYDAY_FILE), everyday_prompts()?),
    };
    let condition = pipeline.condition(&pipeline.contrast.positive);
    let condition = condition.context("the contrast's positive condition is missing")?;
    let rendered = render_prompts(&model.tokenizer, file, &prompts, std::slice::from_ref(condition))?;
    Ok(rendered.iter().map(tokens).collect())
}

fn tokens(row: &RenderedPrompt) -> Vec<u32> {
    row.token_ids.iter().map(|id| id.cast_unsigned()).collect()
}
