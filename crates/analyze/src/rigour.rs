//! How reliable the figures of all layers are: runs the paired statistics, layers in parallel, and
//! the tests over all layers.

use pipeline::Pipeline;
use rayon::prelude::*;
use results::{ComponentPlace, LayerEffects, LayerStatistics, Outlier, Result, VectorRow};
use statistics::{LabelSwapFamily, label_swap_tests};
use terms::Pooling;

use crate::components::component_places;
use crate::layer::LayerAnalysis;
use crate::measures::{LayerMeasures, Places, SEED, measure};
use crate::paired::{picked, picked_rows};
use crate::recorded::Recorded;

/// What is added to the tables: poolings one after the other, for each the layers in order.
#[derive(Default)]
pub struct Rigour {
    pub statistics: Vec<LayerStatistics>,
    pub outliers: Vec<Outlier>,
    pub vectors: Vec<VectorRow>,
    pub effects: Vec<LayerEffects>,
    /// For the contrast's pooling.
    pub components: Vec<ComponentPlace>,
    /// The tests of the contrast's pooling.
    pub family: Option<LabelSwapFamily>,
    /// Under the contrast's pooling: the prompts that are not copies of another.
    pub distinct_prompts: usize,
}

fn warn_of_copies(pooling: Pooling, prompts: usize, distinct: usize) {
    if distinct < prompts {
        tracing::warn!(
            "pooling {}: {} of {prompts} prompts have the very rows of an earlier one in both conditions, at every layer; intervals \
             and tests don't count them",
            pooling.as_str(),
            prompts - distinct
        );
    }
}

impl Rigour {
    /// Reads every layer once for each pooling. A thread holds the rows of one layer under one pooling, at most 256 prompts
    /// of them; the cosines of these rows are kept for all layers, `(2 * prompts)^2 * 8` bytes each.
    pub fn of(pipeline: &Pipeline, recorded: &Recorded, imported: &[VectorRow]) -> Result<Self> {
        let mut rigour = Rigour::default();
        let Some(places) = Places::of(pipeline, &recorded.conditions) else {
            return Ok(rigour);
        };
        for (index, (pooling, prompts)) in recorded.prompts.iter().enumerate() {
            let distinct = recorded.distinct_prompts(index);
            warn_of_copies(*pooling, prompts.len(), distinct.len());
            let picked = picked(&distinct);
            let ids: Vec<&str> = picked.iter().map(|&prompt| prompts[prompt].as_str()).collect();
            let is_contrasts = *pooling == pipeline.contrast.pooling;
            let one = |layer: &Vec<LayerAnalysis>| {
                let analysis = &layer[index];
                let rows = picked_rows(recorded, analysis.layer, *pooling, &picked)?;
                let components = if is_contrasts {
                    component_places(analysis, &recorded.conditions, places, &ids, &rows)
                } else {
                    Vec::new()
                };
                Ok((measure(pipeline, analysis, places, rows, imported), components))
            };
            let all: Vec<Result<_>> = recorded.layers.par_iter().map(one).collect();
            let all = all.into_iter().collect::<Result<Vec<_>>>()?;
            let (measured, components): (Vec<_>, Vec<_>) = all.into_iter().unzip();
            rigour.components.extend(components.into_iter().flatten());
            let family = rigour.add(measured);
            if is_contrasts {
                rigour.family = Some(family);
                rigour.distinct_prompts = distinct.len();
            }
        }
        Ok(rigour)
    }

    /// All layers under one pooling, and the tests over them.
    fn add(&mut self, measured: Vec<LayerMeasures>) -> LabelSwapFamily {
        let mut cosines = Vec::with_capacity(measured.len());
        let first = self.statistics.len();
        for layer in measured {
            cosines.push(layer.cosines);
            self.statistics.push(layer.statistics);
            self.outliers.extend(layer.outliers);
            self.vectors.extend(layer.vectors);
            self.effects.extend(layer.effects);
        }
        let family = label_swap_tests(&cosines, SEED);
        for (row, test) in self.statistics[first..].iter_mut().zip(&family.tests) {
            row.permutation_difference = test.observed;
            row.permutation_mean = test.centre;
            row.permutation_deviation = test.standard_deviation;
            row.permutation_p = test.p;
            row.permutation_p_family = test.p_family;
        }
        family
    }
}
