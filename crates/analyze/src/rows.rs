//! The tables with an entry for every row: projections on the contrast and, on request, the cosine
//! matrices. Both are written while the activations are read again.

use rayon::prelude::*;
use results::{Projection, Result, Similarity, TableWriter};

use crate::contrast::projection;
use crate::cosine::{cosine_matrix, unit_rows};
use crate::layer::LayerAnalysis;
use crate::recorded::Recorded;

/// Projects every row on the contrast of its layer and pooling: `dot(h, v) / ||v||`.
///
/// As many layers at a time as there are threads; one number per row of a layer is held.
pub fn project_all(recorded: &Recorded, table: &mut TableWriter<Projection>) -> Result<()> {
    for layers in recorded.layers.chunks(rayon::current_num_threads()) {
        let projected: Vec<Result<_>> = layers
            .par_iter()
            .map(|layer| project_layer(recorded, layer))
            .collect();
        for (layer, projections) in layers.iter().zip(projected) {
            append_projections(recorded, layer, &projections?, table)?;
        }
    }
    Ok(())
}

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

/// `[pooling][condition][prompt]`, poolings in the order of `layer`.
fn project_layer(recorded: &Recorded, layer: &[LayerAnalysis]) -> Result<Vec<Vec<Vec<f64>>>> {
    let mut projections = vec![vec![Vec::new(); recorded.conditions.len()]; layer.len()];
    let Some(first) = layer.first() else {
        return Ok(projections);
    };
    for batch in recorded.rows(first.layer)? {
        for row in batch? {
            let pooling = layer.iter().position(|analysis| analysis.pooling == row.pooling);
            let condition = recorded.conditions.iter().position(|name| *name == row.condition);
            if let (Some(pooling), Some(condition)) = (pooling, condition) {
                let LayerAnalysis {
                    contrast, summary, ..
                } = &layer[pooling];
                projections[pooling][condition].push(projection(
                    &row.activation,
                    contrast,
                    summary.contrast_norm,
                ));
            }
        }
    }
    Ok(projections)
}

fn append_projections(
    recorded: &Recorded,
    layer: &[LayerAnalysis],
    projections: &[Vec<Vec<f64>>],
    table: &mut TableWriter<Projection>,
) -> Result<()> {
    let poolings = layer.iter().zip(&recorded.prompts).zip(projections);
    for ((analysis, (_, prompts)), by_condition) in poolings {
        for (condition, values) in recorded.conditions.iter().zip(by_condition) {
            let row = |(prompt, &projection): (&String, &f64)| Projection {
                layer: analysis.layer,
                pooling: analysis.pooling,
                condition: condition.clone(),
                prompt_id: prompt.clone(),
                projection,
            };
            let rows: Vec<Projection> = prompts.iter().zip(values).map(row).collect();
            table.append(&rows)?;
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
