use std::ops::Range;

use super::lanes::Lanes;
use super::mix::{Values, common, mix, within};
use super::number::CacheNumber;
use super::panels::{KEYS, Panels};
use super::scores;
use super::shape::{AttentionShape, Context};
use super::softmax::softmax;
use super::tiles::seen;

/// Rows that share a register of keys or values.
const BLOCK: usize = 4;
/// Positions whose values stay in the cache for all rows.
const POSITIONS: usize = 128;

/// Consecutive queries of one text and some groups of its heads.
pub struct Tile<'a, N> {
    pub shape: &'a AttentionShape,
    /// `[queries, heads, head_dim]`
    pub queries: &'a [f32],
    /// One for each query, on the same path.
    pub contexts: &'a [Context<'a>],
    pub groups: Range<usize>,
    /// The text's keys turned about, if it has many queries.
    pub panels: Option<&'a Panels>,
    /// `[slots, groups, head_dim]`
    pub keys: &'a [N],
    pub values: &'a [N],
}

impl<N: CacheNumber> Tile<'_, N> {
    /// `y: [queries, groups of the tile, heads of a group, head_dim]`
    ///
    /// # Safety
    /// The processor must have the instructions, and all slots must be within keys and values.
    #[inline(always)]
    pub unsafe fn attend<L: Lanes>(&self, scores: &mut Vec<f32>, y: &mut [f32]) {
        let seen = seen(self.contexts);
        // [rows, positions from a whole panel on]
        let first = seen.start - seen.start % KEYS;
        let stride = (seen.end - first).next_multiple_of(KEYS);
        let rows = self.contexts.len() * self.shape.heads_of_group();
        if scores.len() < rows * stride {
            scores.resize(rows * stride, 0.0);
        }
        for group in self.groups.clone() {
            // SAFETY: the caller's promises.
            unsafe {
                match self.panels {
                    Some(panels) => self.score_panels::<L>(panels, group, first, stride, scores),
                    None => self.score_keys::<L>(group, first, stride, scores),
                }
            }
            for (row, scores) in scores.chunks_exact_mut(stride).enumerate().take(rows) {
                let own = self.context(row);
                softmax(
                    &mut scores[own.start - first..own.end - first],
                    self.shape.soft_cap,
                );
            }
            // SAFETY: the caller's promises.
            unsafe { self.mix::<L>(group, first, stride, scores, y) };
        }
    }

    /// What the row's query sees.
    #[inline(always)]
    fn context(&self, row: usize) -> Range<usize> {
        let context = &self.contexts[row / self.shape.heads_of_group()];
        context.first..context.end
    }

    #[inline(always)]
    fn query(&self, row: usize, group: usize) -> &[f32] {
        let heads = self.shape.heads_of_group();
        let (query, head) = (row / heads, group * heads + row % heads);
        &self.queries[(query * self.shape.heads + head) * self.shape.head_dim..][..self.shape.head_dim]
    }

    #[inline(always)]
    unsafe fn score_panels<L: Lanes>(
        &self,
        panels: &Panels,
        group: usize,
        first: usize,
        stride: usize,
        scores: &mut [f32],
    ) {
        let rows = self.contexts.len() * self.shape.heads_of_group();
        let scale = self.shape.scale;
        for place in (0..stride).step_by(KEYS) {
            let panel = panels.of(first + place, group);
            let mut row = 0;
            // SAFETY: a row has `stride` scores, a whole number of panels.
            unsafe {
                let start = scores.as_mut_ptr().add(place);
                while row + BLOCK <= rows {
                    let queries = std::array::from_fn(|index| self.query(row + index, group).as_ptr());
                    let scores = std::array::from_fn(|index| start.add((row + index) * stride));
                    scores::of_panel::<L, BLOCK>(queries, panel, scale, scores);
                    row += BLOCK;
                }
                while row < rows {
                    let (query, scores) = (self.query(row, group).as_ptr(), start.add(row * stride));
                    scores::of_panel::<L, 1>([query], panel, scale, [scores]);
                    row += 1;
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn score_keys<L: Lanes>(&self, group: usize, first: usize, stride: usize, scores: &mut [f32]) {
        let rows = self.contexts.len() * self.shape.heads_of_group();
        let (path, head_dim) = (self.contexts[0].path, self.shape.head_dim);
        let of_slot = |slot: &u32| (*slot as usize * self.shape.groups + group) * head_dim;
        let seen = seen(self.contexts);
        for place in (0..stride).step_by(KEYS) {
            let positions = within(&(first + place..first + place + KEYS), &seen);
            for row in 0..rows {
                let scores = &mut scores[row * stride + positions.start - first..][..positions.len()];
                let places = path[positions.clone()].iter().map(of_slot);
                // SAFETY: the caller's promises.
                unsafe {
                    scores::of_keys::<L, N>(
                        self.query(row, group),
                        self.keys,
                        places,
                        self.shape.scale,
                        scores,
                    );
                }
            }
        }
    }

    #[inline(always)]
    unsafe fn mix<L: Lanes>(&self, group: usize, first: usize, stride: usize, scores: &[f32], y: &mut [f32]) {
        let (heads, head_dim) = (self.shape.heads_of_group(), self.shape.head_dim);
        let rows = self.contexts.len() * heads;
        let seen = seen(self.contexts);
        let y = y.as_mut_ptr();
        let weights = |row: usize, position: usize| {
            // Of an empty range it may be beyond the scores.
            scores.as_ptr().wrapping_add(row * stride + position - first)
        };
        let mixed = |row: usize| {
            let (query, head) = (row / heads, row % heads);
            let place = (query * self.groups.len() + group - self.groups.start) * heads + head;
            // SAFETY: `y` has these rows.
            unsafe { y.add(place * head_dim) }
        };
        for row in 0..rows {
            // SAFETY: the row is `head_dim` numbers.
            unsafe { std::slice::from_raw_parts_mut(mixed(row), head_dim) }.fill(0.0);
        }
        // No closure calls a kernel: the compiler would give it no instructions of its own, and so
        // none of the kernel's would be inlined.
        for start in (seen.start..seen.end).step_by(POSITIONS) {
            let positions = start..(start + POSITIONS).min(seen.end);
            for row in (0..rows).step_by(BLOCK) {
                let count = BLOCK.min(rows - row);
                let own: [Range<usize>; BLOCK] =
                    std::array::from_fn(|index| self.context(row + index.min(count - 1)));
                let shared = match count {
                    BLOCK => common(&own),
                    _ => seen.end..seen.end,
                };
                for (row, own) in (row..row + count).zip(&own) {
                    let before = within(&(own.start..own.end.min(shared.start)), &positions);
                    let weights = [weights(row, before.start)];
                    // SAFETY: the row's weights at its own positions are there.
                    unsafe { self.mix_rows::<L, 1>(group, before, weights, [mixed(row)]) };
                }
                let together = within(&shared, &positions);
                if !together.is_empty() {
                    let weights = std::array::from_fn(|index| weights(row + index, together.start));
                    let mixed = std::array::from_fn(|index| mixed(row + index));
                    // SAFETY: so are those of each row at positions that all have.
                    unsafe { self.mix_rows::<L, BLOCK>(group, together, weights, mixed) };
                }
                for (row, own) in (row..row + count).zip(&own) {
                    let after = within(&(own.start.max(shared.end)..own.end), &positions);
                    let weights = [weights(row, after.start)];
                    // SAFETY: as before.
                    unsafe { self.mix_rows::<L, 1>(group, after, weights, [mixed(row)]) };
                }
            }
        }
    }

    /// # Safety
    /// As for [`mix`].
    #[inline(always)]
    unsafe fn mix_rows<L: Lanes, const COUNT: usize>(
        &self,
        group: usize,
        positions: Range<usize>,
        weights: [*const f32; COUNT],
        mixed: [*mut f32; COUNT],
    ) {
        let values = Values {
            all: self.values,
            stride: self.shape.groups * self.shape.head_dim,
            first: group * self.shape.head_dim,
        };
        if positions.is_empty() {
            return;
        }
        let slots = &self.contexts[0].path[positions];
        // SAFETY: the caller's promises.
        unsafe { mix::<L, N, COUNT>(weights, slots, values, self.shape.head_dim, mixed) };
    }
}
