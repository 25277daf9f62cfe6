use std::arch::x86_64::*;

use rayon::prelude::*;

use super::split::{split, upper_halves};
use super::{INPUTS, SIDE};
use crate::product::Kind;
use crate::product::avx512::LANES;
use crate::product::avx512::spare::Spare;
use crate::product::avx512::turn::turn;

/// Activations as tiles: for each block of rows and 32 inputs, one tile or, where they stay exact,
/// three, whose sum they are; a tile is `[pair of inputs][row]`. Rows and inputs that aren't there
/// are zero.
pub struct Activations {
    pub rows: usize,
    pub inputs: usize,
    /// Rows of a block, and pairs in a line of a tile.
    pub columns: usize,
    /// Tiles for 32 inputs: 1, or 3.
    pub layers: usize,
    pairs: Spare,
}

/// Numbers above which several threads share the work.
const SERIAL: usize = 1 << 16;

impl Activations {
    /// The processor must have AMX.
    pub fn new(kind: Kind, x: &[f32], inputs: usize) -> Self {
        let rows = x.len() / inputs;
        let (columns, layers) = (rows.min(SIDE), if kind == Kind::Bf16Bf16 { 1 } else { 3 });
        let block = inputs.div_ceil(INPUTS) * layers * SIDE * columns;
        let mut spare = Spare::new(rows.div_ceil(columns) * block);
        let pairs = spare.numbers_mut();
        let pack = |(pairs, x): (&mut [u32], &[f32])| {
            // SAFETY: the caller's promise.
            unsafe {
                if layers == 1 {
                    pack::<1>(x, inputs, columns, pairs);
                } else {
                    pack::<3>(x, inputs, columns, pairs);
                }
            }
        };
        if x.len() > SERIAL {
            let blocks = pairs.par_chunks_mut(block);
            blocks.zip(x.par_chunks(columns * inputs)).for_each(pack);
        } else {
            let blocks = pairs.chunks_mut(block);
            blocks.zip(x.chunks(columns * inputs)).for_each(pack);
        }
        Activations {
            rows,
            inputs,
            columns,
            layers,
            pairs: spare,
        }
    }

    /// Blocks of rows.
    pub fn blocks(&self) -> usize {
        self.rows.div_ceil(self.columns)
    }

    /// Tiles of a block of rows from those inputs on, which are a multiple of 32.
    pub fn tiles(&self, block: usize, input: usize) -> *const u32 {
        let chunks = self.inputs.div_ceil(INPUTS);
        let tile = (block * chunks + input / INPUTS) * self.layers;
        self.pairs.numbers()[tile * SIDE * self.columns..].as_ptr()
    }
}

/// # Safety
/// The processor must have AVX-512 with BF16; there must be as many tiles as the rows need.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
unsafe fn pack<const LAYERS: usize>(x: &[f32], inputs: usize, columns: usize, pairs: &mut [u32]) {
    let mut tiles = pairs.chunks_exact_mut(SIDE * columns);
    for at in (0..inputs).step_by(INPUTS) {
        let mut layers = [[_mm512_setzero_si512(); LANES]; LAYERS];
        for (row, x) in x.chunks_exact(inputs).enumerate() {
            // SAFETY: masked to what the row has.
            let parts = unsafe { load::<LAYERS>(&x[at..]) };
            for (layer, part) in layers.iter_mut().zip(parts) {
                layer[row] = part;
            }
        }
        for (layer, tile) in layers.into_iter().zip(&mut tiles) {
            store(layer, columns, tile);
        }
    }
}

/// The pairs of the next 32 numbers, as one bf16 or as three for each.
///
/// # Safety
/// The processor must have AVX-512 with BF16.
#[target_feature(enable = "avx512f,avx512bw,avx512dq,avx512bf16")]
#[inline]
unsafe fn load<const LAYERS: usize>(x: &[f32]) -> [__m512i; LAYERS] {
    let from = x.as_ptr();
    // SAFETY: masked to what is there.
    let (first, second) = unsafe {
        (
            _mm512_maskz_loadu_ps(mask(x.len()), from),
            _mm512_maskz_loadu_ps(mask(x.len().saturating_sub(LANES)), from.wrapping_add(LANES)),
        )
    };
    if LAYERS == 1 {
        // SAFETY: the same bits.
        let pairs = unsafe { std::mem::transmute::<__m512bh, __m512i>(_mm512_cvtne2ps_pbh(second, first)) };
        return [pairs; LAYERS];
    }
    let (first, second) = (split(first), split(second));
    let mut layers = [_mm512_setzero_si512(); LAYERS];
    for ((layer, first), second) in layers.iter_mut().zip(first).zip(second) {
        *layer = upper_halves(first, second);
    }
    layers
}

#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
fn store(rows: [__m512i; LANES], columns: usize, tile: &mut [u32]) {
    if columns == 1 {
        // SAFETY: a tile of one row has 16 pairs.
        unsafe { _mm512_storeu_si512(tile.as_mut_ptr().cast(), rows[0]) };
        return;
    }
    for (line, to) in turn(rows).into_iter().zip(tile.chunks_exact_mut(columns)) {
        // SAFETY: masked to the line.
        unsafe { _mm512_mask_storeu_epi32(to.as_mut_ptr().cast(), mask(columns), line) };
    }
}

/// Ones for the lanes that `count` numbers fill.
fn mask(count: usize) -> u16 {
    ((1u32 << count.min(LANES)) - 1) as u16
}
