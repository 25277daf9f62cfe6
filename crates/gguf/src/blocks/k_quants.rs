//! K-quants: blocks of 256 integers in groups, whose scales are small integers with a common scale.

use super::parts::{LARGE, nibbles, scale};

/// The scales of 16 groups of 16 and the minima that are subtracted (four bits each, times the
/// block's two f16 scales), then 256 integers of 2 bits: four runs of 32 share 32 bytes, the first
/// in the lowest bits.
pub(super) fn q2_k(block: &[u8; 84], out: &mut [f32; LARGE]) {
    let d = scale(block[80], block[81]);
    let d_min = scale(block[82], block[83]);
    for (number, place) in out.iter_mut().enumerate() {
        let factors = block[number / 16];
        let (factor, minimum) = (d * f32::from(factors & 15), d_min * f32::from(factors >> 4));
        *place = factor * f32::from(two_bits(&block[16..80], number)) - minimum;
    }
}

/// The third bits of 256 integers (bit g of byte i belongs to number i of run g), their lower two
/// bits as in Q2_K, the scales of 16 groups of 16, and the block's scale. An integer is 4 less
/// where its third bit is not set.
pub(super) fn q3_k(block: &[u8; 110], out: &mut [f32; LARGE]) {
    let d = scale(block[108], block[109]);
    let mut scales = [0.0; 16];
    for (group, place) in scales.iter_mut().enumerate() {
        *place = d * f32::from(q3_k_scale(&block[96..108], group));
    }
    for (number, place) in out.iter_mut().enumerate() {
        let third = block[number % 32] >> (number / 32) & 1;
        let integer = two_bits(&block[32..96], number) as i8 - 4 * (1 - third as i8);
        *place = scales[number / 16] * f32::from(integer);
    }
}

/// A scale of six bits, stored 32 too high: the low four bits in the nibbles of eight bytes (the
/// low ones first), the upper two in the four bytes after them.
fn q3_k_scale(bytes: &[u8], group: usize) -> i8 {
    let low = bytes[group % 8] >> (4 * (group / 8)) & 15;
    let high = bytes[8 + group % 4] >> (2 * (group / 4)) & 3;
    (low | high << 4) as i8 - 32
}

/// The integer of 2 bits: every 32 bytes hold four runs of 32.
fn two_bits(bytes: &[u8], number: usize) -> u8 {
    bytes[32 * (number / 128) + number % 32] >> (2 * (number % 128 / 32)) & 3
}

/// The scales of the eight groups of 32 in a Q4_K or Q5_K block, and the minima that are
/// subtracted: six bits each in 12 bytes, times the block's two f16 scales.
///
/// Bytes 0 to 3 hold the scales of groups 0 to 3, bytes 4 to 7 their minima. Bytes 8 to 11 hold the
/// low four bits of groups 4 to 7 (scale below, minimum above), whose upper two bits are those of
/// the earlier bytes.
fn group_scales(head: &[u8; 16]) -> [(f32, f32); 8] {
    let d = scale(head[0], head[1]);
    let d_min = scale(head[2], head[3]);
    let mut groups = [(0.0, 0.0); 8];
    for group in 0..4 {
        let (first, second, third) = (head[4 + group], head[8 + group], head[12 + group]);
        groups[group] = (d * f32::from(first & 63), d_min * f32::from(second & 63));
        let factor = third & 15 | (first >> 2 & 48);
        let minimum = third >> 4 | (second >> 2 & 48);
        groups[group + 4] = (d * f32::from(factor), d_min * f32::from(minimum));
    }
    groups
}

fn head(block: &[u8]) -> [u8; 16] {
    let mut head = [0; 16];
    head.copy_from_slice(&block[..16]);
    head
}

/// Two scales, the scales of eight groups, then 256 integers of 4 bits: every 32 bytes hold one
/// group in their low bits and the next in their high bits.
pub(super) fn q4_k(block: &[u8; 144], out: &mut [f32; LARGE]) {
    let scales = group_scales(&head(block));
    for pair in 0..4 {
        let bytes = &block[16 + 32 * pair..48 + 32 * pair];
        let places = &mut out[64 * pair..64 * pair + 64];
        let ((d0, m0), (d1, m1)) = (scales[2 * pair], scales[2 * pair + 1]);
        for index in 0..32 {
            let (low, high) = nibbles(bytes, index);
            places[index] = d0 * f32::from(low) - m0;
            places[index + 32] = d1 * f32::from(high) - m1;
        }
    }
}

/// As Q4_K, with the fifth bits in 32 bytes before the others: bit g of byte i belongs to number i
/// of group g.
pub(super) fn q5_k(block: &[u8; 176], out: &mut [f32; LARGE]) {
    let scales = group_scales(&head(block));
    let fifth = &block[16..48];
    for pair in 0..4 {
        let bytes = &block[48 + 32 * pair..80 + 32 * pair];
        let places = &mut out[64 * pair..64 * pair + 64];
        let ((d0, m0), (d1, m1)) = (scales[2 * pair], scales[2 * pair + 1]);
        for index in 0..32 {
            let (low, high) = nibbles(bytes, index);
            let bits = fifth[index] >> (2 * pair);
            places[index] = d0 * f32::from(low | (bits & 1) << 4) - m0;
            places[index + 32] = d1 * f32::from(high | (bits & 2) << 3) - m1;
        }
    }
}

/// 256 integers of 6 bits, stored 32 too high: low four bits (128 bytes), upper two bits (64
/// bytes); then the scales of 16 groups of 16 (i8) and the block's scale.
///
/// Each half of a block has four runs of 32 numbers. Runs 0 and 2, and 1 and 3, share the bytes of
/// the low bits; all four share those of the upper bits.
pub(super) fn q6_k(block: &[u8; 210], out: &mut [f32; LARGE]) {
    let d = scale(block[208], block[209]);
    let mut scales = [0.0; 16];
    for (place, byte) in scales.iter_mut().zip(&block[192..208]) {
        *place = d * f32::from(*byte as i8);
    }
    for half in 0..2 {
        let upper = &block[128 + 32 * half..160 + 32 * half];
        for run in 0..4 {
            let first = 64 * half + 32 * (run % 2);
            let low = &block[first..first + 32];
            let start = 128 * half + 32 * run;
            for group in 0..2 {
                let d = scales[start / 16 + group];
                for index in 16 * group..16 * group + 16 {
                    let low = low[index] >> (4 * (run / 2)) & 15;
                    let number = low | (upper[index] >> (2 * run) & 3) << 4;
                    out[start + index] = d * f32::from(number as i8 - 32);
                }
            }
        }
    }
}
