use std::arch::x86_64::*;

use rayon::prelude::*;

use super::spare::Spare;
use super::turn::turn;
use super::{LANES, TILE_ROWS};
use crate::product::Kind;

/// Activations as tiles want them: for each tile of rows `[step][row]`. A step is an input in f32,
/// or a pair of inputs rounded to bf16.
pub struct Activations {
    pub kind: Kind,
    pub rows: usize,
    pub inputs: usize,
    /// Rows of each tile; the last may have fewer.
    pub tile_rows: usize,
    /// Steps of the inputs.
    pub steps: usize,
    numbers: Spare,
}

/// Numbers above which several threads share the work.
const SERIAL: usize = 1 << 16;

impl Activations {
    /// The processor must have AVX-512, and its BF16 for pairs.
    pub fn new(kind: Kind, x: &[f32], inputs: usize) -> Self {
        let rows = x.len() / inputs;
        // Tiles of nearly equal height.
        let tile_rows = rows.div_ceil(rows.div_ceil(TILE_ROWS));
        let steps = if kind == Kind::Bf16Bf16 {
            inputs.div_ceil(2)
        } else {
            inputs
        };
        // A few rows are read in blocks of 64 bytes of weights, whole ones: steps beyond the last
        // are zero.
        let padded = steps.next_multiple_of(if kind == Kind::F32Bf16 { 2 * LANES } else { LANES });
        let mut spare = Spare::new(padded * rows);
        let (numbers, padding) = spare.numbers_mut().split_at_mut(steps * rows);
        padding.fill(0);
        let pack = |(numbers, x): (&mut [u32], &[f32])| {
            // SAFETY: the caller's promise; a tile has `steps` numbers for each of its rows.
            unsafe {
                match kind {
                    Kind::Bf16Bf16 => pack_pairs(x, inputs, numbers),
                    Kind::F32F32 | Kind::F32Bf16 => pack_f32(x, inputs, numbers),
                }
            }
        };
        let (tile, x_tile) = (tile_rows * steps, tile_rows * inputs);
        if x.len() > SERIAL {
            let tiles = numbers.par_chunks_mut(tile);
            tiles.zip(x.par_chunks(x_tile)).for_each(pack);
        } else {
            let tiles = numbers.chunks_mut(tile);
            tiles.zip(x.chunks(x_tile)).for_each(pack);
        }
        Activations {
            kind,
            rows,
            inputs,
            tile_rows,
            steps,
            numbers: spare,
        }
    }

    /// The numbers of a tile from that step on; `height` is the tile's own.
    pub fn of_tile(&self, first_row: usize, height: usize, step: usize) -> &[u32] {
        &self.numbers.numbers()[first_row * self.steps + step * height..]
    }
}

/// # Safety
/// The processor must have AVX-512; there must be a number for each of `x`.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn pack_f32(x: &[f32], inputs: usize, numbers: &mut [u32]) {
    let rows = x.len() / inputs;
    for at in (0..inputs).step_by(LANES) {
        let left = inputs - at;
        let mut vectors = [_mm512_setzero_si512(); LANES];
        for (vector, x) in vectors.iter_mut().zip(x.chunks_exact(inputs)) {
            // SAFETY: masked to what the row has.
            *vector = _mm512_castps_si512(unsafe { _mm512_maskz_loadu_ps(mask(left), x.as_ptr().add(at)) });
        }
        let count = left.min(LANES);
        // SAFETY: the caller's promise.
        unsafe { store(vectors, rows, count, &mut numbers[at * rows..][..count * rows]) };
    }
}

/// # Safety
/// The processor must have AVX-512 with BF16; there must be a number for each pair of a row of `x`.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn pack_pairs(x: &[f32], inputs: usize, numbers: &mut [u32]) {
    let rows = x.len() / inputs;
    for at in (0..inputs).step_by(2 * LANES) {
        let left = inputs - at;
        let mut vectors = [_mm512_setzero_si512(); LANES];
        for (vector, x) in vectors.iter_mut().zip(x.chunks_exact(inputs)) {
            // SAFETY: masked to what the row has; the same bits.
            *vector = unsafe {
                let from = x.as_ptr().wrapping_add(at);
                let first = _mm512_maskz_loadu_ps(mask(left), from);
                let rest = mask(left.saturating_sub(LANES));
                let second = _mm512_maskz_loadu_ps(rest, from.wrapping_add(LANES));
                std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first))
            };
        }
        let count = left.div_ceil(2).min(LANES);
        // SAFETY: the caller's promise.
        unsafe {
            store(
                vectors,
                rows,
                count,
                &mut numbers[at / 2 * rows..][..count * rows],
            )
        };
    }
}

/// Writes the first `count` columns of as many rows.
///
/// # Safety
/// The processor must have AVX-512.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn store(vectors: [__m512i; LANES], rows: usize, count: usize, to: &mut [u32]) {
    if rows == 1 {
        // SAFETY: masked to what is there.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(count), vectors[0]) };
        return;
    }
    for (column, to) in turn(vectors).into_iter().zip(to.chunks_exact_mut(rows)) {
        // SAFETY: the same.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(rows), column) };
    }
}

/// Ones for the lanes that `count` numbers fill.
fn mask(count: usize) -> u16 {
    ((1u32 << count.min(LANES)) - 1) as u16
}
