//! Blocks whose numbers are looked up eight or four at a time in a table of points ("i-quants").
//!
//! The tables are part of the format: iq2xxs_grid, iq2xs_grid, iq2s_grid, iq3xxs_grid, iq3s_grid
//! and iq1s_grid of ggml-common.h (<https://github.com/ggml-org/ggml>, MIT). `grids/*.bin` holds
//! them as places in the short list of values that occur, 2 or 4 bits each, which is how the Python
//! package gguf has them too.

use super::bytes::MASKS;
use super::parts::{LARGE, half_to_f32, nibble, scale, u16_at};

const TWO_BITS: [i8; 4] = [8, 25, 43, 0];
const THREE_BITS: [i8; 8] = [4, 12, 20, 28, 36, 44, 52, 62];
const ODD: [i8; 8] = [1, 3, 5, 7, 9, 11, 13, 15];
const SIGN: [i8; 4] = [-1, 0, 1, 0];

static IQ2_XXS: [[i8; 8]; 256] = unpack(include_bytes!("grids/iq2_xxs.bin"), 2, &TWO_BITS);
static IQ2_XS: [[i8; 8]; 512] = unpack(include_bytes!("grids/iq2_xs.bin"), 2, &TWO_BITS);
static IQ2_S: [[i8; 8]; 1024] = unpack(include_bytes!("grids/iq2_s.bin"), 2, &TWO_BITS);
static IQ3_XXS: [[i8; 4]; 256] = unpack(include_bytes!("grids/iq3_xxs.bin"), 4, &THREE_BITS);
static IQ3_S: [[i8; 4]; 512] = unpack(include_bytes!("grids/iq3_s.bin"), 4, &ODD);
static IQ1_S: [[i8; 8]; 2048] = unpack(include_bytes!("grids/iq1_s.bin"), 2, &SIGN);

const fn unpack<const ROWS: usize, const WIDTH: usize>(
    packed: &[u8],
    bits: usize,
    values: &[i8],
) -> [[i8; WIDTH]; ROWS] {
    let mut rows = [[0; WIDTH]; ROWS];
    let mut place = 0;
    while place < ROWS * WIDTH {
        let shifted = packed[place * bits / 8] >> (place * bits % 8);
        rows[place / WIDTH][place % WIDTH] = values[shifted as usize & ((1 << bits) - 1)];
        place += 1;
    }
    rows
}

/// Scale; then for every 32 numbers the places of four rows in the grid, and in 32 bits their signs
/// (seven bits for eight numbers) and a scale of four bits.
#[inline(always)]
pub(super) fn iq2_xxs(block: &[u8; 66], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let group = 2 + 8 * (run / 4);
        let packed = u32_at(block, group + 4);
        scales[run / 4] = d * (0.5 + (packed >> 28) as f32) * 0.25;
        let row = &IQ2_XXS[usize::from(block[group + run % 4])];
        put(row, even_signs(packed >> (7 * (run % 4))), places);
    }
}

/// Scale; for every 8 numbers nine bits with the place in the grid and seven with their signs; then
/// scales of four bits for every 16 numbers.
#[inline(always)]
pub(super) fn iq2_xs(block: &[u8; 74], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let packed = u16_at(block, 2 + 2 * run);
        scales[run / 2] = d * (0.5 + f32::from(nibble(&block[66..74], run / 2))) * 0.25;
        let row = &IQ2_XS[usize::from(packed & 511)];
        put(row, even_signs(u32::from(packed >> 9)), places);
    }
}

/// Scale; the lower eight bits of the places of 32 rows; the signs of all numbers; the upper two
/// bits of the places; scales of four bits for every 16 numbers.
#[inline(always)]
pub(super) fn iq2_s(block: &[u8; 82], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let high = block[66 + run / 4] >> (2 * (run % 4)) & 3;
        scales[run / 2] = d * (0.5 + f32::from(nibble(&block[74..82], run / 2))) * 0.25;
        let row = &IQ2_S[usize::from(block[2 + run]) | usize::from(high) << 8];
        put(row, block[34 + run], places);
    }
}

/// Scale; the places of 64 rows of four; for every 32 numbers, in 32 bits, their signs (seven bits
/// for eight numbers) and a scale of four bits.
#[inline(always)]
pub(super) fn iq3_xxs(block: &[u8; 98], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let packed = u32_at(block, 66 + 4 * (run / 4));
        scales[run / 4] = d * (0.5 + (packed >> 28) as f32) * 0.5;
        let rows = [0, 1].map(|half| &IQ3_XXS[usize::from(block[2 + 2 * run + half])]);
        put_two(rows, even_signs(packed >> (7 * (run % 4))), places);
    }
}

