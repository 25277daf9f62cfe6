//! Blocks of 32 integers with a common scale.

use super::parts::{SMALL, scale};

/// Scale, then 32 integers of 4 bits, stored 8 too high.
#[inline(always)]
pub(super) fn q4_0(block: &[u8; 18], integers: &mut [i8; SMALL], scales: &mut [f32; 1]) {
    scales[0] = scale(block[0], block[1]);
    nibbles(&block[2..18], integers, 8);
}

/// Scale and least value, then 32 integers of 4 bits.
#[inline(always)]
pub(super) fn q4_1(
    block: &[u8; 20],
    integers: &mut [i8; SMALL],
    scales: &mut [f32; 1],
    minima: &mut [f32; 1],
) {
    scales[0] = scale(block[0], block[1]);
    minima[0] = -scale(block[2], block[3]);
    nibbles(&block[4..20], integers, 0);
}

/// Scale, the fifth bits of all integers, then their lower four bits; stored 16 too high.
#[inline(always)]
pub(super) fn q5_0(block: &[u8; 22], integers: &mut [i8; SMALL], scales: &mut [f32; 1]) {
    scales[0] = scale(block[0], block[1]);
    nibbles(&block[6..22], integers, 0);
    add_fifth_bits(&block[2..6], integers, 16);
}

/// Scale and least value, the fifth bits of all integers, then their lower four bits.
#[inline(always)]
pub(super) fn q5_1(
    block: &[u8; 24],
    integers: &mut [i8; SMALL],
    scales: &mut [f32; 1],
    minima: &mut [f32; 1],
) {
    scales[0] = scale(block[0], block[1]);
    minima[0] = -scale(block[2], block[3]);
    nibbles(&block[8..24], integers, 0);
    add_fifth_bits(&block[4..8], integers, 0);
}

/// Scale, then 32 integers of 8 bits.
#[inline(always)]
pub(super) fn q8_0(block: &[u8; 34], integers: &mut [i8; SMALL], scales: &mut [f32; 1]) {
    scales[0] = scale(block[0], block[1]);
    for (place, byte) in integers.iter_mut().zip(&block[2..34]) {
        *place = byte.cast_signed();
    }
}

/// The low four bits of the 16 bytes are the first 16 integers, the high four bits the others.
#[inline(always)]
fn nibbles(bytes: &[u8], integers: &mut [i8; SMALL], bias: i8) {
    let (low, high) = integers.split_at_mut(SMALL / 2);
    for (place, byte) in low.iter_mut().zip(bytes) {
        *place = (byte & 15).cast_signed().wrapping_sub(bias);
    }
    for (place, byte) in high.iter_mut().zip(bytes) {
        *place = (byte >> 4).cast_signed().wrapping_sub(bias);
    }
}

/// Bit i of 32 is the fifth bit of integer i.
#[inline(always)]
fn add_fifth_bits(bits: &[u8], integers: &mut [i8; SMALL], bias: i8) {
    let bits = u32::from_le_bytes([bits[0], bits[1], bits[2], bits[3]]);
    for (index, place) in integers.iter_mut().enumerate() {
        let fifth = if bits & (1 << index) == 0 { 0 } else { 16 };
        *place = place.wrapping_add(fifth).wrapping_sub(bias);
    }
}
