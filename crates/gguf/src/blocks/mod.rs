//! Blocks of a file to numbers.

mod codebook;
mod grid;
mod k_quants;
mod plain;
mod small;
mod ternary;

use half::f16;

use crate::kind::BlockKind;

/// Turns whole blocks into numbers: `out` has `block_elements` places for each `block_bytes` of
/// `bytes`, and panics otherwise.
///
/// The operations are in the order of the Python package gguf (and of ggml), so that the results
/// have the same bits; of a number that is not a number only that is promised. A tensor may be cut
/// anywhere between blocks, and the parts be given to several threads.
pub fn dequantize(kind: BlockKind, bytes: &[u8], out: &mut [f32]) {
    let blocks = out.len() / kind.block_elements();
    assert_eq!(
        out.len(),
        blocks * kind.block_elements(),
        "a part of a {kind} block"
    );
    assert_eq!(bytes.len(), blocks * kind.block_bytes(), "{kind} blocks");
    match kind {
        BlockKind::F32 => plain::from_f32(bytes, out),
        BlockKind::F16 => plain::from_f16(bytes, out),
        BlockKind::Bf16 => plain::from_bf16(bytes, out),
        BlockKind::Q4_0 => each_block(bytes, out, small::q4_0),
        BlockKind::Q4_1 => each_block(bytes, out, small::q4_1),
        BlockKind::Q5_0 => each_block(bytes, out, small::q5_0),
        BlockKind::Q5_1 => each_block(bytes, out, small::q5_1),
        BlockKind::Q8_0 => each_block(bytes, out, small::q8_0),
        BlockKind::Q2K => each_block(bytes, out, k_quants::q2_k),
        BlockKind::Q3K => each_block(bytes, out, k_quants::q3_k),
        BlockKind::Q4K => each_block(bytes, out, k_quants::q4_k),
        BlockKind::Q5K => each_block(bytes, out, k_quants::q5_k),
        BlockKind::Q6K => each_block(bytes, out, k_quants::q6_k),
        BlockKind::Iq4Nl => each_block(bytes, out, codebook::iq4_nl),
        BlockKind::Iq4Xs => each_block(bytes, out, codebook::iq4_xs),
        BlockKind::Mxfp4 => each_block(bytes, out, codebook::mxfp4),
        BlockKind::Iq2Xxs => each_block(bytes, out, grid::iq2_xxs),
        BlockKind::Iq2Xs => each_block(bytes, out, grid::iq2_xs),
        BlockKind::Iq2S => each_block(bytes, out, grid::iq2_s),
        BlockKind::Iq3Xxs => each_block(bytes, out, grid::iq3_xxs),
        BlockKind::Iq3S => each_block(bytes, out, grid::iq3_s),
        BlockKind::Iq1S => each_block(bytes, out, grid::iq1_s),
        BlockKind::Iq1M => each_block(bytes, out, grid::iq1_m),
        BlockKind::Tq1_0 => each_block(bytes, out, ternary::tq1_0),
        BlockKind::Tq2_0 => each_block(bytes, out, ternary::tq2_0),
    }
}

/// The numbers in a block of the older types.
const SMALL: usize = 32;

/// The numbers in a block of a k-quant, and of what came after them.
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

fn scale(low: u8, high: u8) -> f32 {
    f16::from_le_bytes([low, high]).to_f32()
}

/// The low four bits of the 16 bytes are the first 16 integers, the high four bits the others.
fn nibbles(bytes: &[u8], index: usize) -> (u8, u8) {
    (bytes[index] & 15, bytes[index] >> 4)
}

/// A number of 4 bits among many: two a byte, the lower one first.
fn nibble(bytes: &[u8], index: usize) -> u8 {
    bytes[index / 2] >> (4 * (index % 2)) & 15
}

fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([bytes[place], bytes[place + 1]])
}
