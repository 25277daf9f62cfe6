//! K-quants: blocks of 256 integers in groups, whose scales are small integers with a common scale.
//!
//! Their integers lie in runs of 32, several of which share 32 bytes. Each run is a loop with a
//! constant shift, which compilers turn into vector code.

use super::parts::{LARGE, bytes, integers as run, scale};

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
    let factors = bytes::<16>(block, 0);
    *scales = factors.map(|factor| d * f32::from(factor & 15));
    *minima = factors.map(|factor| d_min * f32::from(factor >> 4));
    let runs = integers.as_chunks_mut::<RUN>().0;
    for (half, runs) in runs.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let low = bytes::<RUN>(block, 16 + RUN * half);
        runs[0] = run(|index| low[index] & 3, 0);
        runs[1] = run(|index| low[index] >> 2 & 3, 0);
        runs[2] = run(|index| low[index] >> 4 & 3, 0);
        runs[3] = run(|index| low[index] >> 6, 0);
    }
}

/// The third bits of 256 integers (bit g of byte i belongs to number i of run g), their lower two
/// bits as in Q2_K, the scales of 16 groups of 16, and the block's scale. An integer is 4 less
/// where its third bit is not set.
#[inline(always)]
pub(super) fn q3_k(block: &[u8; 110], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[108], block[109]);
    *scales = q3_k_scales(bytes(block, 96)).map(|factor| d * f32::from(factor));
    let third = bytes::<RUN>(block, 0);
    let halves = integers.as_chunks_mut().0;
    four_runs_of_three::<0>(bytes(block, 32), third, &mut halves[0]);
    four_runs_of_three::<4>(bytes(block, 32 + RUN), third, &mut halves[1]);
}

/// The first has its third bits at this place of the bytes, the others at the next ones.
#[inline(always)]
fn four_runs_of_three<const PLACE: u32>(low: [u8; RUN], third: [u8; RUN], integers: &mut [i8; 4 * RUN]) {
    let third = |index: usize, run: u32| (third[index] >> (PLACE + run) & 1) << 2;
    let runs = integers.as_chunks_mut::<RUN>().0;
    runs[0] = run(|index| low[index] & 3 | third(index, 0), 4);
    runs[1] = run(|index| low[index] >> 2 & 3 | third(index, 1), 4);
    runs[2] = run(|index| low[index] >> 4 & 3 | third(index, 2), 4);
    runs[3] = run(|index| low[index] >> 6 | third(index, 3), 4);
}

/// 16 scales of six bits, stored 32 too high: the low four bits in the nibbles of eight bytes (the
/// low ones first), the upper two in the four bytes after them.
#[inline(always)]
fn q3_k_scales(bytes: [u8; 12]) -> [i8; 16] {
    let mut scales = [0; 16];
    for (group, place) in scales.iter_mut().enumerate() {
        let low = bytes[group % 8] >> (4 * (group / 8)) & 15;
        let high = bytes[8 + group % 4] >> (2 * (group / 4)) & 3;
        *place = (low | high << 4).cast_signed().wrapping_sub(32);
    }
    scales
}

/// The scales of the eight groups of 32 in a Q4_K or Q5_K block, and the minima that are
/// subtracted: six bits each in 12 bytes, times the block's two f16 scales.
///
/// Bytes 0 to 3 hold the scales of groups 0 to 3, bytes 4 to 7 their minima. Bytes 8 to 11 hold the
/// low four bits of groups 4 to 7 (scale below, minimum above), whose upper two bits are those of
/// the earlier bytes.
#[inline(always)]
fn group_scales(head: [u8; 16], scales: &mut [f32; 8], minima: &mut [f32; 8]) {
    let d = scale(head[0], head[1]);
    let d_min = scale(head[2], head[3]);
    // Four bytes at a time.
    let word = |at: usize| u32::from_le_bytes([head[at], head[at + 1], head[at + 2], head[at + 3]]);
    let (first, second, third) = (word(4), word(8), word(12));
    let (low, six, two) = (0x0f0f_0f0f, 0x3f3f_3f3f, 0x3030_3030);
    let both = |earlier: u32, later: u32| u64::from(earlier & six) | u64::from(later) << 32;
    let factors = both(first, third & low | first >> 2 & two);
    let minimums = both(second, third >> 4 & low | second >> 2 & two);
    *scales = factors.to_le_bytes().map(|factor| d * f32::from(factor));
    *minima = minimums.to_le_bytes().map(|minimum| d_min * f32::from(minimum));
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
    group_scales(bytes(block, 0), scales, minima);
    let runs = integers.as_chunks_mut::<RUN>().0;
    for (pair, runs) in runs.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let low = bytes::<RUN>(block, 16 + RUN * pair);
        runs[0] = run(|index| low[index] & 15, 0);
        runs[1] = run(|index| low[index] >> 4, 0);
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
    group_scales(bytes(block, 0), scales, minima);
    let fifth = bytes::<RUN>(block, 16);
    let pairs = integers.as_chunks_mut().0;
    two_runs_of_five::<0>(bytes(block, 48), fifth, &mut pairs[0]);
    two_runs_of_five::<2>(bytes(block, 48 + RUN), fifth, &mut pairs[1]);
    two_runs_of_five::<4>(bytes(block, 48 + 2 * RUN), fifth, &mut pairs[2]);
    two_runs_of_five::<6>(bytes(block, 48 + 3 * RUN), fifth, &mut pairs[3]);
}

/// The first has its fifth bits at this place of the bytes, the second at the next.
#[inline(always)]
fn two_runs_of_five<const PLACE: u32>(low: [u8; RUN], fifth: [u8; RUN], integers: &mut [i8; 2 * RUN]) {
    let runs = integers.as_chunks_mut::<RUN>().0;
    runs[0] = run(|index| low[index] & 15 | (fifth[index] >> PLACE & 1) << 4, 0);
    runs[1] = run(|index| low[index] >> 4 | (fifth[index] >> PLACE & 2) << 3, 0);
}

/// 256 integers of 6 bits, stored 32 too high: low four bits (128 bytes), upper two bits (64
/// bytes); then the scales of 16 groups of 16 (i8) and the block's scale.
///
/// Each half of a block has four runs of 32 numbers. Runs 0 and 2, and 1 and 3, share the bytes of
/// the low bits; all four share those of the upper bits.
#[inline(always)]
pub(super) fn q6_k(block: &[u8; 210], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[208], block[209]);
    *scales = bytes::<16>(block, 192).map(|factor| d * f32::from(factor.cast_signed()));
    let runs = integers.as_chunks_mut::<RUN>().0;
    for (half, runs) in runs.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let even = bytes::<RUN>(block, 64 * half);
        let odd = bytes::<RUN>(block, 64 * half + RUN);
        let upper = bytes::<RUN>(block, 128 + RUN * half);
        runs[0] = run(|index| even[index] & 15 | (upper[index] & 3) << 4, 32);
        runs[1] = run(|index| odd[index] & 15 | (upper[index] & 12) << 2, 32);
        runs[2] = run(|index| even[index] >> 4 | upper[index] & 48, 32);
        runs[3] = run(|index| odd[index] >> 4 | (upper[index] & 192) >> 2, 32);
    }
}
