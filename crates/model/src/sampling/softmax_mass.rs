//! Draws from a whole vocabulary.
//!
//! The reference adds a quarter of a million exact exponentials, one after the other. Which token
//! comes out hardly ever depends on their last digits, so they are estimated here, several at once,
//! with a bound on all errors: those of the estimate and the rounding in the reference. Where the
//! bound leaves more than one token possible, nothing is chosen here and the reference must
//! decide.

use std::f64::consts::{LN_2, LOG2_E};

use super::candidates::Candidates;
use super::not_a_number::NotANumber;
use super::scan::{BLOCK, scan};

/// A logit this far below the largest counts as if it were no further: its share is below 3e-16
/// either way.
const DEPTH: f32 = 36.0;

/// How far below the largest logit top-p looks for its tokens, until it has enough.
const SEARCHED: [f32; 5] = [2.0, 4.0, 8.0, 16.0, DEPTH];

/// Sums that are built side by side.
const LANES: usize = 8;

/// Estimated exponentials of the divided logits less the largest, added up block by block.
#[derive(Default)]
pub(super) struct SoftmaxMass {
    blocks: Vec<Block>,
    temperature: f32,
    /// Of the divided logits.
    largest: f32,
    total: f64,
    /// A bound on the error of a sum's share in the total, and of the reference's sum of
    /// probabilities.
    margin: f64,
}

struct Block {
    largest: f32,
    mass: f64,
}

impl SoftmaxMass {
    pub fn estimate(&mut self, logits: &[f32], temperature: f32) -> Result<(), NotANumber> {
        self.blocks.clear();
        scan(logits, |_, _, largest| {
            let largest = largest / temperature;
            self.blocks.push(Block { largest, mass: 0.0 });
        })?;
        let largest = self.blocks.iter().map(|block| block.largest);
        self.largest = largest.fold(f32::NEG_INFINITY, f32::max);
        if self.largest == f32::INFINITY
            && let Some(token) = logits
                .iter()
                .position(|logit| logit / temperature == f32::INFINITY)
        {
            return Err(NotANumber { token });
        }
        self.temperature = temperature;
        let mut total = 0.0;
        for (number, block) in logits.chunks(BLOCK).enumerate() {
            if self.blocks[number].largest - self.largest > -DEPTH {
                self.blocks[number].mass = self.mass(block);
                total += self.blocks[number].mass;
            }
        }
        self.total = total;
        // A share is off by 1e-9 at most because of the series, which errs in both of its sums.
        // Each logit adds its roundings in the reference, below 3e-16 together, and as much if it
        // is beyond the depth.
        self.margin = 1e-9 + 1e-15 * logits.len() as f64;
        Ok(())
    }

    /// The token at which the running sum of probabilities passes `at`, if that is certain.
    pub fn draw(&self, logits: &[f32], at: f64) -> Option<u32> {
        let (low, high) = self.bounds(at);
        let mut sum = 0.0;
        for (number, (block, logits)) in self.blocks.iter().zip(logits.chunks(BLOCK)).enumerate() {
            if sum + block.mass <= high {
                sum += block.mass;
                continue;
            }
            for (index, logit) in logits.iter().enumerate() {
                let before = sum;
                sum += self.weight(*logit);
                if sum > high {
                    return (before <= low).then_some((number * BLOCK + index) as u32);
                }
            }
        }
        None
    }

    /// The tokens that top-p keeps; false if they are not certain.
    pub fn collect_top_p(&self, logits: &[f32], p: f64, candidates: &mut Candidates) -> bool {
        let (low, high) = self.bounds(p);
        for depth in SEARCHED {
            self.collect(logits, self.largest - depth, candidates);
            if candidates.mass(self.largest) >= high {
                let Some(border) = candidates.border(self.largest, low, high) else {
                    return false;
                };
                self.collect(logits, border.logit, candidates);
                candidates.drop_beyond(&border);
                return true;
            }
        }
        false
    }

