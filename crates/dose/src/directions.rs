//! What is added at a layer: the contrast, other vectors as long as it is, and the controls of the same norm that
//! replace it.

use anyhow::{Context, Result, bail};
use interventions::norm;
use pipeline::{DoseTable, VectorKind};
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use results::{ContrastVectors, DoseDirection};

use crate::recorded::{Pair, Recorded};

/// A direction at one layer, and how far the recorded activations reach along it.
#[derive(Clone, Debug)]
pub struct Direction {
    pub kind: DoseDirection,
    pub number: usize,
    pub vector: Vec<f32>,
    /// The multiple of the vector that is as long as the contrast and on its side: below zero where the vector points
    /// away from the positive condition. 1 for the contrast and its controls.
    pub scale: f64,
    /// `h . v / ||v||` of all rows of both conditions, sorted; none for directions that are only added.
    pub projections: Vec<f64>,
}

/// The directions of one layer, the contrast first.
#[derive(Clone, Debug)]
pub struct LayerDirections {
    pub layer: usize,
    /// The mean norm of the residuals.
    pub residual_norm: f64,
    pub directions: Vec<Direction>,
    /// For each fold the contrast of all prompts outside of it, `[hidden]`.
    pub of_folds: Vec<Vec<f32>>,
}

impl LayerDirections {
    /// Reads the layer's activations twice, and holds one number a row for each direction that is also taken away.
    ///
    /// # Errors
    /// What `Recorded::each_pair` says.
    pub fn read(
        table: &DoseTable,
        recorded: &Recorded<'_>,
        vectors: &ContrastVectors,
        layer: usize,
        residual_norm: f64,
    ) -> Result<Self> {
        let contrast = vectors.get(&VectorKind::Contrast.name(), layer);
        let contrast = contrast.context("the analysis has no contrast vector")?.to_vec();
        let mut sums = Sums::new(recorded, contrast.len(), &mut generator(table, layer, usize::MAX));
        recorded.each_pair(layer, |prompt, pair| sums.add(prompt, pair))?;
        let vector = |kind: &DoseDirection, number: usize| match kind {
            DoseDirection::Vector(kind) => vectors.get(&kind.name(), layer).map(<[f32]>::to_vec),
            DoseDirection::Random => Some(random_direction(&contrast, &mut generator(table, layer, number))),
            DoseDirection::Shuffled => Some(with_norm(&sums.shuffled, norm(&contrast))),
        };
        let direction = |(kind, number): (DoseDirection, usize)| {
            let vector = vector(&kind, number)?;
            Some(Direction {
                scale: scale(&kind, &vector, &contrast)?,
                kind,
                number,
                vector,
                projections: Vec::new(),
            })
        };
        let mut directions: Vec<Direction> = kinds(table).into_iter().filter_map(direction).collect();
        project(&mut directions, recorded, layer)?;
        Ok(LayerDirections {
            layer,
            residual_norm,
            directions,
            of_folds: sums.of_folds(),
        })
    }

    /// Doses have been planned, and there may be many rows.
    pub fn forget_projections(&mut self) {
        for direction in &mut self.directions {
            direction.projections = Vec::new();
        }
    }

    pub fn contrast(&self) -> &Direction {
        &self.directions[0]
    }

    pub fn get(&self, kind: &DoseDirection, number: usize) -> Option<&Direction> {
        let is_it = |direction: &&Direction| direction.number == number && direction.kind == *kind;
        self.directions.iter().find(is_it)
    }
}

/// Which directions each layer has, with numbers among those of the same kind: the contrast, its controls, and other
/// vectors.
pub fn kinds(table: &DoseTable) -> Vec<(DoseDirection, usize)> {
    let mut kinds = vec![(DoseDirection::CONTRAST, 0)];
    kinds.extend((0..table.random_directions).map(|number| (DoseDirection::Random, number)));
    kinds.push((DoseDirection::Shuffled, 0));
    let others = table.directions().into_iter().skip(1);
    kinds.extend(others.map(|kind| (DoseDirection::Vector(kind), 0)));
    kinds
}

/// Refuses vectors that none of the layers has: what can't be compared must not look as if it did nothing.
///
/// # Errors
/// The first of these, and the layers that have it.
pub fn require_vectors(table: &DoseTable, vectors: &ContrastVectors, layers: &[usize]) -> Result<()> {
    for kind in table.directions() {
        let name = kind.name();
        if layers.iter().any(|layer| vectors.get(&name, *layer).is_some()) {
            continue;
        }
        let there: Vec<String> = vectors.layers_of(&name).map(|layer| layer.to_string()).collect();
        let swept: Vec<String> = layers.iter().map(usize::to_string).collect();
        if there.is_empty() {
            bail!(
                "dose.directions: there is no vector \"{name}\" among the analysis results; run `cargo xtask analyze`"
            );
        }
        bail!(
            "dose.directions: \"{name}\" is a vector of the layers {}, and the sweep is at {}; name one of its layers in dose.layers",
            there.join(", "),
            swept.join(", ")
        );
    }
    Ok(())
}

