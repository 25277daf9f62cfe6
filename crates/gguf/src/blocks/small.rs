//! Blocks of 32 integers with a common scale.

use super::parts::{SMALL, nibbles, scale};

/// Scale, then 32 integers of 4 bits, stored 8 too high.
pub(super) fn q4_0(block: &[u8; 18], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[2..18], index);
        out[index] = d * f32::from(low as i8 - 8);
        out[index + 16] = d * f32::from(high as i8 - 8);
    }
}

/// Scale and least value, then 32 integers of 4 bits.
pub(super) fn q4_1(block: &[u8; 20], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    let least = scale(block[2], block[3]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[4..20], index);
        out[index] = d * f32::from(low) + least;
        out[index + 16] = d * f32::from(high) + least;
    }
}

/// Scale, the fifth bits of all integers, then their lower four bits; stored 16 too high.
pub(super) fn q5_0(block: &[u8; 22], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[6..22], index);
        out[index] = d * f32::from(with_fifth(low, fifth, index) as i8 - 16);
        out[index + 16] = d * f32::from(with_fifth(high, fifth, index + 16) as i8 - 16);
    }
}

/// Scale and least value, the fifth bits of all integers, then their lower four bits.
pub(super) fn q5_1(block: &[u8; 24], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    let least = scale(block[2], block[3]);
    let fifth = u32::from_le_bytes([block[4], block[5], block[6], block[7]]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[8..24], index);
        out[index] = d * f32::from(with_fifth(low, fifth, index)) + least;
        out[index + 16] = d * f32::from(with_fifth(high, fifth, index + 16)) + least;
    }
}

fn with_fifth(low: u8, fifth: u32, index: usize) -> u8 {
    low | ((fifth >> index & 1) as u8) << 4
}

/// Scale, then 32 integers of 8 bits.
pub(super) fn q8_0(block: &[u8; 34], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    for (place, byte) in out.iter_mut().zip(&block[2..34]) {
        *place = f32::from(*byte as i8) * d;
    }
}
