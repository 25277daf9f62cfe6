//! The prompts, formats and rows of the notebook, as the programs in `benchmarks/peers` have them.

use anyhow::{Context, Result};
use interventions::addition;
use model::{GenerationRequest, Sampling};
use pipeline::{Pipeline, read_prompts};
use results::RenderedPrompt;
use session::{OpenModel, render_prompts};
use steer::Intervention;
use terms::Positions;

/// The six prompts in the normal format, then in the swapped one.
pub fn prompts(model: &OpenModel, pipeline: &Pipeline) -> Result<Vec<RenderedPrompt>> {
    let file = &pipeline.prompts.file;
    let prompts = read_prompts(file).context("the benchmark runs in the project's folder")?;
    render_prompts(&model.tokenizer, file, &prompts, &pipeline.conditions)
}

/// This many rows, repeating the prompts, each with its own seed.
pub fn requests(prompts: &[RenderedPrompt], rows: usize) -> Vec<GenerationRequest> {
    let request = |row: usize| GenerationRequest {
        prompt: prompts[row % prompts.len()]
            .token_ids
            .iter()
            .map(|id| id.cast_unsigned())
            .collect(),
        sampling: Sampling {
            greedy: false,
            temperature: 0.7,
            top_k: 50,
            top_p: 1.0,
            repetition_penalty: 1.1,
            suppress: Vec::new(),
        },
        seed: row as u64,
    };
    (0..rows).map(request).collect()
}

/// The notebook's layer 20 of 42, at the same depth.
pub fn steering_layer(layers: usize) -> usize {
    (20.0 / 42.0 * layers as f64).round() as usize
}

/// An addition of the direction to each row, with a different coefficient for each unless they are
/// given.
pub fn interventions(
    rows: usize,
    layer: usize,
    direction: &[f32],
    coefficients: &[f64],
) -> Vec<Vec<Intervention>> {
    let intervention = |row: usize| {
        let own = (row as f64 - rows as f64 / 2.0) / rows as f64;
        let push = addition(direction, coefficients.get(row).copied().unwrap_or(own));
        vec![Intervention::new(layer, Positions::All, push)]
    };
    (0..rows).map(intervention).collect()
}
