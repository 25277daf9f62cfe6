use std::cell::RefCell;

use half::bf16;

use crate::elementwise::{exp, tanh};
use crate::instructions::also_with_avx2;
use crate::threads::for_each_row;

/// Heads and scores of one layer.
#[derive(Clone, Copy, Debug)]
pub struct AttentionShape {
    /// Heads of queries.
    pub heads: usize,
    /// Heads of keys and values; each serves `heads / groups` heads of queries.
    pub groups: usize,
    /// Numbers of a head.
    pub head_dim: usize,
    /// What scores are multiplied by, before the cap.
    pub scale: f32,
    /// The soft limit on scores, if there is one.
    pub soft_cap: Option<f32>,
}

/// The places of the keys and values that a query sees, in the order of their positions.
pub type Context<'a> = &'a [u32];

/// Numbers that keys and values are kept in.
pub trait CacheNumber: Copy + Sync {
    /// The same number as f32; exact.
    fn widen(self) -> f32;
}

impl CacheNumber for f32 {
    #[inline(always)]
    fn widen(self) -> f32 {
        self
    }
}

impl CacheNumber for bf16 {
    #[inline(always)]
    fn widen(self) -> f32 {
        f32::from_bits(u32::from(self.to_bits()) << 16)
    }
}

thread_local! {
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

/// Attention of each query over its own context: `softmax(cap(scale q.k)) v`.
///
/// `queries` and `y: [queries, heads, head_dim]`; `keys` and `values: [slots, groups, head_dim]`;
/// one context, not empty, for each query. Nothing is masked: a context holds exactly what is seen.
///
/// Error below 1e-5 of the largest value that is mixed. Source: `eager_attention_forward` of Gemma
/// 2 in Hugging Face transformers.
pub fn attend<N: CacheNumber>(
    queries: &[f32],
    keys: &[N],
    values: &[N],
    contexts: &[Context<'_>],
    shape: &AttentionShape,
    y: &mut [f32],
) {
    let width = shape.heads * shape.head_dim;
    let group_width = width / shape.groups;
    assert!(queries.len() == y.len() && y.len() == contexts.len() * width && keys.len() == values.len());
    assert!(
        contexts.iter().all(|context| !context.is_empty()),
        "a query sees nothing"
    );
    let seen = contexts.iter().map(|context| context.len()).sum::<usize>() / contexts.len().max(1);
    for_each_row(y, group_width, 2 * seen, |row, y| {
        let (query, group) = (row / shape.groups, row % shape.groups);
        let queries = &queries[row * group_width..][..group_width];
        let cache = GroupCache {
            keys,
            values,
            stride: shape.groups * shape.head_dim,
            first: group * shape.head_dim,
        };
        SCORES.with_borrow_mut(|scores| attend_group(queries, cache, contexts[query], shape, scores, y));
    });
}

/// Keys and values of one group: that of slot s begins at `s * stride + first`.
#[derive(Clone, Copy)]
struct GroupCache<'a, N> {
    keys: &'a [N],
    values: &'a [N],
    stride: usize,
    first: usize,
}

impl<'a, N> GroupCache<'a, N> {
    #[inline(always)]
    fn of(&self, all: &'a [N], slot: u32, head_dim: usize) -> &'a [N] {
        &all[slot as usize * self.stride + self.first..][..head_dim]
    }
}

also_with_avx2! {
    /// The heads of one group and one query. Each key and value is read once for all of them.
    fn attend_group<N: CacheNumber>(
        queries: &[f32],
        cache: GroupCache<'_, N>,
        context: Context<'_>,
        shape: &AttentionShape,
        scores: &mut Vec<f32>,
        y: &mut [f32],
    ) {
        let (head_dim, seen) = (shape.head_dim, context.len());
        // [heads of the group, context]
        scores.resize(queries.len() / head_dim * seen, 0.0);
        for (place, slot) in context.iter().enumerate() {
            let key = cache.of(cache.keys, *slot, head_dim);
            for (head, query) in queries.chunks_exact(head_dim).enumerate() {
                scores[head * seen + place] = dot(query, key) * shape.scale;
            }
        }
        for scores in scores.chunks_exact_mut(seen) {
            if let Some(cap) = shape.soft_cap {
                for score in scores.iter_mut() {
                    *score = cap * tanh(*score / cap);
                }
            }
            softmax(scores);
        }
        y.fill(0.0);
        for (place, slot) in context.iter().enumerate() {
            let value = cache.of(cache.values, *slot, head_dim);
            for (head, y) in y.chunks_exact_mut(head_dim).enumerate() {
                let weight = scores[head * seen + place];
                for (y, value) in y.iter_mut().zip(value) {
                    *y += weight * value.widen();
                }
            }
        }
    }
}

#[inline(always)]
fn softmax(scores: &mut [f32]) {
    let largest = scores.iter().copied().fold(f32::NEG_INFINITY, f32::max);
    for score in scores.iter_mut() {
        *score = exp(*score - largest);
    }
    let sum: f32 = scores.iter().sum();
    for score in scores {
        *score /= sum;
    }
}

/// In 32 partial sums, so that they fill registers.
#[inline(always)]
fn dot<N: CacheNumber>(x: &[f32], y: &[N]) -> f32 {
    let mut sums = [0.0f32; 32];
    let ((x, x_rest), (y, y_rest)) = (x.as_chunks::<32>(), y.as_chunks::<32>());
    for (x, y) in x.iter().zip(y) {
        for ((sum, x), y) in sums.iter_mut().zip(x).zip(y) {
            *sum += x * y.widen();
        }
    }
    for ((sum, x), y) in sums.iter_mut().zip(x_rest).zip(y_rest) {
        *sum += x * y.widen();
    }
    sums.iter().sum()
}
