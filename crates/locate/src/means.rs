//! What a token is on average: over all prompts and both conditions.

use std::collections::HashMap;

use anyhow::Result;
use model::Network;
use terms::PatchedPositions;

use crate::capture::Activations;
use crate::changes::Place;
use crate::pairs::{Pair, Role};

/// Mean activations, by place and token.
#[derive(Debug, Default)]
pub struct Means {
    /// How many, and their sum.
    sums: HashMap<(Place, Role), (usize, Vec<f64>)>,
}

impl Means {
    /// A pass over each text of each prompt; summed in f64, in the order of the prompts.
    ///
    /// # Errors
    /// As for [`Activations::of`].
    pub fn of(network: &Network, pairs: &[Pair], places: &[Place]) -> Result<Self> {
        let mut means = Means::default();
        for pair in pairs {
            let tokens = pair.alignment.group(PatchedPositions::All, None);
            for side in 0..2 {
                let activations = Activations::of(network, &pair.tokens[side])?;
                for place in places {
                    for (role, positions) in &tokens {
                        let own = activations.at(*place, positions[side])?;
                        means.add((*place, *role), own);
                    }
                }
            }
        }
        Ok(means)
    }

    fn add(&mut self, key: (Place, Role), own: &[f32]) {
        let known = self.sums.entry(key);
        let (count, sums) = known.or_insert_with(|| (0, vec![0.0; own.len()]));
        *count += 1;
        for (sum, value) in sums.iter_mut().zip(own) {
            *sum += f64::from(*value);
        }
    }

    /// Of a token that some prompt has.
    pub fn at(&self, place: Place, role: Role) -> Option<Vec<f32>> {
        let (count, sums) = self.sums.get(&(place, role))?;
        Some(sums.iter().map(|sum| (sum / *count as f64) as f32).collect())
    }
}
