use std::fmt;

use half::f16;
use half::slice::HalfFloatSliceExt;

/// How a tensor's numbers are stored: plainly, or in blocks of small integers with common scales.
///
/// The block formats are those of ggml (block_q4_0 … block_q6_K in ggml-common.h, k-quants in ggml-quants.c of
/// <https://github.com/ggml-org/ggml>). K-quants need rows that are multiples of 256; where a model's are not,
/// llama.cpp falls back to a type with blocks of 32 (Q4_K to Q5_0, Q5_K to Q5_1, Q6_K to Q8_0), which is why a
/// "Q4_K_M" file may hold Q5_0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlockKind {
    F32,
    F16,
    Bf16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q4K,
    Q5K,
    Q6K,
}

impl BlockKind {
    /// The types, as messages list them.
    pub const NAMES: &str = "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q5_0, Q5_1, Q4_K, Q5_K, Q6_K";

    /// How many numbers a block holds. A row of a tensor is a whole number of blocks.
    pub const fn block_elements(self) -> usize {
        match self {
            BlockKind::F32 | BlockKind::F16 | BlockKind::Bf16 => 1,
            BlockKind::Q4_0 | BlockKind::Q4_1 | BlockKind::Q5_0 | BlockKind::Q5_1 | BlockKind::Q8_0 => SMALL,
            BlockKind::Q4K | BlockKind::Q5K | BlockKind::Q6K => LARGE,
        }
    }

    /// How many bytes of the file a block takes.
    pub const fn block_bytes(self) -> usize {
        match self {
            BlockKind::F32 => 4,
            BlockKind::F16 | BlockKind::Bf16 => 2,
            BlockKind::Q4_0 => 2 + SMALL / 2,
            BlockKind::Q4_1 => 2 + 2 + SMALL / 2,
            BlockKind::Q5_0 => 2 + SMALL / 8 + SMALL / 2,
            BlockKind::Q5_1 => 2 + 2 + SMALL / 8 + SMALL / 2,
            BlockKind::Q8_0 => 2 + SMALL,
            BlockKind::Q4K => 2 + 2 + 12 + LARGE / 2,
            BlockKind::Q5K => 2 + 2 + 12 + LARGE / 8 + LARGE / 2,
            BlockKind::Q6K => LARGE / 2 + LARGE / 4 + LARGE / 16 + 2,
        }
    }

    /// The kind that a file gives by its number in ggml's `ggml_type`.
    pub(crate) fn from_number(number: u32) -> Option<Self> {
        Some(match number {
            0 => BlockKind::F32,
            1 => BlockKind::F16,
            2 => BlockKind::Q4_0,
            3 => BlockKind::Q4_1,
            6 => BlockKind::Q5_0,
            7 => BlockKind::Q5_1,
            8 => BlockKind::Q8_0,
            12 => BlockKind::Q4K,
            13 => BlockKind::Q5K,
            14 => BlockKind::Q6K,
            30 => BlockKind::Bf16,
            _ => return None,
        })
    }
}

impl fmt::Display for BlockKind {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            BlockKind::F32 => "F32",
            BlockKind::F16 => "F16",
            BlockKind::Bf16 => "BF16",
            BlockKind::Q4_0 => "Q4_0",
            BlockKind::Q4_1 => "Q4_1",
            BlockKind::Q5_0 => "Q5_0",
            BlockKind::Q5_1 => "Q5_1",
            BlockKind::Q8_0 => "Q8_0",
            BlockKind::Q4K => "Q4_K",
            BlockKind::Q5K => "Q5_K",
            BlockKind::Q6K => "Q6_K",
        })
    }
}

/// Turns whole blocks into numbers: `out` has `block_elements` places for each `block_bytes` of `bytes`, and panics
/// otherwise.
///
/// The operations are in the order of the Python package gguf (and of ggml), so that the results have the same bits;
/// of a number that is not a number only that is promised. A tensor may be cut anywhere between blocks, and the
/// parts be given to several threads.
pub fn dequantize(kind: BlockKind, bytes: &[u8], out: &mut [f32]) {
    let blocks = out.len() / kind.block_elements();
    assert_eq!(
        out.len(),
        blocks * kind.block_elements(),
        "a part of a {kind} block"
    );
    assert_eq!(bytes.len(), blocks * kind.block_bytes(), "{kind} blocks");
    match kind {
        BlockKind::F32 => from_f32(bytes, out),
        BlockKind::F16 => from_f16(bytes, out),
        BlockKind::Bf16 => from_bf16(bytes, out),
        BlockKind::Q4_0 => each_block::<18, SMALL>(bytes, out, q4_0),
        BlockKind::Q4_1 => each_block::<20, SMALL>(bytes, out, q4_1),
        BlockKind::Q5_0 => each_block::<22, SMALL>(bytes, out, q5_0),
        BlockKind::Q5_1 => each_block::<24, SMALL>(bytes, out, q5_1),
        BlockKind::Q8_0 => each_block::<34, SMALL>(bytes, out, q8_0),
        BlockKind::Q4K => each_block::<144, LARGE>(bytes, out, q4_k),
        BlockKind::Q5K => each_block::<176, LARGE>(bytes, out, q5_k),
        BlockKind::Q6K => each_block::<210, LARGE>(bytes, out, q6_k),
    }
}

