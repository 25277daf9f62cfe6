//! AVX2: products of pairs of integers of 16 bits, for 8 outputs a vector.

use std::arch::x86_64::*;

use super::direct::{direct_avx2, fill_avx2};
use super::machine::{Machine, Tile, for_tile};
use super::operations::Avx2;
use super::panel::{Panel, Shape, Unpacked};
use super::rows::{Next, Rows, for_kind};
use super::{RUN, WIDTH};

/// 8 sums of integers, 2 weights and what comes in between take most of the 16 registers.
pub const MACHINE: Machine = Machine {
    rows: 4,
    unpack,
    lay,
    add,
    direct: direct_avx2,
    fill: fill_avx2,
};

const LANES: usize = 8;
/// Vectors that are summed at once.
const VECTORS: usize = 2;

/// # Safety
/// The processor must have the instructions.
unsafe fn unpack(rows: &Rows<'_>, unit: usize, to: &mut [Unpacked; WIDTH], next: &mut Next) {
    // SAFETY: the caller's promise.
    unsafe { for_kind!(rows, unpack_kind(rows, unit, to, next)) }
}

/// # Safety
/// The processor must have the instructions.
#[target_feature(enable = "avx2,fma")]
unsafe fn unpack_kind<const KIND: usize>(
    rows: &Rows<'_>,
    unit: usize,
    to: &mut [Unpacked; WIDTH],
    next: &mut Next,
) {
    // SAFETY: the caller's promise.
    let operations = unsafe { Avx2::new() };
    rows.unpack::<KIND>(operations, unit, to, next);
}

/// # Safety
/// The processor must have the instructions.
#[target_feature(enable = "avx2,fma")]
unsafe fn lay(from: &[Unpacked; WIDTH], shape: Shape, to: &mut Panel, next: &mut Next) {
    for (vector, from) in from.as_chunks::<LANES>().0.iter().enumerate() {
        for run in 0..shape.runs {
            if run % (WIDTH / LANES) == vector {
                next.ask();
            }
            // SAFETY: an output has 256 integers.
            let rows = std::array::from_fn(|lane| unsafe {
                _mm256_load_si256(from[lane].integers.as_ptr().add(RUN * run).cast())
            });
            for (step, four) in turn(rows).into_iter().enumerate() {
                let even = _mm256_srai_epi16::<8>(_mm256_slli_epi16::<8>(four));
                let odd = _mm256_srai_epi16::<8>(four);
                let pair = 2 * (8 * run + step);
                for (pair, weights) in [(pair, even), (pair + 1, odd)] {
                    let place = to.weights[pair].as_chunks_mut::<LANES>().0[vector].as_mut_ptr();
                    // SAFETY: 8 pairs have as many bytes as a vector.
                    unsafe { _mm256_store_si256(place.cast(), weights) };
                }
            }
        }
    }
    lay_factors(from, shape, to);
}

/// The scales and minima of a panel.
#[target_feature(enable = "avx2,fma")]
#[inline]
pub fn lay_factors(from: &[Unpacked; WIDTH], shape: Shape, to: &mut Panel) {
    let groups = shape.runs * shape.groups;
    for (vector, from) in from.as_chunks().0.iter().enumerate() {
        lay_eight(from, |from| &from.scales, &mut to.scales[..groups], vector);
        if shape.minima {
            lay_eight(from, |from| &from.minima, &mut to.minima[..groups], vector);
        }
    }
}

/// The scales or minima of 8 outputs.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn lay_eight(
    from: &[Unpacked; LANES],
    factors: impl Fn(&Unpacked) -> &[f32; 16],
    to: &mut [[f32; WIDTH]],
    vector: usize,
) {
    for (index, to) in to.chunks_mut(LANES).enumerate() {
        // SAFETY: an output has 16 of them.
        let rows = std::array::from_fn(|lane| unsafe {
            _mm256_loadu_si256(factors(&from[lane])[index * LANES..].as_ptr().cast())
        });
        for (to, column) in to.iter_mut().zip(turn(rows)) {
            let place = to.as_chunks_mut::<LANES>().0[vector].as_mut_ptr();
            // SAFETY: 8 numbers have as many bytes as a vector.
            unsafe { _mm256_storeu_si256(place.cast(), column) };
        }
    }
}

