//! Draws from a whole vocabulary of which only the largest logits are here, and the mass of the others, block by block, as a device
//! sums it in f32. What may be wrong of that has a bound; a token is chosen where it is the same within the bound, and else none.

use super::candidates::Candidates;
use super::shortlist::Shortlist;

/// Tokens of a block, as the kernel has them.
const BLOCK: usize = 256;

#[cfg(feature = "gpu")]
const _: () = assert!(BLOCK == device_kernels::TAIL_BLOCK);

/// The relative error of a block's mass: of exponentials by the bound that Vulkan sets (3 + 2 |x| roundings, for x from -40 on, below
/// which nothing is left), of the exponents, and of the sum's roundings.
const ERROR: f64 = 4e-5;

/// What each unit of a divided logit adds to that: the roundings of the reference's division and subtraction.
const ROUNDING: f64 = 1.2e-7;

/// Bounds the reference's own roundings, as shares.
const SLACK: f64 = 2e-9;

/// The exponentials of a row's logits that are not in its list, relative to the list's limit.
pub(crate) struct Tail {
    /// Of each block.
    masses: Vec<f32>,
    /// By which the logits were divided.
    temperature: f32,
}

impl Tail {
    pub fn new(masses: &[f32], temperature: f32) -> Self {
        Tail {
            masses: masses.to_vec(),
            temperature,
        }
    }
}

/// A row's logits as a whole.
pub(super) struct Whole<'a> {
    list: &'a Shortlist,
    tail: &'a Tail,
    /// Of the list, penalised and suppressed.
    logits: &'a [f32],
    /// Tokens outside of the list that a penalty lowers, or that are suppressed: each has from nothing to the mass that a logit at the
    /// limit has.
    outside: usize,
    /// Of all divided logits.
    largest: f32,
    /// What a mass relative to the limit is relative to the largest logit.
    scale: f64,
    /// The relative error of the tail.
    error: f64,
}

impl<'a> Whole<'a> {
    /// `None` where the tail is that of another temperature, or the largest logit may be outside of the list.
    pub fn new(list: &'a Shortlist, logits: &'a [f32], temperature: f32, outside: usize) -> Option<Self> {
        let tail = list
            .tail
            .as_ref()
            .filter(|tail| tail.temperature == temperature)?;
        let divided = logits.iter().map(|logit| logit / temperature);
        let largest = divided.fold(f32::NEG_INFINITY, f32::max);
        let limit = f64::from(list.limit) / f64::from(temperature);
        if !largest.is_finite() || f64::from(largest) <= limit {
            return None;
        }
        Some(Whole {
            list,
            tail,
            logits,
            outside,
            largest,
            scale: (limit - f64::from(largest)).exp(),
            error: ERROR + ROUNDING * (limit.abs() + f64::from(largest.abs())),
        })
    }

    /// The places in the list that top-p keeps; false where they are not certain, or not all in the list.
    pub fn collect_top_p(&self, p: f64, candidates: &mut Candidates) -> bool {
        let temperature = self.tail.temperature;
        let every = |candidates: &mut Candidates, smallest| {
            candidates.clear();
            candidates.add(0, self.logits, temperature, smallest);
        };
        every(candidates, f32::MIN);
        let listed = candidates.mass(self.largest);
        let [least, most] = self.total(listed);
        let (low, high) = ((p - SLACK) * least, (p + SLACK) * most);
        if listed < high {
            return false;
        }
        let Some(border) = candidates.border(self.largest, low, high) else {
            return false;
        };
        if border.logit <= self.list.limit / temperature {
            return false;
        }
        every(candidates, border.logit);
        candidates.drop_beyond(&border);
        true
    }

    /// The place in the list of the token at which the running sum of all probabilities passes `at`, where it is certain and in the
    /// list.
    pub fn draw(&self, at: f64) -> Option<u32> {
        let weight = |logit: &f32| f64::from(logit / self.tail.temperature - self.largest).exp();
        let [least, most] = self.total(self.logits.iter().map(weight).sum());
        let (low, high) = ((at - SLACK) * least, (at + SLACK) * most);
        // Of listed tokens before this one, and of the tail's blocks before its own.
        let (mut listed, mut before, mut next) = (0.0, 0.0, 0);
        for (place, logit) in self.logits.iter().enumerate() {
            let block = self.list.tokens[place] as usize / BLOCK;
            while next < block {
                before += f64::from(self.tail.masses[next]);
                next += 1;
            }
            let own = f64::from(self.tail.masses[block]);
            let begin = listed + self.at_most(before + own);
            listed += weight(logit);
            let end = listed + self.at_least(before);
            if begin <= low && high < end {
                return Some(place as u32);
            }
            if listed > high {
                return None;
            }
        }
        None
    }

