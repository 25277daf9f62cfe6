use rayon::prelude::*;
use results::Result;
use terms::Pooling;

use super::change::{LayerChange, PairSums, layer_change};
use super::common::Common;
use super::pairs::{for_each_pair, require_layers};
use crate::{Run, attainable_cosine};

/// The activations of two runs against each other, or why they can't be.
#[derive(Clone, Debug, PartialEq)]
pub enum Inside {
    Incomparable(String),
    Compared(Changes),
}

/// What is different inside the second model.
#[derive(Clone, Debug, PartialEq)]
pub struct Changes {
    pub common: Common,
    /// The pooling that is shown first: that of A's contrast where both have it.
    pub pooling: Pooling,
    /// Every pooling at every layer, layers ascending.
    pub layers: Vec<LayerChange>,
    /// Why nothing is said about the contrast; none where something is.
    pub without_role: Option<String>,
}

impl Changes {
    /// Every layer under the pooling that is shown first.
    pub fn shown(&self) -> impl Iterator<Item = &LayerChange> + Clone {
        self.layers.iter().filter(|row| row.pooling == self.pooling)
    }

    /// Whether all activations that were compared are the same to the last bit.
    pub fn is_none(&self) -> bool {
        let mut conditions = self.layers.iter().flat_map(|row| &row.conditions);
        conditions.all(|change| change.difference == 0.0)
    }
}

/// Compares each prompt's residuals in A with the same prompt's in B, layer by layer.
///
/// Memory: `layers * poolings * conditions * (3 * hidden + 2 * prompts) * 8` bytes of sums, and the
/// rows that wait for their counterparts.
///
/// # Errors
/// Tables that can't be read, and rows that are missing or there twice.
pub fn inside(a: &Run, b: &Run) -> Result<Inside> {
    let common = match Common::of(a, b)? {
        Ok(common) => common,
        Err(why) => return Ok(Inside::Incomparable(why)),
    };
    require_layers(a)?;
    require_layers(b)?;
    let layers = 0..a.contrast.layers;
    let sums: Vec<LayerSums> = layers
        .map(|layer| sums_at([a, b], layer, &common))
        .collect::<Result<_>>()?;
    // Drawing the prompts again takes longer than reading them.
    let layers = sums.par_iter().enumerate();
    let layers = layers.flat_map_iter(|(layer, sums)| changes_at([a, b], layer, &common, sums));
    let layers = layers.collect();
    let wanted = a.about.pooling;
    let pooling = match common.poolings.contains(&wanted) {
        true => wanted,
        false => common.poolings.first().copied().unwrap_or(wanted),
    };
    Ok(Inside::Compared(Changes {
        without_role: without_role(a, &common),
        common,
        pooling,
        layers,
    }))
}

fn without_role(a: &Run, common: &Common) -> Option<String> {
    let (positive, negative) = (&a.about.positive, &a.about.negative);
    let missing = [positive, negative]
        .into_iter()
        .find(|name| !common.conditions.contains(name))?;
    Some(format!(
        "A's contrast is \"{positive}\" minus \"{negative}\", and \"{missing}\" is not compared"
    ))
}

/// `[pooling][condition]`, in the order of [`Common`].
type LayerSums = Vec<Vec<PairSums>>;

fn sums_at([a, b]: [&Run; 2], layer: usize, common: &Common) -> Result<LayerSums> {
    let empty = PairSums::new(common.prompts.len(), a.contrast.hidden_size);
    let mut sums = vec![vec![empty; common.conditions.len()]; common.poolings.len()];
    for_each_pair([a, b], layer, common, |place, of_a, of_b| {
        sums[place.pooling][place.condition].add(place.prompt, of_a, of_b);
    })?;
    Ok(sums)
}

/// Every pooling at one layer.
fn changes_at(runs: [&Run; 2], layer: usize, common: &Common, sums: &LayerSums) -> Vec<LayerChange> {
    let has_role = without_role(runs[0], common).is_none();
    let change = |(pooling, sums): (&Pooling, &Vec<PairSums>)| {
        let mut change = layer_change(layer, *pooling, sums, has_role);
        if let Some(role) = &mut change.role {
            role.attainable = attainable(runs, layer, *pooling);
        }
        change
    };
    common.poolings.iter().zip(sums).map(change).collect()
}

/// Known only for the contrast as both runs analysed it.
fn attainable([a, b]: [&Run; 2], layer: usize, pooling: Pooling) -> Option<f64> {
    let definition = |run: &Run| {
        (
            run.about.positive.clone(),
            run.about.negative.clone(),
            run.about.pooling,
        )
    };
    if definition(a) != definition(b) || pooling != a.about.pooling {
        return None;
    }
    attainable_cosine(a.statistics[layer].split_half, b.statistics[layer].split_half)
}
