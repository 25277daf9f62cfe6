//! Blocks of 32 integers with a common scale, an f16 at their beginning.

use super::bytes::ByteOperations;
use super::parts::{HALF, LARGE, SMALL, bytes, half_to_f32, integers as run, u16_at};

/// Blocks of 256 numbers.
const BLOCKS: usize = LARGE / SMALL;

/// The f16 at one place of at most eight blocks, all at once. What is beyond the blocks is 0.
#[inline(always)]
pub(super) fn scales<const BYTES: usize>(blocks: &[[u8; BYTES]], place: usize) -> [f32; BLOCKS] {
    let mut halves = [0; BLOCKS];
    for (half, block) in halves.iter_mut().zip(blocks) {
        *half = u16_at(block, place);
    }
    let mut scales = [0.0; BLOCKS];
    for (scale, half) in scales.iter_mut().zip(halves) {
        *scale = half_to_f32(half);
    }
    scales
}

/// Scale, then 32 integers of 4 bits, stored 8 too high.
#[inline(always)]
pub(super) fn q4_0(block: &[u8; 18], integers: &mut [i8; SMALL]) {
    nibbles(bytes(block, 2), integers, 8);
}

/// Scale and least value, then 32 integers of 4 bits.
#[inline(always)]
pub(super) fn q4_1(block: &[u8; 20], integers: &mut [i8; SMALL]) {
    nibbles(bytes(block, 4), integers, 0);
}

/// Scale, the fifth bits of all integers, then their lower four bits; stored 16 too high.
#[inline(always)]
pub(super) fn q5_0(operations: impl ByteOperations, block: &[u8; 22], integers: &mut [i8; SMALL]) {
    five_bits(operations, bytes(block, 6), bytes(block, 2), integers, 16);
}

/// Scale and least value, the fifth bits of all integers, then their lower four bits.
#[inline(always)]
pub(super) fn q5_1(operations: impl ByteOperations, block: &[u8; 24], integers: &mut [i8; SMALL]) {
    five_bits(operations, bytes(block, 8), bytes(block, 4), integers, 0);
}

/// Scale, then 32 integers of 8 bits.
#[inline(always)]
pub(super) fn q8_0(block: &[u8; 34], integers: &mut [i8; SMALL]) {
    let bytes = bytes::<SMALL>(block, 2);
    *integers = run(|index| bytes[index], 0);
}

/// The low four bits of the 16 bytes are the first 16 integers, the high four bits the others.
#[inline(always)]
fn nibbles(low: [u8; HALF], integers: &mut [i8; SMALL], bias: i8) {
    let halves = integers.as_chunks_mut::<HALF>().0;
    halves[0] = run(|index| low[index] & 15, bias);
    halves[1] = run(|index| low[index] >> 4, bias);
}

/// The same with fifth bits: bit i of 32 belongs to integer i.
#[inline(always)]
fn five_bits(
    operations: impl ByteOperations,
    low: [u8; HALF],
    fifth: [u8; 4],
    integers: &mut [i8; SMALL],
    bias: i8,
) {
    let fifth = operations.masks(fifth);
    let halves = integers.as_chunks_mut::<HALF>().0;
    halves[0] = run(|index| low[index] & 15 | fifth[index] & 16, bias);
    halves[1] = run(|index| low[index] >> 4 | fifth[HALF + index] & 16, bias);
}
