//! AVX-512 with VNNI: sums of products of pairs of integers of 16 bits, for 16 outputs a vector.

use std::arch::x86_64::*;

use super::avx2::lay_factors;
use super::direct::{direct_avx512, fill_avx512};
use super::machine::{Machine, Tile, for_tile};
use super::operations::Avx512;
use super::panel::{Panel, Shape, Unpacked};
use super::rows::{Next, Rows, for_kind};
use super::{RUN, WIDTH};
use crate::product::turn;

/// 14 sums of integers and 14 of f32 take most of the 32 registers.
pub const MACHINE: Machine = Machine {
    rows: 7,
    unpack,
    lay,
    add,
    direct: direct_avx512,
    fill: fill_avx512,
};

const LANES: usize = 16;
const VECTORS: usize = WIDTH / LANES;

/// # Safety
/// The processor must have the instructions.
unsafe fn unpack(rows: &Rows<'_>, unit: usize, to: &mut [Unpacked; WIDTH], next: &mut Next) {
    // SAFETY: the caller's promise.
    unsafe { for_kind!(rows, unpack_kind(rows, unit, to, next)) }
}

/// # Safety
/// The processor must have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn unpack_kind<const KIND: usize>(
    rows: &Rows<'_>,
    unit: usize,
    to: &mut [Unpacked; WIDTH],
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    let operations = unsafe { Avx512::new() };
    rows.unpack::<KIND>(operations, unit, to, next);
}

/// # Safety
/// The processor must have the instructions.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
unsafe fn lay(from: &[Unpacked; WIDTH], shape: Shape, to: &mut Panel, next: &mut Next) {
    for (vector, from) in from.as_chunks::<LANES>().0.iter().enumerate() {
        // 64 inputs at a time; with an odd number of runs the second half is not used.
        for piece in 0..shape.runs.div_ceil(2) {
            next.ask();
            // SAFETY: an output has 256 integers.
            let rows = std::array::from_fn(|lane| unsafe {
                _mm512_load_si512(from[lane].integers.as_ptr().add(64 * piece).cast())
            });
            for (step, four) in turn(rows).into_iter().enumerate() {
                let even = _mm512_srai_epi16::<8>(_mm512_slli_epi16::<8>(four));
                let odd = _mm512_srai_epi16::<8>(four);
                let pair = 2 * (16 * piece + step);
                for (pair, weights) in [(pair, even), (pair + 1, odd)] {
                    let place = to.weights[pair].as_chunks_mut::<LANES>().0[vector].as_mut_ptr();
                    // SAFETY: 16 pairs have as many bytes as a vector.
                    unsafe { _mm512_store_si512(place.cast(), weights) };
                }
            }
        }
    }
    lay_factors(from, shape, to);
}

/// # Safety
/// As for [`Machine::add`].
unsafe fn add(tile: &Tile<'_>, next: &mut Next) {
    // SAFETY: the caller's promise.
    unsafe { for_tile!(tile, next, sum, 1 2 3 4 5 6 7) }
}

/// # Safety
/// As for [`Machine::add`].
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,fma")]
unsafe fn sum<const ROWS: usize, const GROUPS: usize, const MINIMA: bool>(tile: &Tile<'_>, next: &mut Next) {
    let steps = RUN / 2 / GROUPS;
    // SAFETY: the caller's promise; a panel has as many runs as its shape says.
    unsafe {
        for run in 0..tile.shape.runs {
            next.ask();
            let x = tile.integers.add(run * tile.stride).cast::<i32>();
            let mut t = [[_mm512_setzero_ps(); VECTORS]; ROWS];
            for group in 0..GROUPS {
                let first = group * steps;
                let mut whole = [[_mm512_setzero_si512(); VECTORS]; ROWS];
                for step in first..first + steps {
                    let weights = tile.panel.weights.as_ptr().add(run * RUN / 2 + step);
                    let weights = [0, 1].map(|v| _mm512_load_si512(weights.cast::<__m512i>().add(v)));
                    for (row, whole) in whole.iter_mut().enumerate() {
                        let pair = _mm512_set1_epi32(*x.add(row * (RUN / 2) + step));
                        for (whole, weights) in whole.iter_mut().zip(weights) {
                            *whole = _mm512_dpwssd_epi32(*whole, weights, pair);
                        }
                    }
                }
                let scales = factors(&tile.panel.scales[run * GROUPS + group]);
                for (t, whole) in t.iter_mut().zip(whole) {
                    for ((t, whole), scale) in t.iter_mut().zip(whole).zip(scales) {
                        *t = _mm512_fmadd_ps(_mm512_cvtepi32_ps(whole), scale, *t);
                    }
                }
            }
            let sums = tile.sums.add(run * tile.stride);
            if MINIMA {
                for group in 0..GROUPS {
                    let minima = factors(&tile.panel.minima[run * GROUPS + group]);
                    for (row, t) in t.iter_mut().enumerate() {
                        let sums = *sums.add(row);
                        let sum = if GROUPS == 1 {
                            sums[0] + sums[1]
                        } else {
                            sums[group]
                        };
                        for (t, minimum) in t.iter_mut().zip(minima) {
                            *t = _mm512_fnmadd_ps(minimum, _mm512_set1_ps(sum), *t);
                        }
                    }
                }
            }
            for (row, t) in t.iter().enumerate() {
                let scale = _mm512_set1_ps(*tile.scales.add(run * tile.stride + row));
                let results = tile.results.add(row).cast::<f32>();
                for (vector, t) in t.iter().enumerate() {
                    let place = results.add(vector * LANES);
                    _mm512_storeu_ps(place, _mm512_fmadd_ps(*t, scale, _mm512_loadu_ps(place)));
                }
            }
        }
    }
}

#[target_feature(enable = "avx512f")]
#[inline]
fn factors(factors: &[f32; WIDTH]) -> [__m512; VECTORS] {
    // SAFETY: there are as many numbers as in two vectors.
    unsafe { [0, LANES].map(|at| _mm512_loadu_ps(factors.as_ptr().add(at))) }
}
