use std::arch::aarch64::*;
use std::arch::asm;

use super::tile::{Kind, Tile, TileOperands, Tiles, filled_up, for_shape};

/// 24 sums, 4 weights and an activation of the 32 registers. Processors with four multipliers of
/// four cycles need 16 sums or more to keep them busy.
pub const TILES: Tiles = Tiles {
    lanes: LANES,
    rows: 6,
    outputs: 4,
    outputs_of_one_row: 8,
    run,
    add_lanes,
};

const LANES: usize = 4;
/// Numbers of a vector of bf16.
const PAIRED: usize = 2 * LANES;

/// # Safety
/// As for [`Tiles::run`].
unsafe fn run(tile: &Tile, operands: TileOperands, sums: *mut f32) {
    macro_rules! call {
        ($rows:literal, $outputs:literal) => {
            // SAFETY: the caller's promise; operands of two bf16 come only where the processor has
            // BFDOT.
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
#[target_feature(enable = "neon")]
unsafe fn sum<const ROWS: usize, const OUTPUTS: usize, const BF16: bool>(
    tile: &Tile,
    operands: TileOperands,
    sums: *mut f32,
) {
    let (stride, bytes) = (operands.stride, if BF16 { 2 } else { 4 });
    let (x, weight) = (operands.x.cast::<f32>(), operands.weight);
    let whole = tile.inputs / LANES * LANES;
    // SAFETY: all places are within the tile; what is left of its inputs is copied and filled up
    // with zeros.
    unsafe {
        let mut held = load_sums::<ROWS, OUTPUTS>(tile, sums);
        for input in (0..whole).step_by(LANES) {
            let weight = weight.add(bytes * input);
            add::<ROWS, OUTPUTS, BF16>(&mut held, x.add(input), weight, stride);
        }
        if whole < tile.inputs {
            let rest = tile.inputs - whole;
            let x = filled_up::<f32, ROWS, LANES>(x.add(whole), stride, rest);
            if BF16 {
                let weight = filled_up::<u16, OUTPUTS, LANES>(weight.cast::<u16>().add(whole), stride, rest);
                add::<ROWS, OUTPUTS, BF16>(&mut held, x.as_ptr().cast(), weight.as_ptr().cast(), LANES);
            } else {
                let weight = filled_up::<f32, OUTPUTS, LANES>(weight.cast::<f32>().add(whole), stride, rest);
                add::<ROWS, OUTPUTS, BF16>(&mut held, x.as_ptr().cast(), weight.as_ptr().cast(), LANES);
            }
        }
        store_sums(tile, &held, sums);
    }
}

/// The next products of each lane.
///
/// # Safety
/// A whole vector of each row and output must be there, `stride` numbers apart.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn add<const ROWS: usize, const OUTPUTS: usize, const BF16: bool>(
    held: &mut [[float32x4_t; OUTPUTS]; ROWS],
    x: *const f32,
    weight: *const u8,
    stride: usize,
) {
    let mut weights = [vdupq_n_f32(0.0); OUTPUTS];
    // SAFETY: the caller's promise.
    unsafe {
        for (output, loaded) in weights.iter_mut().enumerate() {
            *loaded = load_weight::<BF16>(weight, output * stride);
        }
        for (row, held) in held.iter_mut().enumerate() {
            let value = vld1q_f32(x.add(row * stride));
            for (held, weight) in held.iter_mut().zip(weights) {
                *held = vfmaq_f32(*held, value, weight);
            }
        }
    }
}

/// Sums of products of pairs: lane l takes the inputs 2l and 2l + 1 of every 8.
///
/// BFDOT adds the two products, then the lane's sum. It rounds to odd: a result that is not exact
/// becomes the one of its two neighbours whose last bit is 1. So each addition is off by less than
/// one unit of the last place (half of one with FMA), up or down alike. Numbers and products below
/// 1.2e-38 count as zero. Source: `BFDotAdd` in the Arm Architecture Reference Manual for
/// A-profile, as it is where FPCR.EBF is 0.
///
/// # Safety
/// As for [`Tiles::run`]; the processor must have FEAT_BF16, and both operands must be bf16.
#[target_feature(enable = "neon,bf16")]
unsafe fn sum_pairs<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    operands: TileOperands,
    sums: *mut f32,
) {
    let stride = operands.stride;
    let (x, weight) = (operands.x.cast::<u16>(), operands.weight.cast::<u16>());
    let whole = tile.inputs / PAIRED * PAIRED;
    // SAFETY: all places are within the tile; what is left of its inputs is copied and filled up
    // with zeros.
    unsafe {
        let mut held = load_sums::<ROWS, OUTPUTS>(tile, sums);
        for input in (0..whole).step_by(PAIRED) {
            add_pairs(&mut held, x.add(input), weight.add(input), stride);
        }
        if whole < tile.inputs {
            let rest = tile.inputs - whole;
            let x = filled_up::<u16, ROWS, PAIRED>(x.add(whole), stride, rest);
            let weight = filled_up::<u16, OUTPUTS, PAIRED>(weight.add(whole), stride, rest);
            add_pairs(&mut held, x.as_ptr().cast(), weight.as_ptr().cast(), PAIRED);
        }
        store_sums(tile, &held, sums);
    }
}

/// The products of the next pair of each lane.
///
/// # Safety
/// The processor must have FEAT_BF16; a whole vector of each row and output must be there, `stride`
/// numbers apart.
#[target_feature(enable = "neon,bf16")]
#[inline]
unsafe fn add_pairs<const ROWS: usize, const OUTPUTS: usize>(
    held: &mut [[float32x4_t; OUTPUTS]; ROWS],
    x: *const u16,
    weight: *const u16,
    stride: usize,
) {
    let mut weights = [vdupq_n_u16(0); OUTPUTS];
    // SAFETY: the caller's promise.
    unsafe {
        for (output, loaded) in weights.iter_mut().enumerate() {
            *loaded = vld1q_u16(weight.add(output * stride));
        }
        for (row, held) in held.iter_mut().enumerate() {
            let value = vld1q_u16(x.add(row * stride));
            for (held, weight) in held.iter_mut().zip(weights) {
                *held = dot_pairs(*held, value, weight);
            }
        }
    }
}

/// BFDOT, for which the standard library has no stable function: to each lane of `sum`, the product
/// of a pair of `x` and a pair of `weight`.
#[target_feature(enable = "neon,bf16")]
#[inline]
fn dot_pairs(mut sum: float32x4_t, x: uint16x8_t, weight: uint16x8_t) -> float32x4_t {
    // SAFETY: the processor has the instruction, which touches only these registers.
    unsafe {
        asm!(
            "bfdot {sum:v}.4s, {x:v}.8h, {weight:v}.8h",
            sum = inout(vreg) sum,
            x = in(vreg) x,
            weight = in(vreg) weight,
            options(pure, nomem, nostack, preserves_flags),
        );
    }
    sum
}

/// # Safety
/// A whole vector must be there.
#[target_feature(enable = "neon")]
#[inline]
unsafe fn load_weight<const BF16: bool>(weights: *const u8, index: usize) -> float32x4_t {
    // SAFETY: the caller's promise.
    unsafe {
        if BF16 {
            widen(vld1_u16(weights.cast::<u16>().add(index)))
        } else {
            vld1q_f32(weights.cast::<f32>().add(index))
        }
    }
}

/// A bf16 is the upper half of an f32.
#[target_feature(enable = "neon")]
#[inline]
fn widen(narrow: uint16x4_t) -> float32x4_t {
    vreinterpretq_f32_u32(vshlq_n_u32::<16>(vmovl_u16(narrow)))
}

/// # Safety
/// As for [`Tiles::run`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn load_sums<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    sums: *const f32,
) -> [[float32x4_t; OUTPUTS]; ROWS] {
    let mut held = [[vdupq_n_f32(0.0); OUTPUTS]; ROWS];
    if tile.begins {
        return held;
    }
    for (row, held) in held.iter_mut().enumerate() {
        for (output, held) in held.iter_mut().enumerate() {
            // SAFETY: the caller's promise.
            *held = unsafe { vld1q_f32(sums.add(row * tile.sums_stride + output * LANES)) };
        }
    }
    held
}

