//! Blocks of a file to numbers.

mod codebook;
mod grid;
mod k_quants;
mod parts;
mod plain;
mod small;
mod ternary;

use crate::kind::BlockKind;

/// Turns whole blocks into numbers: `out` has `block_elements` places for each `block_bytes` of
/// `bytes`, and panics otherwise.
///
/// The operations are in the order of the Python package gguf (and of ggml), so that the results
/// have the same bits, except that a NaN is only promised to be one. A tensor may be cut
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
