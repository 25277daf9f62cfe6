//! How reliable the figures of all layers are: runs the paired statistics, layers in parallel, and
//! the tests over all layers.

use pipeline::Pipeline;
use rayon::prelude::*;
use results::{
    ComponentPlace, Error, LayerEffects, LayerStatistics, Outlier, Projection, Result, TableWriter, VectorRow,
};
use statistics::{LabelSwapFamily, label_swap_tests};
use terms::Pooling;

use crate::components::component_places;
use crate::layer::LayerAnalysis;
use crate::measures::{LayerMeasures, Places, SEED, measure};
use crate::paired::picked;
use crate::recorded::Recorded;
use crate::second_pass::SecondPass;

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

/// The prompts that are looked at under one pooling, and their ids.
struct Looked<'a> {
    distinct: usize,
    picked: Vec<usize>,
    ids: Vec<&'a str>,
}

/// What a layer adds, by pooling.
type OfLayer = Vec<(LayerMeasures, Vec<ComponentPlace>)>;

impl Rigour {
    /// Reads every layer once, as many at a time as there are threads, and writes the projections of its rows. A
    /// thread holds a number for each row of a layer, and the rows of at most 256 prompts; the cosines of these rows
    /// are kept for all layers and poolings, `(2 * prompts)^2 * 8` bytes each.
    pub fn of(
        pipeline: &Pipeline,
        recorded: &Recorded,
        imported: &[VectorRow],
        table: &mut TableWriter<Projection>,
    ) -> Result<Self> {
        let mut rigour = Rigour::default();
        let places = Places::of(pipeline, &recorded.conditions).ok_or_else(|| {
            let message = "contrast: it names a condition that is not among [[conditions]]";
            Error::invalid(&pipeline.path, message)
        })?;
        let looked: Vec<Looked<'_>> = (0..recorded.prompts.len())
            .map(|pooling| Looked::at(recorded, pooling))
            .collect();
        let picks: Vec<Vec<usize>> = looked.iter().map(|looked| looked.picked.clone()).collect();
        let one = |layer: &Vec<LayerAnalysis>| -> Result<(SecondPass, OfLayer)> {
            let mut read = SecondPass::read(recorded, layer, &picks)?;
            let rows = std::mem::take(&mut read.picked).into_iter();
            let poolings = layer.iter().zip(&looked).zip(rows);
            let measured = poolings.map(|((analysis, looked), rows)| {
                let components = if analysis.pooling == pipeline.contrast.pooling {
                    component_places(analysis, &recorded.conditions, places, &looked.ids, &rows)
                } else {
                    Vec::new()
                };
                (measure(pipeline, analysis, places, rows, imported), components)
            });
            let measured = measured.collect();
            Ok((read, measured))
        };
        let mut by_pooling: Vec<Vec<LayerMeasures>> = looked.iter().map(|_| Vec::new()).collect();
        for layers in recorded.layers.chunks(rayon::current_num_threads()) {
            let all: Vec<Result<_>> = layers.par_iter().map(one).collect();
            for (layer, read) in layers.iter().zip(all) {
                let (read, measured) = read?;
                read.append_projections(recorded, layer, table)?;
                for (all, (measured, components)) in by_pooling.iter_mut().zip(measured) {
                    all.push(measured);
                    rigour.components.extend(components);
                }
            }
        }
        for (((pooling, _), looked), measured) in recorded.prompts.iter().zip(&looked).zip(by_pooling) {
            let family = rigour.add(measured);
            if *pooling == pipeline.contrast.pooling {
                rigour.family = Some(family);
                rigour.distinct_prompts = looked.distinct;
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

impl<'a> Looked<'a> {
    fn at(recorded: &'a Recorded, pooling: usize) -> Self {
        let (name, prompts) = &recorded.prompts[pooling];
        let distinct = recorded.distinct_prompts(pooling);
        warn_of_copies(*name, prompts.len(), distinct.len());
        let picked = picked(&distinct);
        Looked {
            distinct: distinct.len(),
            ids: picked.iter().map(|&prompt| prompts[prompt].as_str()).collect(),
            picked,
        }
    }
}