/// Vector j of the result has number j of each of the 8 vectors.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn turn(rows: [__m256i; LANES]) -> [__m256i; LANES] {
    let mut quads = [_mm256_setzero_si256(); LANES];
    for (quads, rows) in quads
        .as_chunks_mut::<4>()
        .0
        .iter_mut()
        .zip(rows.as_chunks::<4>().0)
    {
        let a = _mm256_unpacklo_epi32(rows[0], rows[1]);
        let b = _mm256_unpackhi_epi32(rows[0], rows[1]);
        let c = _mm256_unpacklo_epi32(rows[2], rows[3]);
        let d = _mm256_unpackhi_epi32(rows[2], rows[3]);
        *quads = [
            _mm256_unpacklo_epi64(a, c),
            _mm256_unpackhi_epi64(a, c),
            _mm256_unpacklo_epi64(b, d),
            _mm256_unpackhi_epi64(b, d),
        ];
    }
    let mut columns = [_mm256_setzero_si256(); LANES];
    for column in 0..4 {
        columns[column] = _mm256_permute2x128_si256::<0x20>(quads[column], quads[4 + column]);
        columns[4 + column] = _mm256_permute2x128_si256::<0x31>(quads[column], quads[4 + column]);
    }
    columns
}

/// # Safety
/// As for [`Machine::add`].
unsafe fn add(tile: &Tile<'_>, next: &mut Next) {
    // SAFETY: the caller's promise.
    unsafe { for_tile!(tile, next, sum, 1 2 3 4) }
}

/// # Safety
/// As for [`Machine::add`].
#[target_feature(enable = "avx2,fma")]
unsafe fn sum<const ROWS: usize, const GROUPS: usize, const MINIMA: bool>(tile: &Tile<'_>, next: &mut Next) {
    for first in (0..WIDTH).step_by(VECTORS * LANES) {
        // SAFETY: the caller's promise.
        unsafe { sum_16::<ROWS, GROUPS, MINIMA>(tile, first, next) };
    }
}

/// 16 outputs, from `first` on.
///
/// # Safety
/// As for [`Machine::add`].
#[target_feature(enable = "avx2,fma")]
unsafe fn sum_16<const ROWS: usize, const GROUPS: usize, const MINIMA: bool>(
    tile: &Tile<'_>,
    first: usize,
    next: &mut Next,
) {
    let steps = RUN / 2 / GROUPS;
    // SAFETY: the caller's promise; a panel has as many runs as its shape says.
    unsafe {
        for run in 0..tile.shape.runs {
            if run % (WIDTH / (VECTORS * LANES)) == first / (VECTORS * LANES) {
                next.ask();
            }
            let x = tile.integers.add(run * tile.stride).cast::<i32>();
            let mut t = [[_mm256_setzero_ps(); VECTORS]; ROWS];
            for group in 0..GROUPS {
                let begin = group * steps;
                let mut whole = [[_mm256_setzero_si256(); VECTORS]; ROWS];
                for step in begin..begin + steps {
                    let weights = tile.panel.weights[run * RUN / 2 + step][first..].as_ptr();
                    let weights = [0, 1].map(|v| _mm256_load_si256(weights.cast::<__m256i>().add(v)));
                    for (row, whole) in whole.iter_mut().enumerate() {
                        let pair = _mm256_set1_epi32(*x.add(row * (RUN / 2) + step));
                        for (whole, weights) in whole.iter_mut().zip(weights) {
                            *whole = _mm256_add_epi32(*whole, _mm256_madd_epi16(weights, pair));
                        }
                    }
                }
                let scales = factors(&tile.panel.scales[run * GROUPS + group], first);
                for (t, whole) in t.iter_mut().zip(whole) {
                    for ((t, whole), scale) in t.iter_mut().zip(whole).zip(scales) {
                        *t = _mm256_fmadd_ps(_mm256_cvtepi32_ps(whole), scale, *t);
                    }
                }
            }
            let sums = tile.sums.add(run * tile.stride);
            if MINIMA {
                for group in 0..GROUPS {
                    let minima = factors(&tile.panel.minima[run * GROUPS + group], first);
                    for (row, t) in t.iter_mut().enumerate() {
                        let sums = *sums.add(row);
                        let sum = if GROUPS == 1 {
                            sums[0] + sums[1]
                        } else {
                            sums[group]
                        };
                        for (t, minimum) in t.iter_mut().zip(minima) {
                            *t = _mm256_fnmadd_ps(minimum, _mm256_set1_ps(sum), *t);
                        }
                    }
                }
            }
            for (row, t) in t.iter().enumerate() {
                let scale = _mm256_set1_ps(*tile.scales.add(run * tile.stride + row));
                let results = tile.results.add(row).cast::<f32>().add(first);
                for (vector, t) in t.iter().enumerate() {
                    let place = results.add(vector * LANES);
                    _mm256_storeu_ps(place, _mm256_fmadd_ps(*t, scale, _mm256_loadu_ps(place)));
                }
            }
        }
    }
}

#[target_feature(enable = "avx2,fma")]
#[inline]
fn factors(factors: &[f32; WIDTH], first: usize) -> [__m256; VECTORS] {
    let factors = &factors[first..first + VECTORS * LANES];
    // SAFETY: there are as many numbers as in two vectors.
    unsafe { [0, LANES].map(|at| _mm256_loadu_ps(factors.as_ptr().add(at))) }
}
