//! The parts that blocks have in common: their lengths, scales and packed numbers.

use half::f16;

/// The numbers in a block of the older types.
pub(super) const SMALL: usize = 32;

/// The numbers in a block of a k-quant, and of what came after them.
pub(super) const LARGE: usize = 256;

pub(super) fn scale(low: u8, high: u8) -> f32 {
    f16::from_le_bytes([low, high]).to_f32()
}

/// The low four bits of the 16 bytes are the first 16 integers, the high four bits the others.
pub(super) fn nibbles(bytes: &[u8], index: usize) -> (u8, u8) {
    (bytes[index] & 15, bytes[index] >> 4)
}

/// A number of 4 bits among many: two a byte, the lower one first.
pub(super) fn nibble(bytes: &[u8], index: usize) -> u8 {
    bytes[index / 2] >> (4 * (index % 2)) & 15
}

pub(super) fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([bytes[place], bytes[place + 1]])
}
