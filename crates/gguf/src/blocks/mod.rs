//! Blocks of a file to numbers.
//!
//! All that is here is inlined into the loops of who uses it, which are compiled for the processor's
//! instructions, and its arithmetic wraps where it can't overflow: a check would keep such a loop from
//! becoming vector code.

mod bytes;
mod codebook;
mod grid;
mod k_quants;
mod parts;
mod plain;
mod small;
mod ternary;

use crate::kind::BlockKind;
pub use bytes::{ByteOperations, Plain};
pub use codebook::UNEVEN;

/// The most numbers that [`unpack`] takes at once: those of the largest block.
pub const UNIT: usize = parts::LARGE;

/// Turns whole blocks into numbers: `out` has `block_elements` places for each `block_bytes` of
/// `bytes`, and panics otherwise.
///
/// The operations are in the order of the Python package gguf (and of ggml), so that the results
/// have the same bits, except that a NaN is only promised to be one. A tensor may be cut
/// anywhere between blocks, and the parts be given to several threads.
#[inline(always)]
pub fn dequantize(kind: BlockKind, bytes: &[u8], out: &mut [f32]) {
    dequantize_with(Plain, kind, bytes, out);
}

/// [`dequantize`], with the processor's own operations.
#[inline(always)]
pub fn dequantize_with(operations: impl ByteOperations, kind: BlockKind, bytes: &[u8], out: &mut [f32]) {
    let blocks = out.len() / kind.block_elements();
    assert_eq!(
        out.len(),
        blocks * kind.block_elements(),
        "a part of a {kind} block"
    );
    assert_eq!(bytes.len(), blocks * kind.block_bytes(), "{kind} blocks");
    match (kind, kind.group()) {
        (BlockKind::F32, _) => plain::from_f32(bytes, out),
        (BlockKind::F16, _) => plain::from_f16(bytes, out),
        (BlockKind::Bf16, _) => plain::from_bf16(bytes, out),
        (_, Some(16)) => units::<16>(operations, kind, bytes, out),
        _ => units::<32>(operations, kind, bytes, out),
    }
}

/// `scale * integer - minimum`, for groups of this size.
#[inline(always)]
fn units<const GROUP: usize>(
    operations: impl ByteOperations,
    kind: BlockKind,
    bytes: &[u8],
    out: &mut [f32],
) {
    let mut integers = [0; UNIT];
    // Where a type has no minima, 0 is subtracted, which changes no bit.
    let (mut scales, mut minima) = ([0.0; UNIT / 16], [0.0; UNIT / 16]);
    let unit_bytes = UNIT / kind.block_elements() * kind.block_bytes();
    for (bytes, out) in bytes.chunks(unit_bytes).zip(out.chunks_mut(UNIT)) {
        unpack_with(operations, kind, bytes, &mut integers, &mut scales, &mut minima);
        let groups = integers.as_chunks::<GROUP>().0.iter().zip(&scales).zip(&minima);
        for (out, ((integers, scale), minimum)) in out.as_chunks_mut::<GROUP>().0.iter_mut().zip(groups) {
            for (out, integer) in out.iter_mut().zip(integers) {
                *out = scale * f32::from(*integer) - minimum;
            }
        }
    }
}

/// Turns at most [`UNIT`] numbers, whole blocks of any type but the plain ones, into a form that all
/// block types share: number i is `scales[i / group] * integers[i] - minima[i / group]`, with
/// [`BlockKind::group`], each operation rounded to f32. Minima are left alone where the type has
/// none. What follows the numbers that `bytes` hold may be anything.
#[inline(always)]
pub fn unpack(
    kind: BlockKind,
    bytes: &[u8],
    integers: &mut [i8; UNIT],
    scales: &mut [f32; UNIT / 16],
    minima: &mut [f32; UNIT / 16],
) {
    unpack_with(Plain, kind, bytes, integers, scales, minima);
}

