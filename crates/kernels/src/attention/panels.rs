use std::ops::Range;

use rayon::prelude::*;

use super::number::CacheNumber;
use super::shape::AttentionShape;

/// Keys of one panel.
pub const KEYS: usize = 16;

/// The keys of a text turned about: for each 16 positions and each group, the first elements of all
/// 16 keys, then the second elements, and so on. In f32.
pub struct Panels {
    /// The number of the first panel; panel p has the positions from `16 p` on.
    first: usize,
    groups: usize,
    head_dim: usize,
    /// `[panels, groups, head_dim, 16]`; 0 for positions that no query sees.
    numbers: Vec<f32>,
}

impl Panels {
    /// Of the positions `seen` in the path.
    pub fn new<N: CacheNumber>(keys: &[N], path: &[u32], seen: Range<usize>, shape: &AttentionShape) -> Self {
        let first = seen.start / KEYS;
        let count = seen.end.div_ceil(KEYS) - first;
        let (groups, head_dim) = (shape.groups, shape.head_dim);
        let stride = groups * head_dim;
        let mut numbers = vec![0.0; count * stride * KEYS];
        let turn = |(panel, numbers): (usize, &mut [f32])| {
            let position = (first + panel) * KEYS;
            for position in position.max(seen.start)..(position + KEYS).min(seen.end) {
                let key = &keys[path[position] as usize * stride..][..stride];
                // Elements of all groups follow each other in the key and in the panel.
                let places = numbers[position % KEYS..].iter_mut().step_by(KEYS);
                for (place, number) in places.zip(key) {
                    *place = number.widen();
                }
            }
        };
        numbers
            .par_chunks_mut(stride * KEYS)
            .with_min_len(4)
            .enumerate()
            .for_each(turn);
        Panels {
            first,
            groups,
            head_dim,
            numbers,
        }
    }

    /// The keys from a position on that is a multiple of 16: `[head_dim, 16]`.
    #[inline(always)]
    pub fn of(&self, position: usize, group: usize) -> &[f32] {
        let size = self.head_dim * KEYS;
        let panel = position / KEYS - self.first;
        &self.numbers[(panel * self.groups + group) * size..][..size]
    }
}
