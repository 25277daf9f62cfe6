//! The cosine matrices, which are made on request: the activations are read once more for each.

use rayon::prelude::*;
use results::{Result, Similarity, TableWriter};

use crate::cosine::{cosine_matrix, unit_rows};
use crate::layer::LayerAnalysis;
use crate::recorded::Recorded;

/// Writes the cosine matrix of every pair of conditions, including each condition with itself:
/// `[prompts, prompts]` each.
///
/// One layer and pooling at a time; its unit rows are held in f64: `conditions * prompts * hidden *
/// 8` bytes. Only some rows of a matrix are held.
pub fn compare_all(recorded: &Recorded, table: &mut TableWriter<Similarity>) -> Result<()> {
    for analysis in recorded.layers.iter().flatten() {
        let units = units_of(recorded, analysis)?;
        for a in 0..units.len() {
            for b in a..units.len() {
                append_matrix(recorded, analysis, &units, (a, b), table)?;
            }
        }
    }
    Ok(())
}

/// The unit rows of every condition: `[condition][prompt][hidden]`.
fn units_of(recorded: &Recorded, analysis: &LayerAnalysis) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut units = vec![Vec::new(); recorded.conditions.len()];
    for batch in recorded.rows(analysis.layer)? {
        for row in batch? {
            let condition = recorded.conditions.iter().position(|name| *name == row.condition);
            if let Some(condition) = condition.filter(|_| row.pooling == analysis.pooling) {
                units[condition].extend(unit_rows(&[row.activation]));
            }
        }
    }
    Ok(units)
}

fn append_matrix(
    recorded: &Recorded,
    analysis: &LayerAnalysis,
    units: &[Vec<Vec<f64>>],
    (a, b): (usize, usize),
    table: &mut TableWriter<Similarity>,
) -> Result<()> {
    let prompts = recorded
        .prompts
        .iter()
        .find(|(pooling, _)| *pooling == analysis.pooling)
        .map_or(&[][..], |(_, prompts)| prompts);
    for (rows, prompts_a) in units[a].chunks(ROWS_AT_ONCE).zip(prompts.chunks(ROWS_AT_ONCE)) {
        let cosines: Vec<Vec<f64>> = rows
            .par_chunks(1)
            .flat_map_iter(|row| cosine_matrix(row, &units[b]))
            .collect();
        let entry = |prompt_a: &String, prompt_b: &String, cosine: f64| Similarity {
            layer: analysis.layer,
            pooling: analysis.pooling,
            condition_a: recorded.conditions[a].clone(),
            condition_b: recorded.conditions[b].clone(),
            prompt_a: prompt_a.clone(),
            prompt_b: prompt_b.clone(),
            cosine,
        };
        let mut entries = Vec::with_capacity(rows.len() * prompts.len());
        for (prompt_a, cosines) in prompts_a.iter().zip(cosines) {
            let row = prompts.iter().zip(cosines);
            entries.extend(row.map(|(prompt_b, cosine)| entry(prompt_a, prompt_b, cosine)));
        }
        table.append(&entries)?;
    }
    Ok(())
}

/// Enough to keep all threads busy, few enough to be small for many prompts.
const ROWS_AT_ONCE: usize = 16;
