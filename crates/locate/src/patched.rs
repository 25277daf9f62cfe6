//! One prompt after the other: all patches at all places.

use anyhow::{Context as _, Result};
use model::Network;
use progress::progress_bar;
use rand::{Rng, RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use terms::{Patch, PatchedPositions};

use crate::capture::Activations;
use crate::changes::Change;
use crate::means::Means;
use crate::pairs::Pair;
use crate::places::{Spot, distinct_places, patches};
use crate::scoring::{Context, Score, scores};

/// What patching does to one prompt.
#[derive(Clone, Debug)]
pub struct PatchedPair {
    /// Log-odds of the unpatched texts, positive and negative.
    pub log_odds: [f64; 2],
    /// For each spot and patch, in this order: how far the log-odds moved toward the other condition's, and
    /// the divergence of the first token.
    pub moved: Vec<Score>,
}

const POSITIVE: usize = 0;
const NEGATIVE: usize = 1;

/// Runs all patches. `answers`: of each prompt the scored tokens in both conditions.
pub fn patched(
    network: &Network,
    pairs: &[Pair],
    answers: &[[Vec<u32>; 2]],
    spots: &[Spot],
    seed: u64,
) -> Result<Vec<PatchedPair>> {
    let means = Means::of(network, pairs, &distinct_places(spots))?;
    let bar = progress_bar(pairs.len() as u64, "locate", "prompts");
    let mut all = Vec::with_capacity(pairs.len());
    for (index, pair) in pairs.iter().enumerate() {
        let other = &pairs[(index + 1) % pairs.len()];
        let sources = Sources {
            pair,
            own: [POSITIVE, NEGATIVE]
                .map(|side| Activations::of(network, &pair.tokens[side]))
                .into_iter()
                .collect::<Result<Vec<Activations>>>()?,
            other,
            others: Activations::of(network, &other.tokens[POSITIVE])?,
            means: &means,
            seed,
            index,
        };
        all.push(of_pair(network, &sources, &answers[index], spots)?);
        bar.inc(1);
    }
    bar.finish_and_clear();
    Ok(all)
}

/// What is put into one prompt's texts.
struct Sources<'a> {
    pair: &'a Pair,
    /// In both conditions.
    own: Vec<Activations>,
    other: &'a Pair,
    /// The other prompt's in the positive condition.
    others: Activations,
    means: &'a Means,
    seed: u64,
    /// The prompt's number.
    index: usize,
}

fn of_pair(
    network: &Network,
    sources: &Sources<'_>,
    answers: &[Vec<u32>; 2],
    spots: &[Spot],
) -> Result<PatchedPair> {
    // Into the positive condition, and into the negative one; each with its place among all.
    let mut sides: [Vec<(usize, Change)>; 2] = [Vec::new(), Vec::new()];
    let mut count = 0;
    for (number, spot) in spots.iter().enumerate() {
        for patch in patches(spot) {
            let side = into(*patch);
            sides[side].push((count, sources.change(number, spot, *patch)?));
            count += 1;
        }
    }
    let mut log_odds = [0.0; 2];
    let mut moved = vec![Score::default(); count];
    for (side, changes) in sides.into_iter().enumerate() {
        let context = Context {
            tokens: &sources.pair.tokens[side],
            answers: [&answers[POSITIVE], &answers[NEGATIVE]],
        };
        let (places, changes): (Vec<usize>, Vec<Change>) = changes.into_iter().unzip();
        let (unpatched, scored) = scores(network, &context, &changes)?;
        log_odds[side] = unpatched.log_odds;
        let toward = if side == POSITIVE { -1.0 } else { 1.0 };
        for (place, score) in places.into_iter().zip(scored) {
            moved[place] = Score {
                log_odds: toward * (score.log_odds - unpatched.log_odds),
                kl: score.kl,
            };
        }
    }
    Ok(PatchedPair { log_odds, moved })
}

/// The condition whose text is patched.
pub fn into(patch: Patch) -> usize {
    match patch {
        Patch::TakenOut => NEGATIVE,
        Patch::PutIn | Patch::OtherPrompt | Patch::Random => POSITIVE,
    }
}

impl Sources<'_> {
    fn change(&self, number: usize, spot: &Spot, patch: Patch) -> Result<Change> {
        let tokens = self.pair.alignment.group(spot.positions, spot.from_end);
        let mut values = Vec::with_capacity(tokens.len());
        for (role, positions) in tokens {
            if let Some(value) = self.value(number, spot, patch, role, positions)? {
                values.push((positions[into(patch)], value.into()));
            }
        }
        Ok(Change::Values {
            place: spot.place,
            values,
        })
    }

    /// What is put in the place of one token's activation; none where the other prompt has no such token.
    fn value(
        &self,
        number: usize,
        spot: &Spot,
        patch: Patch,
        role: (PatchedPositions, usize),
        [positive, negative]: [usize; 2],
    ) -> Result<Option<Vec<f32>>> {
        let place = spot.place;
        Ok(Some(match patch {
            Patch::PutIn => self.own[NEGATIVE].at(place, negative)?.to_vec(),
            Patch::TakenOut => {
                let mean = self.means.at(place, role);
                mean.context("a token has no mean over the prompts")?
            }
            Patch::OtherPrompt => match self.other.alignment.token(role) {
                Some([position, _]) => self.others.at(place, position)?.to_vec(),
                None => return Ok(None),
            },
            Patch::Random => {
                let own = self.own[POSITIVE].at(place, positive)?;
                let other = self.own[NEGATIVE].at(place, negative)?;
                let mut generator = ChaCha8Rng::seed_from_u64(self.seed);
                generator.set_stream((self.index as u64) << 40 | (number as u64) << 16 | positive as u64);
                at_random_distance(own, other, &mut generator)
            }
        }))
    }
}

/// `own` and a random vector, uniform on the sphere whose radius is the distance of `other` from `own`.
fn at_random_distance(own: &[f32], other: &[f32], generator: &mut impl Rng) -> Vec<f32> {
    let squares = own.iter().zip(other).map(|(a, b)| f64::from(a - b).powi(2));
    let distance = squares.sum::<f64>().sqrt();
    let direction: Vec<f64> = own.iter().map(|_| normal(generator)).collect();
    let norm = direction.iter().map(|value| value * value).sum::<f64>().sqrt();
    let scale = if norm > 0.0 { distance / norm } else { 0.0 };
    let moved = own
        .iter()
        .zip(direction)
        .map(|(own, value)| (f64::from(*own) + scale * value) as f32);
    moved.collect()
}

/// Source: Box and Muller (1958).
fn normal(generator: &mut impl Rng) -> f64 {
    let radius = (-2.0 * (1.0 - generator.random::<f64>()).ln()).sqrt();
    radius * (std::f64::consts::TAU * generator.random::<f64>()).cos()
}