    /// All tokens whose divided logits are not below `smallest`.
    fn collect(&self, logits: &[f32], smallest: f32, candidates: &mut Candidates) {
        candidates.clear();
        for (number, (block, logits)) in self.blocks.iter().zip(logits.chunks(BLOCK)).enumerate() {
            if block.largest >= smallest {
                candidates.add(number * BLOCK, logits, self.temperature, smallest);
            }
        }
    }

    /// A share of the total, less and plus the error that it may have.
    fn bounds(&self, share: f64) -> (f64, f64) {
        (
            (share - self.margin) * self.total,
            (share + self.margin) * self.total,
        )
    }

    fn mass(&self, block: &[f32]) -> f64 {
        let mut sums = [0.0; LANES];
        let (whole, rest) = block.as_chunks::<LANES>();
        for logits in whole {
            for lane in 0..LANES {
                sums[lane] += self.weight(logits[lane]);
            }
        }
        let rest: f64 = rest.iter().map(|logit| self.weight(*logit)).sum();
        sums.iter().sum::<f64>() + rest
    }

    fn weight(&self, logit: f32) -> f64 {
        let below = logit / self.temperature - self.largest;
        exponential(f64::from(if below > -DEPTH { below } else { -DEPTH }))
    }
}

/// The power series of 2^x, up to the eighth power.
const SERIES: [f64; 9] = {
    let mut series = [1.0; 9];
    let mut power = 1;
    while power < series.len() {
        series[power] = series[power - 1] * LN_2 / power as f64;
        power += 1;
    }
    series
};

/// e to the power of a number from -700 to 0; the relative error is below 3e-10.
fn exponential(power: f64) -> f64 {
    // Adding this leaves no digits after the decimal point, and the whole number in the lowest
    // bits.
    const ROUND: f64 = 1.5 * (1u64 << 52) as f64;
    let doublings = power * LOG2_E;
    let rounded = doublings + ROUND;
    let x = doublings - (rounded - ROUND);
    // Even and odd powers apart, so that neither half waits for the other.
    let square = x * x;
    let s = SERIES;
    let even = (((s[8] * square + s[6]) * square + s[4]) * square + s[2]) * square + s[0];
    let odd = ((s[7] * square + s[5]) * square + s[3]) * square + s[1];
    let fraction = even + odd * x;
    // The whole number of doublings goes straight to the exponent.
    f64::from_bits(fraction.to_bits().wrapping_add(rounded.to_bits() << 52))
}

#[cfg(test)]
mod tests {
    use rand::{RngExt, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::super::{Sampling, reference};
    use super::*;

    #[test]
    fn exponentials_stay_within_their_bound() {
        for step in 0..=100_000 {
            let power = f64::from(step) * -0.007;
            let error = (exponential(power) / power.exp() - 1.0).abs();
            assert!(error < 3e-10, "{error} at {power}");
        }
    }

    /// At the very borders between two tokens the estimate may be undecided, but it must not be
    /// wrong; elsewhere it must decide.
    #[test]
    fn draws_are_right_or_left_to_the_reference() {
        let mut random = ChaCha8Rng::seed_from_u64(1);
        let sampling = Sampling {
            greedy: false,
            ..Sampling::greedy()
        };
        let (mut softmax, mut certain) = (SoftmaxMass::default(), 0);
        for _ in 0..300 {
            let size = random.random_range(1..500);
            let logits: Vec<f32> = (0..size).map(|_| random.random_range(-20.0..0.0f32)).collect();
            softmax.estimate(&logits, 1.0).unwrap();
            let exponentials = logits.iter().map(|logit| f64::from(*logit).exp());
            let total: f64 = exponentials.clone().sum();
            let border = exponentials.take(size / 2).sum::<f64>() / total;
            for distance in [0.0, 1e-16, 1e-13, 1e-10, 1e-9, 1e-8] {
                for at in [border - distance, border + distance] {
                    let plain = reference::draw_kept(&mut logits.clone(), &sampling, at);
                    let token = softmax.draw(&logits, at);
                    assert_eq!(token.unwrap_or(plain), plain, "{at} among {size}");
                }
            }
            certain += usize::from(softmax.draw(&logits, random.random()).is_some());
        }
        assert!(certain >= 299, "{certain}");
    }
}
