use std::arch::x86_64::*;

use super::tile::{Kind, Tile, TileOperands, Tiles, for_shape};

/// 12 sums, 3 weights and an activation take the 16 registers.
pub const TILES: Tiles = Tiles {
    lanes: LANES,
    rows: 4,
    outputs: 3,
    outputs_of_one_row: 8,
    run,
};

const LANES: usize = 8;

/// # Safety
/// As for [`Tiles::run`].
unsafe fn run(tile: &Tile, operands: TileOperands, sums: *mut f32) {
    macro_rules! call {
        ($rows:literal, $outputs:literal) => {
            // SAFETY: the caller's promise.
            unsafe {
                match operands.kind {
                    Kind::F32F32 => sum::<$rows, $outputs, false>(tile, operands, sums),
                    _ => sum::<$rows, $outputs, true>(tile, operands, sums),
                }
            }
        };
    }
    for_shape!(
        tile,
        call,
        [
            1 x 1, 1 x 2, 1 x 3, 1 x 4, 1 x 5, 1 x 6, 1 x 7, 1 x 8, 2 x 1, 2 x 2, 2 x 3, 3 x 1, 3 x 2, 3 x 3, 4 x 1,
            4 x 2, 4 x 3,
        ]
    );
}

/// # Safety
/// As for [`Tiles::run`]; the weights are bf16 or f32 as the parameter says.
#[target_feature(enable = "avx2,fma")]
unsafe fn sum<const ROWS: usize, const OUTPUTS: usize, const BF16: bool>(
    tile: &Tile,
    operands: TileOperands,
    sums: *mut f32,
) {
    let stride = operands.stride;
    let x = operands.x.cast::<f32>();
    let sum_at = |row: usize, output: usize| sums.wrapping_add(row * tile.sums_stride + output * LANES);
    let mut held = [[_mm256_setzero_ps(); OUTPUTS]; ROWS];
    // SAFETY: all places lie within the tile; vectors that would reach beyond it are loaded in part.
    unsafe {
        if !tile.begins {
            for (row, held) in held.iter_mut().enumerate() {
                for (output, held) in held.iter_mut().enumerate() {
                    *held = _mm256_loadu_ps(sum_at(row, output));
                }
            }
        }
        let whole = tile.inputs / LANES * LANES;
        for input in (0..whole).step_by(LANES) {
            let mut weights = [_mm256_setzero_ps(); OUTPUTS];
            for (output, weight) in weights.iter_mut().enumerate() {
                *weight = load_weight::<BF16>(operands.weight, output * stride + input);
            }
            for (row, held) in held.iter_mut().enumerate() {
                let value = _mm256_loadu_ps(x.add(row * stride + input));
                for (held, weight) in held.iter_mut().zip(weights) {
                    *held = _mm256_fmadd_ps(value, weight, *held);
                }
            }
        }
        if whole < tile.inputs {
            let rest = tile.inputs - whole;
            for (row, held) in held.iter_mut().enumerate() {
                let value = part(x.add(row * stride + whole), rest);
                for (output, held) in held.iter_mut().enumerate() {
                    let weight = part_of_weight::<BF16>(operands.weight, output * stride + whole, rest);
                    *held = _mm256_fmadd_ps(value, weight, *held);
                }
            }
        }
        for (row, held) in held.iter().enumerate() {
            for (output, held) in held.iter().enumerate() {
                _mm256_storeu_ps(sum_at(row, output), *held);
            }
        }
    }
}

/// # Safety
/// A whole vector must be there.
#[target_feature(enable = "avx2,fma")]
#[inline]
unsafe fn load_weight<const BF16: bool>(weights: *const u8, index: usize) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe {
        if BF16 {
            widen(_mm_loadu_si128(weights.add(2 * index).cast()))
        } else {
            _mm256_loadu_ps(weights.add(4 * index).cast())
        }
    }
}

/// A bf16 is the upper half of an f32.
#[target_feature(enable = "avx2,fma")]
#[inline]
fn widen(narrow: __m128i) -> __m256 {
    _mm256_castsi256_ps(_mm256_slli_epi32::<16>(_mm256_cvtepu16_epi32(narrow)))
}

/// The first `count` numbers, then zeros.
///
/// # Safety
/// `count` numbers, fewer than a vector has, must be there.
#[target_feature(enable = "avx2,fma")]
unsafe fn part(numbers: *const f32, count: usize) -> __m256 {
    let mut padded = [0.0f32; LANES];
    // SAFETY: the caller's promise.
    unsafe {
        std::ptr::copy_nonoverlapping(numbers, padded.as_mut_ptr(), count);
        _mm256_loadu_ps(padded.as_ptr())
    }
}

/// # Safety
/// As for [`part`].
#[target_feature(enable = "avx2,fma")]
unsafe fn part_of_weight<const BF16: bool>(weights: *const u8, index: usize, count: usize) -> __m256 {
    // SAFETY: the caller's promise.
    unsafe {
        if !BF16 {
            return part(weights.cast::<f32>().add(index), count);
        }
        let mut padded = [0u16; LANES];
        std::ptr::copy_nonoverlapping(weights.cast::<u16>().add(index), padded.as_mut_ptr(), count);
        widen(_mm_loadu_si128(padded.as_ptr().cast()))
    }
}
