//! Blocks of integers that are -1, 0 or 1.

use super::parts::{LARGE, bytes, integers as run, scale};

const RUN: usize = 32;

/// 256 integers, five to a byte (four to each of the last four), then the scale.
///
/// A byte is a fraction of 256 whose digits in base 3 are the integers plus 1. Multiplied by a
/// power of 3 it loses the digits before the one that is wanted, which is then its whole part when
/// it is multiplied by 3 once more. The first digits of 32 bytes come first, then their second
/// digits and so on; then the same for 16 and for 4 bytes.
#[inline(always)]
pub(super) fn tq1_0(block: &[u8; 54], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    *scales = [scale(block[52], block[53]); 8];
    let (first, rest) = integers.split_at_mut(5 * 32);
    let (second, third) = rest.split_at_mut(5 * 16);
    digits(bytes::<32>(block, 0), first);
    digits(bytes::<16>(block, 32), second);
    digits(bytes::<4>(block, 48), third);
}

/// The first digits of some bytes, then their second digits, and so on.
#[inline(always)]
fn digits<const N: usize>(bytes: [u8; N], places: &mut [i8]) {
    for (places, power) in places.as_chunks_mut::<N>().0.iter_mut().zip([1u8, 3, 9, 27, 81]) {
        *places = run(
            |index| ((u16::from(bytes[index].wrapping_mul(power)) * 3) >> 8) as u8,
            1,
        );
    }
}

/// 256 integers of 2 bits, stored 1 too high: four runs of 32 share 32 bytes, the first in the
/// lowest bits. Then the scale.
#[inline(always)]
pub(super) fn tq2_0(block: &[u8; 66], integers: &mut [i8; LARGE], scales: &mut [f32; 8]) {
    *scales = [scale(block[64], block[65]); 8];
    let runs = integers.as_chunks_mut::<RUN>().0;
    for (half, runs) in runs.as_chunks_mut::<4>().0.iter_mut().enumerate() {
        let packed = bytes::<RUN>(block, RUN * half);
        runs[0] = run(|index| packed[index] & 3, 1);
        runs[1] = run(|index| packed[index] >> 2 & 3, 1);
        runs[2] = run(|index| packed[index] >> 4 & 3, 1);
        runs[3] = run(|index| packed[index] >> 6, 1);
    }
}