/// The name of a type by its number in ggml's `ggml_type`, for messages.
pub(crate) fn type_name(number: u32) -> String {
    if let Some(kind) = BlockKind::from_number(number) {
        return kind.to_string();
    }
    let name = match number {
        9 => "Q8_1",
        10 => "Q2_K",
        11 => "Q3_K",
        15 => "Q8_K",
        16 => "IQ2_XXS",
        17 => "IQ2_XS",
        18 => "IQ3_XXS",
        19 => "IQ1_S",
        20 => "IQ4_NL",
        21 => "IQ3_S",
        22 => "IQ2_S",
        23 => "IQ4_XS",
        24 => "I8",
        25 => "I16",
        26 => "I32",
        27 => "I64",
        28 => "F64",
        29 => "IQ1_M",
        34 => "TQ1_0",
        35 => "TQ2_0",
        39 => "MXFP4",
        40 => "NVFP4",
        _ => return format!("number {number}, which this version does not know"),
    };
    name.to_owned()
}

/// The numbers in a block of the older types.
const SMALL: usize = 32;

/// The numbers in a block of a k-quant.
const LARGE: usize = 256;

/// Known block lengths let the compiler drop all bounds checks within a block.
fn each_block<const BYTES: usize, const ELEMENTS: usize>(
    bytes: &[u8],
    out: &mut [f32],
    convert: impl Fn(&[u8; BYTES], &mut [f32; ELEMENTS]),
) {
    let (blocks, _) = bytes.as_chunks::<BYTES>();
    let (places, _) = out.as_chunks_mut::<ELEMENTS>();
    for (block, place) in blocks.iter().zip(places) {
        convert(block, place);
    }
}

fn from_f32(bytes: &[u8], out: &mut [f32]) {
    for (chunk, place) in bytes.as_chunks::<4>().0.iter().zip(out) {
        *place = f32::from_le_bytes(*chunk);
    }
}

/// Converts a few hundred at a time, since half has vector instructions only for slices.
fn from_f16(bytes: &[u8], out: &mut [f32]) {
    let mut halves = [f16::ZERO; LARGE];
    for (chunk, places) in bytes.chunks(2 * LARGE).zip(out.chunks_mut(LARGE)) {
        for (half, pair) in halves.iter_mut().zip(chunk.as_chunks::<2>().0) {
            *half = f16::from_le_bytes(*pair);
        }
        halves[..places.len()].convert_to_f32_slice(places);
    }
}

/// A bf16 is the upper half of an f32.
fn from_bf16(bytes: &[u8], out: &mut [f32]) {
    for (pair, place) in bytes.as_chunks::<2>().0.iter().zip(out) {
        *place = f32::from_bits(u32::from(u16::from_le_bytes(*pair)) << 16);
    }
}

fn scale(low: u8, high: u8) -> f32 {
    f16::from_le_bytes([low, high]).to_f32()
}

/// The low four bits of the 16 bytes are the first 16 integers, the high four bits the others.
fn nibbles(bytes: &[u8], index: usize) -> (u8, u8) {
    (bytes[index] & 15, bytes[index] >> 4)
}

/// Scale, then 32 integers of 4 bits, stored 8 too high.
fn q4_0(block: &[u8; 18], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[2..18], index);
        out[index] = d * f32::from(low as i8 - 8);
        out[index + 16] = d * f32::from(high as i8 - 8);
    }
}

/// Scale and least value, then 32 integers of 4 bits.
fn q4_1(block: &[u8; 20], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    let least = scale(block[2], block[3]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[4..20], index);
        out[index] = d * f32::from(low) + least;
        out[index + 16] = d * f32::from(high) + least;
    }
}

/// Scale, the fifth bits of all integers, then their lower four bits; stored 16 too high.
fn q5_0(block: &[u8; 22], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    let fifth = u32::from_le_bytes([block[2], block[3], block[4], block[5]]);
    for index in 0..16 {
        let (low, high) = nibbles(&block[6..22], index);
        out[index] = d * f32::from(with_fifth(low, fifth, index) as i8 - 16);
        out[index + 16] = d * f32::from(with_fifth(high, fifth, index + 16) as i8 - 16);
    }
}

/// Scale and least value, the fifth bits of all integers, then their lower four bits.
fn q5_1(block: &[u8; 24], out: &mut [f32; SMALL]) {
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
fn q8_0(block: &[u8; 34], out: &mut [f32; SMALL]) {
    let d = scale(block[0], block[1]);
    for (place, byte) in out.iter_mut().zip(&block[2..34]) {
        *place = f32::from(*byte as i8) * d;
    }
}

/// The scales of the eight groups of 32 in a Q4_K or Q5_K block, and the minima that are taken off: six bits each
/// in 12 bytes, times the block's two f16 scales.
///
/// Bytes 0 to 3 hold the scales of groups 0 to 3, bytes 4 to 7 their minima. Bytes 8 to 11 hold the low four bits
/// of groups 4 to 7 (scale below, minimum above), whose upper two bits are those of the earlier bytes.
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

/// Two scales, the scales of eight groups, then 256 integers of 4 bits: each 32 bytes hold one group in their low
/// bits and the next in their high bits.
fn q4_k(block: &[u8; 144], out: &mut [f32; LARGE]) {
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

/// As Q4_K, with the fifth bits in 32 bytes before the others: bit g of byte i belongs to number i of group g.
fn q5_k(block: &[u8; 176], out: &mut [f32; LARGE]) {
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

/// 256 integers of 6 bits, stored 32 too high: low four bits (128 bytes), upper two bits (64 bytes); then the scales
/// of 16 groups of 16 (i8) and the block's scale.
///
/// Each half of a block has four runs of 32 numbers. Runs 0 and 2, and 1 and 3, share the bytes of the low bits; all
/// four share those of the upper bits.
fn q6_k(block: &[u8; 210], out: &mut [f32; LARGE]) {
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
