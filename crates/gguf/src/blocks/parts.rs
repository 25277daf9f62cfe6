//! The parts that blocks have in common: their lengths, scales and packed numbers.

/// The numbers in a block of the older types.
pub(super) const SMALL: usize = 32;

pub(super) const HALF: usize = SMALL / 2;

/// The numbers in a block of a k-quant, and of what came after them.
pub(super) const LARGE: usize = 256;

/// An f16 scale.
#[inline(always)]
pub(super) fn scale(low: u8, high: u8) -> f32 {
    half_to_f32(u16::from_le_bytes([low, high]))
}

/// As `half::f16::to_f32`, but without looking for an instruction of the processor at each call, and
/// without a branch.
#[inline(always)]
pub(super) fn half_to_f32(bits: u16) -> f32 {
    let magnitude = u32::from(bits & 0x7fff);
    let if_subnormal = u32::from(magnitude < 0x0400).wrapping_neg();
    let if_not_finite = u32::from(magnitude >= 0x7c00).wrapping_neg();
    // The exponent's bias is 127 instead of 15. A subnormal number, a multiple of 2^-24, is made one
    // that is 2^-14 larger.
    let exponent = (112 << 23) + (if_subnormal & 1 << 23);
    let raised = (magnitude << 13).wrapping_add(exponent) | (if_not_finite & 0xff << 23);
    let value = f32::from_bits(raised) - f32::from_bits(if_subnormal & 113 << 23);
    f32::from_bits(value.to_bits() | u32::from(bits & 0x8000) << 16)
}

/// Integers, each made of the bytes with its index in some arrays. They are made in an array of their own:
/// were they written where they belong, the compiler would have to fear that this is where they are
/// read, and make no vector code of it.
#[inline(always)]
pub(super) fn integers<const N: usize>(integer: impl Fn(usize) -> u8, bias: i8) -> [i8; N] {
    let mut integers = [0; N];
    for (index, place) in integers.iter_mut().enumerate() {
        *place = integer(index).cast_signed().wrapping_sub(bias);
    }
    integers
}

/// A part of a block.
#[inline(always)]
pub(super) fn bytes<const N: usize>(block: &[u8], first: usize) -> [u8; N] {
    let mut bytes = [0; N];
    bytes.copy_from_slice(&block[first..first + N]);
    bytes
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