/// Scale; the lower eight bits of the places of 64 rows of four; their ninth bits; the signs of all
/// numbers; scales of four bits for every 32 numbers.
#[inline(always)]
pub(super) fn iq3_s(block: &[u8; 110], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        scales[run / 4] = d * f32::from(1 + 2 * nibble(&block[106..110], run / 4));
        let ninth = block[66 + run / 4] >> (2 * (run % 4));
        let rows = [0, 1].map(|half| {
            let high = usize::from(ninth >> half & 1);
            &IQ3_S[usize::from(block[2 + 2 * run + half]) | high << 8]
        });
        put_two(rows, block[74 + run], places);
    }
}

/// The values -1, 0 and 1 of the types of one bit are shifted by an eighth: what is added to or
/// subtracted from them in eighths, which their scales count too.
const SHIFT: i8 = 1;
const EIGHTH: f32 = 0.125;

/// Scale; the lower eight bits of the places of 32 rows; for every 32 numbers 16 bits: three upper
/// bits of four places, a scale of three bits, and whether the values are shifted down.
#[inline(always)]
pub(super) fn iq1_s(block: &[u8; 50], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    let d = scale(block[0], block[1]);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        let packed = u16_at(block, 34 + 2 * (run / 4));
        scales[run / 4] = EIGHTH * (d * f32::from(2 * (packed >> 12 & 7) + 1));
        let shift = if packed & 0x8000 == 0 { SHIFT } else { -SHIFT };
        let high = usize::from(packed >> (3 * (run % 4)) & 7);
        let row = &IQ1_S[usize::from(block[2 + run]) | high << 8];
        put_shifted(shift, row, places);
    }
}

/// The lower eight bits of the places of 32 rows; for each row four bits: three upper bits of its
/// place, and whether its values are shifted down; then 64 bits: in every 16 of them four scales of
/// three bits, for 16 numbers each, and a quarter of the block's f16 scale.
#[inline(always)]
pub(super) fn iq1_m(block: &[u8; 56], integers: &mut [i8; LARGE], scales: &mut [f32; 16]) {
    let words = [48, 50, 52, 54].map(|place| u16_at(block, place));
    let quarters = words.iter().enumerate();
    let d = quarters.fold(0, |d, (quarter, bits)| d | bits >> 12 << (4 * quarter));
    let d = half_to_f32(d);
    for (run, places) in integers.as_chunks_mut::<8>().0.iter_mut().enumerate() {
        scales[run / 2] = EIGHTH * (d * f32::from(2 * (words[run / 8] >> (3 * (run / 2 % 4)) & 7) + 1));
        let packed = nibble(&block[32..48], run);
        let shift = if packed & 8 == 0 { SHIFT } else { -SHIFT };
        let row = &IQ1_S[usize::from(block[run]) | usize::from(packed & 7) << 8];
        put_shifted(shift, row, places);
    }
}

/// Signs of eight numbers from seven bits: the number of minuses is even.
#[inline(always)]
fn even_signs(bits: u32) -> u8 {
    let seven = (bits & 127) as u8;
    seven | (seven.count_ones() as u8 & 1) << 7
}

#[inline(always)]
fn put(row: &[i8; 8], signs: u8, out: &mut [i8; 8]) {
    let minuses = u64::from_le_bytes(MASKS[usize::from(signs)]);
    *out = bytes(add(word(*row) ^ minuses, minuses & ONES));
}

#[inline(always)]
fn put_two(rows: [&[i8; 4]; 2], signs: u8, out: &mut [i8; 8]) {
    let mut row = [0; 8];
    row[..4].copy_from_slice(rows[0]);
    row[4..].copy_from_slice(rows[1]);
    put(&row, signs, out);
}

/// In eighths.
#[inline(always)]
fn put_shifted(shift: i8, row: &[i8; 8], out: &mut [i8; 8]) {
    // -1, 0 and 1 have only copies of their sign in the upper bits.
    let eights = word(*row) << 3 & (0xf8 * ONES);
    *out = bytes(add(eights, u64::from(shift.cast_unsigned()) * ONES));
}

/// 1 in each of eight bytes.
const ONES: u64 = 0x0101_0101_0101_0101;

#[inline(always)]
fn word(bytes: [i8; 8]) -> u64 {
    u64::from_le_bytes(bytes.map(i8::cast_unsigned))
}

#[inline(always)]
fn bytes(word: u64) -> [i8; 8] {
    word.to_le_bytes().map(u8::cast_signed)
}

/// Eight sums of bytes, none of which carries into the next.
#[inline(always)]
fn add(a: u64, b: u64) -> u64 {
    let low = 0x7f * ONES;
    ((a & low) + (b & low)) ^ (a ^ b) & !low
}

#[inline(always)]
fn u32_at(bytes: &[u8], place: usize) -> u32 {
    u32::from(u16_at(bytes, place)) | u32::from(u16_at(bytes, place + 2)) << 16
}
