//! Blocks of integers that are -1, 0 or 1.

use super::parts::{LARGE, scale};

/// 256 integers, five to a byte (four to each of the last four), then the scale.
///
/// A byte is a fraction of 256 whose digits in base 3 are the integers plus 1. Multiplied by a
/// power of 3 it loses the digits before the one that is wanted, which is then its whole part when
/// it is multiplied by 3 once more. The first digits of 32 bytes come first, then their second
/// digits and so on; then the same for 16 and for 4 bytes.
#[inline(always)]
pub(super) fn tq1_0(block: &[u8; 54], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    *scales = [scale(block[52], block[53]); 8];
    let mut places = integers.iter_mut();
    for (bytes, digits) in [(0..32, 5), (32..48, 5), (48..52, 4)] {
        for power in [1u8, 3, 9, 27, 81].into_iter().take(digits) {
            for (byte, place) in block[bytes.clone()].iter().zip(places.by_ref()) {
                let digit = (u16::from(byte.wrapping_mul(power)) * 3) >> 8;
                *place = (digit as i8).wrapping_sub(1);
            }
        }
    }
}

/// 256 integers of 2 bits, stored 1 too high: four runs of 32 share 32 bytes, the first in the
/// lowest bits. Then the scale.
#[inline(always)]
pub(super) fn tq2_0(block: &[u8; 66], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    *scales = [scale(block[64], block[65]); 8];
    for (number, place) in integers.iter_mut().enumerate() {
        let byte = block[32 * (number / 128) + number % 32];
        let integer = byte >> (2 * (number % 128 / 32)) & 3;
        *place = integer.cast_signed().wrapping_sub(1);
    }
}