/// None for a vector of zeros, which has no direction.
fn scale(kind: &DoseDirection, vector: &[f32], contrast: &[f32]) -> Option<f64> {
    if kind.is_control() || *kind == DoseDirection::CONTRAST {
        return Some(1.0);
    }
    let ratio = norm(contrast) / norm(vector);
    let products = vector
        .iter()
        .zip(contrast)
        .map(|(a, b)| f64::from(*a) * f64::from(*b));
    let sign = if products.sum::<f64>() < 0.0 { -1.0 } else { 1.0 };
    // The analysis makes its vectors as long as the contrast, up to the last bits.
    let ratio = if (ratio - 1.0).abs() < 1e-5 { 1.0 } else { ratio };
    ratio.is_finite().then_some(sign * ratio)
}

/// What is summed over the prompts of a layer, in f64.
struct Sums {
    /// Which prompts have their labels swapped.
    is_swapped: Vec<bool>,
    /// The differences with swapped labels, `[hidden]`.
    shuffled: Vec<f64>,
    /// The differences of all prompts, and of those of each fold.
    all: Vec<f64>,
    of_fold: Vec<Vec<f64>>,
    count: usize,
    counts: Vec<usize>,
}

impl Sums {
    /// The labels of a random half of the prompts are swapped: what the prompts share is gone, what is specific to each
    /// remains.
    fn new(recorded: &Recorded<'_>, hidden_size: usize, generator: &mut impl Rng) -> Self {
        let mut order: Vec<usize> = (0..recorded.prompts).collect();
        for last in (1..order.len()).rev() {
            order.swap(last, generator.random_range(0..=last));
        }
        let mut is_swapped = vec![false; recorded.prompts];
        for index in &order[..recorded.prompts / 2] {
            is_swapped[*index] = true;
        }
        Sums {
            is_swapped,
            shuffled: vec![0.0; hidden_size],
            all: vec![0.0; hidden_size],
            of_fold: vec![vec![0.0; hidden_size]; recorded.folds.count],
            count: 0,
            counts: vec![0; recorded.folds.count],
        }
    }

    fn add(&mut self, prompt: usize, pair: &Pair) {
        let sign = if self.is_swapped[prompt] { -1.0 } else { 1.0 };
        let differences = || {
            let both = pair.positive.iter().zip(&pair.negative);
            both.map(|(a, b)| f64::from(*a) - f64::from(*b))
        };
        add(
            &mut self.shuffled,
            differences().map(|difference| sign * difference),
        );
        add(&mut self.all, differences());
        self.count += 1;
        if let Some(fold) = pair.fold {
            add(&mut self.of_fold[fold], differences());
            self.counts[fold] += 1;
        }
    }

    /// For each fold the mean difference of the prompts outside of it.
    fn of_folds(&self) -> Vec<Vec<f32>> {
        let folds = self.of_fold.iter().zip(&self.counts);
        let contrast = |(own, own_count): (&Vec<f64>, &usize)| {
            let others = (self.count - own_count) as f64;
            let sums = self.all.iter().zip(own);
            sums.map(|(all, own)| ((all - own) / others) as f32).collect()
        };
        folds.map(contrast).collect()
    }
}

fn add(sums: &mut [f64], values: impl Iterator<Item = f64>) {
    for (sum, value) in sums.iter_mut().zip(values) {
        *sum += value;
    }
}

/// How far all rows reach along the directions that are also taken away: the first of each kind of control, and the
/// contrast.
fn project(directions: &mut [Direction], recorded: &Recorded<'_>, layer: usize) -> Result<()> {
    let is_taken_away = |direction: &Direction| {
        direction.number == 0 && (direction.kind.is_control() || direction.kind == DoseDirection::CONTRAST)
    };
    let mut directions: Vec<&mut Direction> =
        directions.iter_mut().filter(|own| is_taken_away(own)).collect();
    let lengths: Vec<f64> = directions
        .iter()
        .map(|direction| norm(&direction.vector))
        .collect();
    recorded.each_pair(layer, |_, pair| {
        for (direction, length) in directions.iter_mut().zip(&lengths) {
            for row in [&pair.positive, &pair.negative] {
                let projection = projection(row, &direction.vector, *length);
                direction.projections.push(projection);
            }
        }
    })?;
    for direction in directions {
        direction.projections.sort_by(f64::total_cmp);
    }
    Ok(())
}

/// `h . v / ||v||`, and 0 for a direction of 0.
pub fn projection(row: &[f32], vector: &[f32], length: f64) -> f64 {
    let products = row.iter().zip(vector).map(|(a, b)| f64::from(*a) * f64::from(*b));
    if length == 0.0 {
        0.0
    } else {
        products.sum::<f64>() / length
    }
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
