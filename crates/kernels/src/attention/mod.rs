//! Attention over a cache.
//!
//! Every number is computed in one order, which depends on the query's own context alone:
//!
//! - a score is a sum over the head in 32 partial sums (lane l takes the elements l, l + 32,
//!   l + 64, ...), which are added in their order;
//! - the softmax adds exponentials in the order of positions;
//! - so does the sum of the values.
//!
//! How queries are taken together changes none of that. Consecutive queries of one text form a
//! [`Tile`], for which each key and value is read once. The keys of a text with many queries are
//! first turned about ([`Panels`]), so that a register holds one element of 16 keys.

mod lanes;
mod mix;
mod number;
mod panels;
mod scores;
mod shape;
mod softmax;
mod tile;
mod tiles;

use std::cell::RefCell;

use rayon::prelude::*;

use crate::Instructions;
use crate::threads::is_worth_sharing;
use lanes::Plain;
pub use number::CacheNumber;
use panels::Panels;
pub use shape::{AttentionShape, Context};
use tile::Tile;
use tiles::{seen, texts, tiles};

/// Attention of each query over its own context: `softmax(cap(scale q.k)) v`.
///
/// `queries` and `y: [queries, heads, head_dim]`; `keys` and `values: [slots, groups, head_dim]`;
/// one context for each query. Nothing is masked: a context holds exactly what is seen.
///
/// Error below 1e-5 of the largest value that is mixed, up to 32,768 positions. Source:
/// `eager_attention_forward` of Gemma 2 in Hugging Face transformers.
pub fn attend<N: CacheNumber>(
    queries: &[f32],
    keys: &[N],
    values: &[N],
    contexts: &[Context<'_>],
    shape: &AttentionShape,
    y: &mut [f32],
) {
    attend_with(Instructions::best(), queries, keys, values, contexts, shape, y);
}

/// The same with given instructions, which the processor must have. The bits are the same with all.
pub fn attend_with<N: CacheNumber>(
    instructions: Instructions,
    queries: &[f32],
    keys: &[N],
    values: &[N],
    contexts: &[Context<'_>],
    shape: &AttentionShape,
    y: &mut [f32],
) {
    let (width, slots) = (shape.width(), keys.len() / (shape.groups * shape.head_dim));
    assert!(
        instructions <= Instructions::best(),
        "the processor has no {instructions:?}"
    );
    assert!(queries.len() == y.len() && y.len() == contexts.len() * width && keys.len() == values.len());
    let mut operations = 0;
    for context in contexts {
        assert!(
            context.first < context.end && context.end <= context.path.len(),
            "a query sees nothing, or what is not there"
        );
        operations += 2 * width * (context.end - context.first);
    }
    let texts = texts(contexts);
    for text in &texts {
        let seen = &contexts[text.start].path[seen(&contexts[text.clone()])];
        assert!(
            seen.iter().all(|slot| (*slot as usize) < slots),
            "a slot that is not there"
        );
    }
    let panels: Vec<Option<Panels>> = texts
        .iter()
        .map(|text| {
            let contexts = &contexts[text.clone()];
            let rows = contexts.len() * shape.heads_of_group();
            (rows >= ROWS_FOR_PANELS).then(|| Panels::new(keys, contexts[0].path, seen(contexts), shape))
        })
        .collect();
    let mut tasks = Vec::new();
    let mut rest = y;
    for (text, panels) in texts.into_iter().zip(&panels) {
        for tile in tiles(text, contexts, shape.heads_of_group()) {
            // The groups of a single query are tasks of their own.
            let groups = if tile.len() == 1 { 1 } else { shape.groups };
            for first in (0..shape.groups).step_by(groups) {
                let (y, others) = rest.split_at_mut(tile.len() * groups * shape.group_width());
                rest = others;
                let tile = Tile {
                    shape,
                    queries: &queries[tile.start * width..tile.end * width],
                    contexts: &contexts[tile.clone()],
                    groups: first..first + groups,
                    panels: panels.as_ref(),
                    keys,
                    values,
                };
                tasks.push((tile, y));
            }
        }
    }
    let run = |(tile, y): (Tile<'_, N>, &mut [f32])| {
        SCORES.with_borrow_mut(|scores| attend_tile(instructions, &tile, scores, y));
    };
    if is_worth_sharing(operations) {
        tasks.into_par_iter().for_each(run);
    } else {
        tasks.into_iter().for_each(run);
    }
}

/// Queries of a text, times heads of a group, from which turning its keys about pays.
const ROWS_FOR_PANELS: usize = 16;

thread_local! {
    static SCORES: RefCell<Vec<f32>> = const { RefCell::new(Vec::new()) };
}

fn attend_tile<N: CacheNumber>(
    instructions: Instructions,
    tile: &Tile<'_, N>,
    scores: &mut Vec<f32>,
    y: &mut [f32],
) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{__m256, __m512};

        #[target_feature(enable = "avx512f,avx512bw")]
        fn avx512<N: CacheNumber>(tile: &Tile<'_, N>, scores: &mut Vec<f32>, y: &mut [f32]) {
            // SAFETY: the instructions are there, and `attend_with` has checked the slots.
            unsafe { tile.attend::<__m512>(scores, y) }
        }

        #[target_feature(enable = "avx2,fma")]
        fn avx2<N: CacheNumber>(tile: &Tile<'_, N>, scores: &mut Vec<f32>, y: &mut [f32]) {
            // SAFETY: as above.
            unsafe { tile.attend::<__m256>(scores, y) }
        }

        if instructions >= Instructions::Avx512 {
            // SAFETY: the set includes these instructions.
            return unsafe { avx512(tile, scores, y) };
        }
        if instructions == Instructions::Avx2 {
            // SAFETY: the set includes these instructions.
            return unsafe { avx2(tile, scores, y) };
        }
    }
    let _ = instructions;
    // SAFETY: every processor has plain numbers, and `attend_with` has checked the slots.
    unsafe { tile.attend::<Plain>(scores, y) }
}
