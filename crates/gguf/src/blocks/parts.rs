//! The parts that blocks have in common: their lengths, scales and packed numbers.

/// The numbers in a block of the older types.
pub(super) const SMALL: usize = 32;

/// The numbers in a block of a k-quant, and of what came after them.
pub(super) const LARGE: usize = 256;

/// An f16 scale.
#[inline(always)]
pub(super) fn scale(low: u8, high: u8) -> f32 {
    half_to_f32(u16::from_le_bytes([low, high]))
}

/// As `half::f16::to_f32`, but without looking for an instruction of the processor at each call.
#[inline(always)]
pub(super) fn half_to_f32(bits: u16) -> f32 {
    let magnitude = u32::from(bits & 0x7fff);
    let value = match magnitude {
        // Subnormal: a multiple of 2^-24.
        0..0x0400 => magnitude as f32 * f32::from_bits(103 << 23),
        // The exponent's bias is 127 instead of 15.
        0x0400..0x7c00 => f32::from_bits((magnitude << 13).wrapping_add(112 << 23)),
        // Infinite, or no number.
        _ => f32::from_bits(magnitude << 13 | 0x7f80_0000),
    };
    f32::from_bits(value.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// A number of 4 bits among many: two a byte, the lower one first.
#[inline(always)]
pub(super) fn nibble(bytes: &[u8], index: usize) -> u8 {
    bytes[index / 2] >> (4 * (index % 2)) & 15
}

#[inline(always)]
pub(super) fn u16_at(bytes: &[u8], place: usize) -> u16 {
    u16::from_le_bytes([bytes[place], bytes[place + 1]])
}

#[cfg(test)]
mod tests {
    use half::f16;

    use super::*;

    #[test]
    fn every_f16_becomes_the_f32_of_the_crate_half() {
        for bits in 0..=u16::MAX {
            let (ours, expected) = (half_to_f32(bits), f16::from_bits(bits).to_f32());
            assert!(
                ours.to_bits() == expected.to_bits() || (ours.is_nan() && expected.is_nan()),
                "{bits:#x}"
            );
        }
    }
}
