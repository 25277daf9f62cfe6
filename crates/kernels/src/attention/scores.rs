//! Scores: in 32 partial sums over the head, which are added in their order.

use super::lanes::Lanes;
use super::number::CacheNumber;
use super::panels::KEYS;

/// Partial sums of a score.
const SUMS: usize = 32;

/// Scores of `ROWS` queries with the keys of a panel.
///
/// # Safety
/// `queries` point to `head_dim` numbers, the panel has `head_dim * 16`, and there is room for 16
/// scores of each query. The processor must have the instructions.
#[inline(always)]
pub unsafe fn of_panel<L: Lanes, const ROWS: usize>(
    queries: [*const f32; ROWS],
    panel: &[f32],
    scale: f32,
    scores: [*mut f32; ROWS],
) {
    let head_dim = panel.len() / KEYS;
    for part in (0..KEYS).step_by(L::COUNT) {
        // SAFETY: all places are within the head, the panel and the scores.
        unsafe {
            let mut totals = [L::splat(0.0); ROWS];
            for first in 0..head_dim.min(SUMS) {
                let mut sums = [L::splat(0.0); ROWS];
                for element in (first..head_dim).step_by(SUMS) {
                    let keys = L::load(panel.as_ptr().add(element * KEYS + part));
                    for (sum, query) in sums.iter_mut().zip(queries) {
                        *sum = sum.add(L::splat(*query.add(element)).multiply(keys));
                    }
                }
                for (total, sum) in totals.iter_mut().zip(sums) {
                    *total = total.add(sum);
                }
            }
            for (total, scores) in totals.into_iter().zip(scores) {
                total.multiply(L::splat(scale)).store(scores.add(part));
            }
        }
    }
}

/// Scores of one query with at most 16 keys as they lie, each at its place in `keys`.
///
/// # Safety
/// The processor must have the instructions.
#[inline(always)]
pub unsafe fn of_keys<L: Lanes, N: CacheNumber>(
    query: &[f32],
    keys: &[N],
    places: impl ExactSizeIterator<Item = usize>,
    scale: f32,
    scores: &mut [f32],
) {
    let head_dim = query.len();
    let whole = head_dim - head_dim % SUMS;
    let mut sums = [[0.0f32; SUMS]; KEYS];
    let count = places.len();
    for (place, sums) in places.zip(&mut sums) {
        let key = &keys[place..][..head_dim];
        for part in (0..SUMS).step_by(L::COUNT) {
            // SAFETY: all places are within the query, the key and the sums.
            unsafe {
                let mut sum = L::splat(0.0);
                for element in (part..whole).step_by(SUMS) {
                    let key: L = N::load(key.as_ptr().add(element));
                    sum = sum.add(L::load(query.as_ptr().add(element)).multiply(key));
                }
                sum.store(sums.as_mut_ptr().add(part));
            }
        }
        for ((sum, query), key) in sums.iter_mut().zip(&query[whole..]).zip(&key[whole..]) {
            *sum += query * key.widen();
        }
    }
    // The keys' sums side by side: one alone would wait for each of its additions.
    let mut totals = [0.0f32; KEYS];
    for part in 0..SUMS {
        for (total, sums) in totals.iter_mut().zip(&sums) {
            *total += sums[part];
        }
    }
    for (score, total) in scores[..count].iter_mut().zip(totals) {
        *score = total * scale;
    }
}