/// [`unpack`], with the processor's own operations.
#[inline(always)]
pub fn unpack_with(
    operations: impl ByteOperations,
    kind: BlockKind,
    bytes: &[u8],
    integers: &mut [i8; UNIT],
    scales: &mut [f32; UNIT / 16],
    minima: &mut [f32; UNIT / 16],
) {
    // Known block lengths let the compiler drop all bounds checks within a block.
    macro_rules! each_block {
        ($unpack:path $([$operations:ident])?) => {{
            let places = integers
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip(scales.as_chunks_mut().0);
            for (block, (integers, scales)) in bytes.as_chunks().0.iter().zip(places) {
                $unpack($($operations,)? block, integers, scales);
            }
        }};
        ($unpack:path $([$operations:ident])?, with minima) => {{
            let places = integers
                .as_chunks_mut()
                .0
                .iter_mut()
                .zip(scales.as_chunks_mut().0);
            let places = places.zip(minima.as_chunks_mut().0);
            for (block, ((integers, scales), minima)) in bytes.as_chunks().0.iter().zip(places) {
                $unpack($($operations,)? block, integers, scales, minima);
            }
        }};
    }
    // Blocks of 32 that begin with their scale, perhaps followed by their least value.
    macro_rules! small_blocks {
        ($bytes:literal, $unpack:path $([$operations:ident])?) => {{
            let blocks = bytes.as_chunks::<$bytes>().0;
            scales[..8].copy_from_slice(&small::scales(blocks, 0));
            for (block, integers) in blocks.iter().zip(integers.as_chunks_mut().0) {
                $unpack($($operations,)? block, integers);
            }
        }};
        ($bytes:literal, $unpack:path $([$operations:ident])?, with least) => {{
            small_blocks!($bytes, $unpack $([$operations])?);
            let least = small::scales(bytes.as_chunks::<$bytes>().0, 2);
            for (minimum, least) in minima.iter_mut().zip(least) {
                *minimum = -least;
            }
        }};
    }
    match kind {
        // They have no scales: `dequantize` reads them.
        BlockKind::F32 | BlockKind::F16 | BlockKind::Bf16 => {}
        BlockKind::Q4_0 => small_blocks!(18, small::q4_0),
        BlockKind::Q4_1 => small_blocks!(20, small::q4_1, with least),
        BlockKind::Q5_0 => small_blocks!(22, small::q5_0[operations]),
        BlockKind::Q5_1 => small_blocks!(24, small::q5_1 [operations], with least),
        BlockKind::Q8_0 => small_blocks!(34, small::q8_0),
        BlockKind::Iq4Nl => small_blocks!(18, codebook::iq4_nl[operations]),
        BlockKind::Q2K => each_block!(k_quants::q2_k, with minima),
        BlockKind::Q3K => each_block!(k_quants::q3_k),
        BlockKind::Q4K => each_block!(k_quants::q4_k, with minima),
        BlockKind::Q5K => each_block!(k_quants::q5_k, with minima),
        BlockKind::Q6K => each_block!(k_quants::q6_k),
        BlockKind::Iq4Xs => each_block!(codebook::iq4_xs[operations]),
        BlockKind::Mxfp4 => each_block!(codebook::mxfp4[operations]),
        BlockKind::Iq2Xxs => each_block!(grid::iq2_xxs),
        BlockKind::Iq2Xs => each_block!(grid::iq2_xs),
        BlockKind::Iq2S => each_block!(grid::iq2_s),
        BlockKind::Iq3Xxs => each_block!(grid::iq3_xxs),
        BlockKind::Iq3S => each_block!(grid::iq3_s),
        BlockKind::Iq1S => each_block!(grid::iq1_s),
        BlockKind::Iq1M => each_block!(grid::iq1_m),
        BlockKind::Tq1_0 => each_block!(ternary::tq1_0),
        BlockKind::Tq2_0 => each_block!(ternary::tq2_0),
    }
}
