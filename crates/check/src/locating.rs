//! The tables of activation patching together.

use results::{Knockout, PatchEffect, PatchedPrompt, Result, Run, Shape};

use crate::numbers::are_near;
use crate::problem::Problem;

/// Every prompt is one that was extracted, and effects are what moved over the way between the conditions.
pub fn check(run: &Run, shape: &Shape, problems: &mut Vec<Problem>) -> Result<()> {
    let effects = run.read::<PatchEffect>()?;
    let prompts = run.read::<PatchedPrompt>()?;
    let file = run.layout().inside(&run.layout().table::<PatchedPrompt>());
    for (index, row) in prompts.iter().enumerate() {
        if !shape.prompts.contains(&row.prompt_id) {
            let message = format!("\"{}\" is none of the prompts that were extracted", row.prompt_id);
            problems.push(Problem::of_value(&file, "prompt_id", index, message));
        }
    }
    let file = run.layout().inside(&run.layout().table::<PatchEffect>());
    let ways = prompts
        .iter()
        .map(|row| row.log_odds_positive - row.log_odds_negative);
    let way = ways.sum::<f64>() / prompts.len().max(1) as f64;
    for (index, row) in effects.iter().enumerate() {
        if row.prompts != prompts.len() {
            let message = format!("prompts.parquet has {} prompts", prompts.len());
            problems.push(Problem::of_value(&file, "prompts", index, message));
        }
        if row.layer >= shape.layers {
            let message = format!("the model has {} layers", shape.layers);
            problems.push(Problem::of_value(&file, "layer", index, message));
        }
        if row.effect.is_finite() && !are_near(row.effect * way, row.moved, 1e-9) {
            let message = "it is not `moved` over the way between the conditions";
            problems.push(Problem::of_value(&file, "effect", index, message));
        }
    }
    let file = run.layout().inside(&run.layout().table::<Knockout>());
    for (index, row) in run.read::<Knockout>()?.iter().enumerate() {
        if !shape.conditions.contains(&row.condition) {
            let message = format!(
                "\"{}\" is none of the conditions that were extracted",
                row.condition
            );
            problems.push(Problem::of_value(&file, "condition", index, message));
        }
        if row.last_layer >= shape.layers || row.first_layer > row.last_layer {
            let message = format!("the model has {} layers", shape.layers);
            problems.push(Problem::of_value(&file, "last_layer", index, message));
        }
        if row.effect.is_finite() && !are_near(row.effect * way, row.moved, 1e-9) {
            let message = "it is not `moved` over the way between the conditions";
            problems.push(Problem::of_value(&file, "effect", index, message));
        }
    }
    Ok(())
}
