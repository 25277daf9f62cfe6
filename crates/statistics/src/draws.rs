//! What is drawn at random: labellings, resamples, halves. The same seed gives the same draws
//! everywhere.

use rand::seq::SliceRandom;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A separate generator for each purpose, so that the number of draws for one doesn't change those
/// for another.
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    Signs,
    Resamples,
    Halves,
}

pub(crate) fn generator(seed: u64, purpose: Purpose) -> ChaCha8Rng {
    let mut generator = ChaCha8Rng::seed_from_u64(seed);
    generator.set_stream(purpose as u64);
    generator
}

/// Labellings drawn at random, `[count, prompts]`: -1 where a prompt's two rows change places, else
/// 1.
pub(crate) fn random_signs(prompts: usize, count: usize, seed: u64) -> Vec<Vec<i8>> {
    let mut generator = generator(seed, Purpose::Signs);
    let mut labelling = || {
        let mut bits = 0_u64;
        let mut sign = |prompt: usize| {
            bits = if prompt.is_multiple_of(64) {
                generator.random()
            } else {
                bits >> 1
            };
            if bits & 1 == 1 { -1 } else { 1 }
        };
        (0..prompts).map(&mut sign).collect()
    };
    (0..count).map(|_| labelling()).collect()
}

/// How often each prompt is drawn when as many are drawn with replacement as there are: `[count,
/// prompts]`. Draws of a single prompt are redrawn, since they have no two prompts to compare;
/// `prompts` is at least 2.
pub(crate) fn resamples(prompts: usize, count: usize, seed: u64) -> Vec<Vec<u16>> {
    let mut generator = generator(seed, Purpose::Resamples);
    let mut resample = || {
        loop {
            let mut counts = vec![0; prompts];
            for _ in 0..prompts {
                counts[generator.random_range(0..prompts)] += 1;
            }
            if counts.iter().filter(|&&count| count > 0).count() > 1 {
                return counts;
            }
        }
    };
    (0..count).map(|_| resample()).collect()
}

/// Random splits of the prompts, `[count, prompts]`: true for the first half, which has `prompts /
/// 2`, rounded down.
pub(crate) fn halves(prompts: usize, count: usize, seed: u64) -> Vec<Vec<bool>> {
    let mut generator = generator(seed, Purpose::Halves);
    let mut split = || {
        let mut halves: Vec<bool> = (0..prompts).map(|prompt| prompt < prompts / 2).collect();
        halves.shuffle(&mut generator);
        halves
    };
    (0..count).map(|_| split()).collect()
}
