//! K-quants: blocks of 256 integers in groups, whose scales are small integers with a common scale.
//!
//! Their integers lie in runs of 32, several of which share 32 bytes. Each run is a loop with a
//! constant shift, which compilers turn into vector code.

use super::parts::{LARGE, scale};

const RUN: usize = 32;

/// The scales of 16 groups of 16 and the minima that are subtracted (four bits each, times the
/// block's two f16 scales), then 256 integers of 2 bits: four runs of 32 share 32 bytes, the first
/// in the lowest bits.
#[inline(always)]
pub(super) fn q2_k(
    block: &[u8; 84],
    integers: &mut [i8; LARGE],
    scales: &mut [f32; 16],
    minima: &mut [f32; 16],
) {
    let d = scale(block[80], block[81]);
    let d_min = scale(block[82], block[83]);
    for group in 0..16 {
        scales[group] = d * f32::from(block[group] & 15);
        minima[group] = d_min * f32::from(block[group] >> 4);
    }
    let halves = integers.as_chunks_mut::<128>().0;
    for (bytes, half) in block[16..80].as_chunks::<RUN>().0.iter().zip(halves) {
        bits(bytes, 0, 3, &mut half[..32]);
        bits(bytes, 2, 3, &mut half[32..64]);
        bits(bytes, 4, 3, &mut half[64..96]);
        bits(bytes, 6, 3, &mut half[96..]);
    }
}

/// The third bits of 256 integers (bit g of byte i belongs to number i of run g), their lower two
/// bits as in Q2_K, the scales of 16 groups of 16, and the block's scale. An integer is 4 less
/// where its third bit is not set.
#[inline(always)]
pub(super) fn q3_k(block: &[u8; 110], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[108], block[109]);
    for (group, place) in scales.iter_mut().enumerate() {
        *place = d * f32::from(q3_k_scale(&block[96..108], group));
    }
    let (third, low) = (&block[..32], &block[32..96]);
    let runs = integers.as_chunks_mut::<RUN>().0;
    three_bits(&low[..32], 0, third, 0, &mut runs[0]);
    three_bits(&low[..32], 2, third, 1, &mut runs[1]);
    three_bits(&low[..32], 4, third, 2, &mut runs[2]);
    three_bits(&low[..32], 6, third, 3, &mut runs[3]);
    three_bits(&low[32..], 0, third, 4, &mut runs[4]);
    three_bits(&low[32..], 2, third, 5, &mut runs[5]);
    three_bits(&low[32..], 4, third, 6, &mut runs[6]);
    three_bits(&low[32..], 6, third, 7, &mut runs[7]);
}

#[inline(always)]
fn three_bits(low: &[u8], shift: u32, third: &[u8], bit: u32, run: &mut [i8; RUN]) {
    for (place, (low, third)) in run.iter_mut().zip(low.iter().zip(third)) {
        let integer = low >> shift & 3 | (third >> bit & 1) << 2;
        *place = integer.cast_signed().wrapping_sub(4);
    }
}

/// A scale of six bits, stored 32 too high: the low four bits in the nibbles of eight bytes (the
/// low ones first), the upper two in the four bytes after them.
#[inline(always)]
fn q3_k_scale(bytes: &[u8], group: usize) -> i8 {
    let low = bytes[group % 8] >> (4 * (group / 8)) & 15;
    let high = bytes[8 + group % 4] >> (2 * (group / 4)) & 3;
    (low | high << 4).cast_signed().wrapping_sub(32)
}

/// The scales of the eight groups of 32 in a Q4_K or Q5_K block, and the minima that are
/// subtracted: six bits each in 12 bytes, times the block's two f16 scales.
///
/// Bytes 0 to 3 hold the scales of groups 0 to 3, bytes 4 to 7 their minima. Bytes 8 to 11 hold the
/// low four bits of groups 4 to 7 (scale below, minimum above), whose upper two bits are those of
/// the earlier bytes.
#[inline(always)]
fn group_scales(head: &[u8], scales: &mut [f32; 8], minima: &mut [f32; 8]) {
    let d = scale(head[0], head[1]);
    let d_min = scale(head[2], head[3]);
    for group in 0..4 {
        let (first, second, third) = (head[4 + group], head[8 + group], head[12 + group]);
        scales[group] = d * f32::from(first & 63);
        minima[group] = d_min * f32::from(second & 63);
        scales[group + 4] = d * f32::from(third & 15 | (first >> 2 & 48));
        minima[group + 4] = d_min * f32::from(third >> 4 | (second >> 2 & 48));
    }
}

