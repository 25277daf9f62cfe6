//! Numbers that are stored one by one.

use half::f16;
use half::slice::HalfFloatSliceExt;

pub(super) fn from_f32(bytes: &[u8], out: &mut [f32]) {
    for (chunk, place) in bytes.as_chunks::<4>().0.iter().zip(out) {
        *place = f32::from_le_bytes(*chunk);
    }
}

/// How many are converted at a time.
const PIECE: usize = 256;

/// Converts a few hundred at a time, since half has vector instructions only for slices.
pub(super) fn from_f16(bytes: &[u8], out: &mut [f32]) {
    let mut halves = [f16::ZERO; PIECE];
    for (chunk, places) in bytes.chunks(2 * PIECE).zip(out.chunks_mut(PIECE)) {
        for (half, pair) in halves.iter_mut().zip(chunk.as_chunks::<2>().0) {
            *half = f16::from_le_bytes(*pair);
        }
        halves[..places.len()].convert_to_f32_slice(places);
    }
}

/// A bf16 is the upper half of an f32.
pub(super) fn from_bf16(bytes: &[u8], out: &mut [f32]) {
    for (pair, place) in bytes.as_chunks::<2>().0.iter().zip(out) {
        *place = f32::from_bits(u32::from(u16::from_le_bytes(*pair)) << 16);
    }
}
