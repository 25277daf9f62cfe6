//! The second pass over a layer, when its contrast is known: how far each row reaches along it, and the rows of the
//! prompts that the paired statistics look at.

use results::{Projection, Result, TableWriter};

use crate::contrast::projection;
use crate::layer::LayerAnalysis;
use crate::recorded::Recorded;

/// What is kept of a layer's rows, poolings in the order of its analysis.
pub struct SecondPass {
    /// `dot(h, v) / ||v||`: `[pooling][condition][prompt]`
    projections: Vec<Vec<Vec<f64>>>,
    /// `[pooling][condition][picked prompt][hidden]`
    pub picked: Vec<Vec<Vec<Vec<f32>>>>,
}

impl SecondPass {
    /// `picks`: under each pooling the prompts whose rows are kept, ascending.
    pub fn read(recorded: &Recorded, layer: &[LayerAnalysis], picks: &[Vec<usize>]) -> Result<Self> {
        let conditions = recorded.conditions.len();
        let mut projections = vec![vec![Vec::new(); conditions]; layer.len()];
        let mut picked = vec![vec![Vec::new(); conditions]; layer.len()];
        let number = layer.first().map_or(0, |analysis| analysis.layer);
        for batch in recorded.rows(number)? {
            for row in batch? {
                let pooling = layer.iter().position(|analysis| analysis.pooling == row.pooling);
                let condition = recorded.conditions.iter().position(|name| *name == row.condition);
                let (Some(pooling), Some(condition)) = (pooling, condition) else {
                    continue;
                };
                let LayerAnalysis {
                    contrast, summary, ..
                } = &layer[pooling];
                let reach = projection(&row.activation, contrast, summary.contrast_norm);
                let prompt = projections[pooling][condition].len();
                projections[pooling][condition].push(reach);
                if picks[pooling].binary_search(&prompt).is_ok() {
                    picked[pooling][condition].push(row.activation);
                }
            }
        }
        Ok(SecondPass { projections, picked })
    }

    /// Adds the projections to the table, some rows at a time.
    pub fn append_projections(
        &self,
        recorded: &Recorded,
        layer: &[LayerAnalysis],
        table: &mut TableWriter<Projection>,
    ) -> Result<()> {
        let poolings = layer.iter().zip(&recorded.prompts).zip(&self.projections);
        for ((analysis, (_, prompts)), by_condition) in poolings {
            for (condition, values) in recorded.conditions.iter().zip(by_condition) {
                let pieces = prompts.chunks(ROWS_AT_ONCE).zip(values.chunks(ROWS_AT_ONCE));
                for (prompts, values) in pieces {
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
        }
        Ok(())
    }
}

const ROWS_AT_ONCE: usize = 8192;
