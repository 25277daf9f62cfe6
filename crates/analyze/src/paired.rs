//! The rows of a layer as pairs: the same prompts in every condition.

use results::Result;
use statistics::evenly;
use terms::Pooling;

use crate::recorded::Recorded;

/// The most prompts that the paired statistics look at; where there are more, this many evenly
/// spaced ones. They compare every prompt with every other, and 256 leave hardly any doubt.
const MOST_PROMPTS: usize = 256;

/// Which of these prompts are looked at, by index.
pub fn picked(prompts: &[usize]) -> Vec<usize> {
    let places = evenly(prompts.len(), MOST_PROMPTS).into_iter();
    places.map(|place| prompts[place]).collect()
}

/// The picked rows of one layer under one pooling: `[condition][picked prompt][hidden]`, conditions
/// in the order of the pipeline.
pub fn picked_rows(
    recorded: &Recorded,
    layer: usize,
    pooling: Pooling,
    picked: &[usize],
) -> Result<Vec<Vec<Vec<f32>>>> {
    let mut rows = vec![Vec::with_capacity(picked.len()); recorded.conditions.len()];
    let mut seen = vec![0; recorded.conditions.len()];
    for batch in recorded.rows(layer)? {
        for row in batch?.into_iter().filter(|row| row.pooling == pooling) {
            let condition = recorded.conditions.iter().position(|name| *name == row.condition);
            if let Some(condition) = condition {
                if picked.binary_search(&seen[condition]).is_ok() {
                    rows[condition].push(row.activation);
                }
                seen[condition] += 1;
            }
        }
    }
    Ok(rows)
}
