//! Weights turned about for many rows: 32 outputs over a piece of the inputs, `[step][output]`.

use std::arch::x86_64::*;

use super::rows::Rows;
use super::turn::turn;
use super::{LANES, VECTORS};
use crate::product::Kind;

/// Packs 16 of a panel's outputs; `to` is the place of their first vector. `bytes` is the length of
/// the piece, which begins `at` bytes from the beginning of the rows.
///
/// # Safety
/// The processor must have AVX-512; the rows must have those bytes, and the panel a vector for each
/// step.
#[target_feature(enable = "avx512f,avx512bw")]
pub unsafe fn pack(kind: Kind, rows: &Rows, at: usize, bytes: usize, to: *mut __m512i) {
    let mut to = to;
    for done in (0..bytes).step_by(64) {
        // SAFETY: the caller's promise. Steps of f32 beyond the last are not stored.
        unsafe {
            let columns = turn(rows.load(at + done, bytes - done));
            let left = (bytes - done).div_ceil(4).min(LANES);
            for column in columns.into_iter().take(left) {
                if kind == Kind::F32Bf16 {
                    let [first, second] = widen(column);
                    *to = first;
                    *to.add(VECTORS) = second;
                    to = to.wrapping_add(2 * VECTORS);
                } else {
                    *to = column;
                    to = to.wrapping_add(VECTORS);
                }
            }
        }
    }
}

/// Pairs of bf16 to two vectors of f32: a bf16 is the upper half of an f32.
#[target_feature(enable = "avx512f")]
#[inline]
pub fn widen(pairs: __m512i) -> [__m512i; 2] {
    [
        _mm512_slli_epi32::<16>(pairs),
        _mm512_and_si512(pairs, _mm512_set1_epi32(-0x10000)),
    ]
}