/// # Safety
/// As for [`Tiles::run`].
#[target_feature(enable = "neon")]
#[inline]
unsafe fn store_sums<const ROWS: usize, const OUTPUTS: usize>(
    tile: &Tile,
    held: &[[float32x4_t; OUTPUTS]; ROWS],
    sums: *mut f32,
) {
    for (row, held) in held.iter().enumerate() {
        for (output, held) in held.iter().enumerate() {
            // SAFETY: the caller's promise.
            unsafe { vst1q_f32(sums.add(row * tile.sums_stride + output * LANES), *held) };
        }
    }
}

/// Neighbouring lanes are added first.
///
/// # Safety
/// The processor must have NEON.
#[target_feature(enable = "neon")]
unsafe fn add_lanes(sums: &[f32], y: &mut [f32]) {
    for (sums, y) in sums.chunks(4 * LANES).zip(y.chunks_mut(4)) {
        // Outputs that are left over at the end are added in the same way, with zeros.
        let mut vectors = [vdupq_n_f32(0.0); 4];
        for (vector, sum) in vectors.iter_mut().zip(sums.as_chunks::<LANES>().0) {
            // SAFETY: a sum has as many numbers as a vector.
            *vector = unsafe { vld1q_f32(sum.as_ptr()) };
        }
        let [a, b, c, d] = vectors;
        let mut numbers = [0.0; 4];
        // SAFETY: there is room for 4.
        unsafe {
            vst1q_f32(
                numbers.as_mut_ptr(),
                vpaddq_f32(vpaddq_f32(a, b), vpaddq_f32(c, d)),
            )
        };
        y.copy_from_slice(&numbers[..y.len()]);
    }
}
