//! Random choices that are the same on every machine.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// A seeded source of choices. It draws from the raw stream of the generator
/// rather than through a library's sampling methods, so that a later version
/// of the library, which may sample differently, gives the same conversations.
pub struct Dice(ChaCha8Rng);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number below `bound`; 0 if the bound is 0.
    pub fn below(&mut self, bound: usize) -> usize {
        // The high bits of a 32-bit draw times the bound: with bounds of at
        // most a few hundred the bias is far below anything measurable.
        ((u64::from(self.0.next_u32()) * bound as u64) >> 32) as usize
    }

    /// True in `percent` of 100 cases.
    pub fn chance(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    pub fn pick<T: Copy>(&mut self, items: &[T]) -> T {
        items[self.below(items.len())]
    }

    /// Two different items of a list that has at least two.
    pub fn pick_two<T: Copy>(&mut self, items: &[T]) -> (T, T) {
        let first = self.below(items.len());
        let step = 1 + self.below(items.len() - 1);
        (items[first], items[(first + step) % items.len()])
    }
}