    /// Bounds of the sum of all exponentials, where the listed ones have this one.
    fn total(&self, listed: f64) -> [f64; 2] {
        let tail = self.tail.masses.iter().map(|mass| f64::from(*mass)).sum();
        [listed + self.at_least(tail), listed + self.at_most(tail)]
    }

    fn at_least(&self, tail: f64) -> f64 {
        (tail * (1.0 - self.error) - self.outside as f64).max(0.0) * self.scale
    }

    fn at_most(&self, tail: f64) -> f64 {
        // What is too far below the limit for f32 has less than this.
        (tail * (1.0 + self.error) + 1e-25) * self.scale
    }
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::{Sampler, Sampling};
    use super::*;

    /// What a device gives for these logits: those above a limit with it, and the others' masses, in f32 and `off` by so much.
    fn listed(logits: &[f32], limit: f32, temperature: f32, off: f32) -> Shortlist {
        let above: Vec<usize> = (0..logits.len()).filter(|token| logits[*token] > limit).collect();
        let mut row = vec![above.len() as f32, limit, logits.iter().sum()];
        row.extend(above.iter().map(|token| logits[*token]));
        row.extend(above.iter().map(|token| *token as f32));
        let mass = |logit: &f32| ((logit - limit) / temperature).exp() * (1.0 + off);
        let below = |block: &[f32]| block.iter().filter(|logit| **logit <= limit).map(mass).sum();
        let masses: Vec<f32> = logits.chunks(BLOCK).map(below).collect();
        Shortlist::of(&row)
            .unwrap()
            .with_tail(Some(Tail::new(&masses, temperature)))
    }

    /// Distributions from sharp to flat, with all that changes single logits; masses as wrong as they may be.
    #[test]
    fn draws_from_a_list_and_a_tail_are_those_from_all_logits_or_none() {
        let mut random = ChaCha8Rng::seed_from_u64(11);
        let (mut certain, mut sharp) = ([0, 0], [0, 0]);
        for case in 0..900 {
            let sharpness = [30.0, 9.0, 3.0][case % 3];
            let mut number = || sharpness * (random.random_range(0.0..1.0f32)).powi(3) - 4.0;
            let logits: Vec<f32> = (0..3000 + case).map(|_| number()).collect();
            let mut sorted = logits.clone();
            sorted.sort_unstable_by(|a, b| b.total_cmp(a));
            let sampling = Sampling {
                greedy: false,
                temperature: [0.6, 1.0, 1.4][case / 3 % 3],
                top_p: [1.0, 0.9, 0.4][case / 9 % 3],
                repetition_penalty: [1.0, 1.0, 1.2][case / 27 % 3],
                suppress: (0..case as u32 % 3).map(|index| index * 37).collect(),
                ..Sampling::greedy()
            };
            let history: Vec<u32> = (0..3).map(|index| (index * 11 + case as u32) % 300).collect();
            let off = [0.0, ERROR as f32, -ERROR as f32][case / 81 % 3];
            let list = listed(&logits, sorted[260], sampling.temperature as f32, off);
            let [mut by_list, mut plain] = [(); 2].map(|()| Sampler::new(sampling.clone(), case as u64));
            // Each choice draws once, whichever way it went before.
            for _ in 0..3 {
                let expected = plain.next(&mut logits.clone(), &history).unwrap();
                let found = by_list.next_of(&list, &history).map(|found| found.unwrap());
                for (count, counts) in [
                    (true, &mut certain),
                    (case % 3 == 0 && case / 27 % 3 < 2, &mut sharp),
                ] {
                    counts[0] += usize::from(count && found.is_some());
                    counts[1] += usize::from(count);
                }
                let found = found.unwrap_or_else(|| by_list.next(&mut logits.clone(), &history).unwrap());
                assert_eq!(found, expected, "{sampling:?}");
            }
        }
        let [certain, all] = certain;
        assert!(certain > all / 4 && certain < all, "{certain} of {all}");
        // As sharp as a model is, whose tokens nothing lowers: hardly any whole row is needed.
        let [certain, all] = sharp;
        assert!(certain > all * 9 / 10, "{certain} of {all}");
    }

    #[test]
    fn a_tail_of_another_temperature_decides_nothing() {
        let logits: Vec<f32> = (0..1000).map(|index| (index % 97) as f32 / 5.0).collect();
        let sampling = Sampling {
            greedy: false,
            temperature: 0.5,
            ..Sampling::greedy()
        };
        let chosen = |temperature| {
            let list = listed(&logits, 15.0, temperature, 0.0);
            Sampler::new(sampling.clone(), 1).next_of(&list, &[]).is_some()
        };
        assert!(chosen(0.5) && !chosen(0.6));
    }
}