/// Two scales, the scales of eight groups, then 256 integers of 4 bits: every 32 bytes hold one
/// group in their low bits and the next in their high bits.
#[inline(always)]
pub(super) fn q4_k(
    block: &[u8; 144],
    integers: &mut [i8; LARGE],
    scales: &mut [f32; 8],
    minima: &mut [f32; 8],
) {
    group_scales(&block[..16], scales, minima);
    let pairs = integers.as_chunks_mut::<64>().0;
    for (bytes, pair) in block[16..].as_chunks::<RUN>().0.iter().zip(pairs) {
        bits(bytes, 0, 15, &mut pair[..32]);
        bits(bytes, 4, 15, &mut pair[32..]);
    }
}

/// As Q4_K, with the fifth bits in 32 bytes before the others: bit g of byte i belongs to number i
/// of group g.
#[inline(always)]
pub(super) fn q5_k(
    block: &[u8; 176],
    integers: &mut [i8; LARGE],
    scales: &mut [f32; 8],
    minima: &mut [f32; 8],
) {
    group_scales(&block[..16], scales, minima);
    let (fifth, low) = (&block[16..48], &block[48..]);
    let runs = integers.as_chunks_mut::<RUN>().0;
    five_bits(&low[..32], 0, fifth, 0, &mut runs[0]);
    five_bits(&low[..32], 4, fifth, 1, &mut runs[1]);
    five_bits(&low[32..64], 0, fifth, 2, &mut runs[2]);
    five_bits(&low[32..64], 4, fifth, 3, &mut runs[3]);
    five_bits(&low[64..96], 0, fifth, 4, &mut runs[4]);
    five_bits(&low[64..96], 4, fifth, 5, &mut runs[5]);
    five_bits(&low[96..], 0, fifth, 6, &mut runs[6]);
    five_bits(&low[96..], 4, fifth, 7, &mut runs[7]);
}

#[inline(always)]
fn five_bits(low: &[u8], shift: u32, fifth: &[u8], bit: u32, run: &mut [i8; RUN]) {
    for (place, (low, fifth)) in run.iter_mut().zip(low.iter().zip(fifth)) {
        *place = (low >> shift & 15 | (fifth >> bit & 1) << 4).cast_signed();
    }
}

/// 256 integers of 6 bits, stored 32 too high: low four bits (128 bytes), upper two bits (64
/// bytes); then the scales of 16 groups of 16 (i8) and the block's scale.
///
/// Each half of a block has four runs of 32 numbers. Runs 0 and 2, and 1 and 3, share the bytes of
/// the low bits; all four share those of the upper bits.
#[inline(always)]
pub(super) fn q6_k(block: &[u8; 210], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[208], block[209]);
    for (place, byte) in scales.iter_mut().zip(&block[192..208]) {
        *place = d * f32::from(byte.cast_signed());
    }
    let lower = block[..128].as_chunks::<64>().0;
    let upper = block[128..192].as_chunks::<RUN>().0;
    let halves = integers.as_chunks_mut::<128>().0;
    for ((low, upper), half) in lower.iter().zip(upper).zip(halves) {
        let runs = half.as_chunks_mut::<RUN>().0;
        six_bits(&low[..32], 0, upper, 0, &mut runs[0]);
        six_bits(&low[32..], 0, upper, 2, &mut runs[1]);
        six_bits(&low[..32], 4, upper, 4, &mut runs[2]);
        six_bits(&low[32..], 4, upper, 6, &mut runs[3]);
    }
}

#[inline(always)]
fn six_bits(low: &[u8], low_shift: u32, upper: &[u8], upper_shift: u32, run: &mut [i8; RUN]) {
    for (place, (low, upper)) in run.iter_mut().zip(low.iter().zip(upper)) {
        let integer = low >> low_shift & 15 | (upper >> upper_shift & 3) << 4;
        *place = integer.cast_signed().wrapping_sub(32);
    }
}

/// Some bits of each byte.
#[inline(always)]
fn bits(bytes: &[u8], shift: u32, mask: u8, run: &mut [i8]) {
    for (place, byte) in run.iter_mut().zip(bytes) {
        *place = (byte >> shift & mask).cast_signed();
    }
}
