use std::arch::x86_64::*;

use super::tile::{Kind, Tile, TileOperands, Tiles, for_shape};

/// 24 sums, 4 weights and an activation of the 32 registers.
pub const TILES: Tiles = Tiles {
    lanes: LANES,
    rows: 6,
    outputs: 4,
    outputs_of_one_row: 8,
    run,
};

const LANES: usize = 16;

/// # Safety
/// As for [`Tiles::run`].
unsafe fn run(tile: &Tile, operands: TileOperands, sums: *mut f32) {
    macro_rules! call {
        ($rows:literal, $outputs:literal) => {
            // SAFETY: the caller's promise; operands of two bf16 come only where the processor has them.
            unsafe {
                match operands.kind {
                    Kind::F32F32 => sum::<$rows, $outputs, false>(tile, operands, sums),
                    Kind::F32Bf16 => sum::<$rows, $outputs, true>(tile, operands, sums),
                    Kind::Bf16Bf16 => sum_pairs::<$rows, $outputs>(tile, operands, sums),
                }
            }
        };
    }
    for_shape!(
        tile,
        call,
        [
            1 x 1, 1 x 2, 1 x 3, 1 x 4, 1 x 5, 1 x 6, 1 x 7, 1 x 8, 2 x 1, 2 x 2, 2 x 3, 2 x 4, 3 x 1, 3 x 2, 3 x 3,
            3 x 4, 4 x 1, 4 x 2, 4 x 3, 4 x 4, 5 x 1, 5 x 2, 5 x 3, 5 x 4, 6 x 1, 6 x 2, 6 x 3, 6 x 4,
        ]
    );
}

/// # Safety
/// As for [`Tiles::run`]; the weights are bf16 or f32 as the parameter says.
#[target_feature(enable = "avx512f,avx512bw")]
unsafe fn sum<const ROWS: usize, const OUTPUTS: usize, const BF16: bool>(
    tile: &Tile,
    operands: TileOperands,
    sums: *mut f32,
) {
    let stride = operands.stride;
    let x = operands.x.cast::<f32>();
    // SAFETY: all places lie within the tile; masks keep the last vectors within it.
    unsafe {
        let mut held = load_sums::<ROWS, OUTPUTS>(tile, sums);
        for input in (0..tile.inputs).step_by(LANES) {
            let mask = mask(tile.inputs - input);
            let mut weights = [_mm512_setzero_ps(); OUTPUTS];
            for (output, weight) in weights.iter_mut().enumerate() {
                *weight = load_weight::<BF16>(operands.weight, output * stride + input, mask);
            }
            for (row, held) in held.iter_mut().enumerate() {
                let value = _mm512_maskz_loadu_ps(mask, x.add(row * stride + input));
                for (held, weight) in held.iter_mut().zip(weights) {
                    *held = _mm512_fmadd_ps(value, weight, *held);
                }
            }
        }
        store_sums(tile, &held, sums);
    }
}

/// Sums of products of pairs: lane l takes the inputs 2l and 2l + 1 of every 32.
///
/// # Safety
/// As for [`Tiles::run`]; the processor must have AVX-512 BF16, and both operands must be bf16.
#[target_feature(enable = "avx512f,avx512bw,avx512bf16")]
unsafe fn sum_pairs<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    operands: TileOperands,
    sums: *mut f32,
) {
    let (stride, x, weight) = (
        operands.stride,
        operands.x.cast::<i16>(),
        operands.weight.cast::<i16>(),
    );
    // SAFETY: all places lie within the tile; masks keep the last vectors within it.
    unsafe {
        let mut held = load_sums::<ROWS, OUTPUTS>(tile, sums);
        for input in (0..tile.inputs).step_by(2 * LANES) {
            let mask = u32::MAX >> (2 * LANES - (tile.inputs - input).min(2 * LANES));
            let load = |numbers: *const i16, row: usize| {
                pairs(_mm512_maskz_loadu_epi16(mask, numbers.add(row * stride + input)))
            };
            let mut weights = [pairs(_mm512_setzero_si512()); OUTPUTS];
            for (output, loaded) in weights.iter_mut().enumerate() {
                *loaded = load(weight, output);
            }
            for (row, held) in held.iter_mut().enumerate() {
                let value = load(x, row);
                for (held, weight) in held.iter_mut().zip(weights) {
                    *held = _mm512_dpbf16_ps(*held, value, weight);
                }
            }
        }
        store_sums(tile, &held, sums);
    }
}

/// The same bits as pairs of bf16.
#[target_feature(enable = "avx512f")]
#[inline]
fn pairs(bits: __m512i) -> __m512bh {
    // SAFETY: both types are 512 bits of any content.
    unsafe { std::mem::transmute(bits) }
}

/// Ones for the lanes that `left` numbers fill.
fn mask(left: usize) -> u16 {
    u16::MAX >> (LANES - left.min(LANES))
}

/// # Safety
/// The numbers that the mask names must be there.
#[target_feature(enable = "avx512f,avx512bw")]
#[inline]
unsafe fn load_weight<const BF16: bool>(weights: *const u8, index: usize, mask: u16) -> __m512 {
    // SAFETY: the caller's promise.
    unsafe {
        if !BF16 {
            return _mm512_maskz_loadu_ps(mask, weights.cast::<f32>().add(index));
        }
        // A bf16 is the upper half of an f32.
        let narrow = _mm512_maskz_loadu_epi16(u32::from(mask), weights.cast::<i16>().add(index));
        let wide = _mm512_cvtepu16_epi32(_mm512_castsi512_si256(narrow));
        _mm512_castsi512_ps(_mm512_slli_epi32::<16>(wide))
    }
}

/// # Safety
/// As for [`Tiles::run`].
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn load_sums<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    sums: *const f32,
) -> [[__m512; OUTPUTS]; ROWS] {
    let mut held = [[_mm512_setzero_ps(); OUTPUTS]; ROWS];
    if tile.begins {
        return held;
    }
    for (row, held) in held.iter_mut().enumerate() {
        for (output, held) in held.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *held = unsafe { _mm512_loadu_ps(sums.add(row * tile.sums_stride + output * LANES)) };
        }
    }
    held
}

/// # Safety
/// As for [`Tiles::run`].
#[target_feature(enable = "avx512f")]
#[inline]
unsafe fn store_sums<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    held: &[[__m512; OUTPUTS]; ROWS],
    sums: *mut f32,
) {
    for (row, held) in held.iter().enumerate() {
        for (output, held) in held.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { _mm512_storeu_ps(sums.add(row * tile.sums_stride + output * LANES), *held) };
        }
    }
}
