//! What is added at a layer: the contrast, and the controls of the same norm that replace it.

use std::path::Path;

use anyhow::{Context, Result, bail};
use interventions::norm;
use pipeline::{DoseTable, Pipeline};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use results::{ContrastVectors, activation_place, read_activation_batches};
use terms::DoseDirection;
use terms::Pooling;

/// A direction at one layer, and how far the recorded activations reach along it.
#[derive(Clone, Debug)]
pub struct Direction {
    pub kind: DoseDirection,
    pub number: usize,
    pub vector: Vec<f32>,
    /// `h . v / ||v||` of all rows of both conditions, sorted.
    pub projections: Vec<f64>,
}

/// The directions of one layer, the contrast first.
#[derive(Clone, Debug)]
pub struct LayerDirections {
    pub layer: usize,
    /// The mean norm of the residuals.
    pub residual_norm: f64,
    pub directions: Vec<Direction>,
}

impl LayerDirections {
    /// Reads the layer's activations once.
    pub fn read(
        pipeline: &Pipeline,
        folder: &Path,
        vectors: &ContrastVectors,
        layer: usize,
        residual_norm: f64,
    ) -> Result<Self> {
        let contrast = vectors.get("contrast", layer);
        let contrast = contrast.context("the analysis has no contrast vector")?.to_vec();
        let rows = paired_rows(pipeline, folder, layer)?;
        let vector = |(kind, number): (DoseDirection, usize)| match kind {
            DoseDirection::Contrast => contrast.clone(),
            DoseDirection::Random => {
                random_direction(&contrast, &mut generator(&pipeline.dose, layer, number))
            }
            DoseDirection::Shuffled => {
                let mut labels = generator(&pipeline.dose, layer, usize::MAX);
                shuffled_contrast(&rows, &contrast, &mut labels)
            }
        };
        let directions = kinds(&pipeline.dose).into_iter().map(|(kind, number)| {
            let vector = vector((kind, number));
            Direction {
                kind,
                number,
                projections: projections(&rows, &vector),
                vector,
            }
        });
        Ok(LayerDirections {
            layer,
            residual_norm,
            directions: directions.collect(),
        })
    }

    pub fn contrast(&self) -> &Direction {
        &self.directions[0]
    }

    pub fn get(&self, kind: DoseDirection, number: usize) -> Option<&Direction> {
        let is_it = |direction: &&Direction| (direction.kind, direction.number) == (kind, number);
        self.directions.iter().find(is_it)
    }
}

/// Which directions each layer has, with numbers among those of the same kind; the contrast first.
pub fn kinds(table: &DoseTable) -> Vec<(DoseDirection, usize)> {
    let mut kinds = vec![(DoseDirection::Contrast, 0)];
    kinds.extend((0..table.random_directions).map(|number| (DoseDirection::Random, number)));
    kinds.push((DoseDirection::Shuffled, 0));
    kinds
}

/// `[positive, negative]` rows of each prompt.
type PairedRows = Vec<[Vec<f32>; 2]>;

fn paired_rows(pipeline: &Pipeline, folder: &Path, layer: usize) -> Result<PairedRows> {
    let contrast = &pipeline.contrast;
    let pooling: Pooling = contrast.pooling;
    let mut sides: [Vec<Vec<f32>>; 2] = [Vec::new(), Vec::new()];
    for batch in read_activation_batches(folder, layer)?.0 {
        for row in batch?.into_iter().filter(|row| row.pooling == pooling) {
            if row.condition == contrast.positive {
                sides[0].push(row.activation);
            } else if row.condition == contrast.negative {
                sides[1].push(row.activation);
            }
        }
    }
    let [positive, negative] = sides;
    if positive.is_empty() || positive.len() != negative.len() {
        let file = activation_place(folder, layer);
        bail!("{}: the conditions don't have the same prompts", file.display());
    }
    let pairs = positive.into_iter().zip(negative);
    Ok(pairs.map(|(positive, negative)| [positive, negative]).collect())
}

/// Independent of the other directions, and the same whatever else is requested.
fn generator(table: &DoseTable, layer: usize, number: usize) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(table.seed);
    generator.set_stream((layer as u64) << 32 | (number as u64 & 0xffff_ffff));
    generator
}

/// A direction that is uniform on the sphere (independent normal numbers), with the norm of `like`.
pub fn random_direction(like: &[f32], generator: &mut impl Rng) -> Vec<f32> {
    let values: Vec<f64> = like.iter().map(|_| normal(generator)).collect();
    with_norm(&values, norm(like))
}

/// The contrast of the same rows after the labels of a random half of the prompts have been
/// swapped, with the norm of the true one: what the prompts share is gone, what is specific to
/// each remains.
fn shuffled_contrast(rows: &PairedRows, contrast: &[f32], generator: &mut impl Rng) -> Vec<f32> {
    let mut order: Vec<usize> = (0..rows.len()).collect();
    for last in (1..order.len()).rev() {
        order.swap(last, generator.random_range(0..=last));
    }
    let mut is_swapped = vec![false; rows.len()];
    for index in &order[..rows.len() / 2] {
        is_swapped[*index] = true;
    }
    let mut sum = vec![0.0; contrast.len()];
    for ([positive, negative], is_swapped) in rows.iter().zip(is_swapped) {
        let sign = if is_swapped { -1.0 } else { 1.0 };
        for (sum, (a, b)) in sum.iter_mut().zip(positive.iter().zip(negative)) {
            *sum += sign * (f64::from(*a) - f64::from(*b));
        }
    }
    with_norm(&sum, norm(contrast))
}

fn projections(rows: &PairedRows, vector: &[f32]) -> Vec<f64> {
    let length = norm(vector);
    let project = |row: &Vec<f32>| {
        let products = row.iter().zip(vector).map(|(a, b)| f64::from(*a) * f64::from(*b));
        if length == 0.0 {
            0.0
        } else {
            products.sum::<f64>() / length
        }
    };
    let mut all: Vec<f64> = rows.iter().flatten().map(project).collect();
    all.sort_by(f64::total_cmp);
    all
}

fn with_norm(values: &[f64], wanted: f64) -> Vec<f32> {
    let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = if norm == 0.0 { 0.0 } else { wanted / norm };
    values.iter().map(|value| (value * scale) as f32).collect()
}

/// Source: Box and Muller (1958).
fn normal(generator: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - generator.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * generator.random::<f64>()).cos()
}
