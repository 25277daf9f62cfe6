//! Blocks of 4-bit indexes into a table of values.

use super::bytes::ByteOperations;
use super::parts::{HALF, LARGE, SMALL, bytes, nibble, scale, u16_at};

/// The numbers of IQ4_NL and IQ4_XS: denser around 0, as weights are.
pub const UNEVEN: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// The numbers of 4 bits with an exponent of two bits (E2M1), times 2.
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// Scale, then 32 places in the table.
#[inline(always)]
pub(super) fn iq4_nl(operations: impl ByteOperations, block: &[u8; 18], integers: &mut [i8; SMALL]) {
    look_up(operations, &UNEVEN, &block[2..18], integers);
}

/// Scale, the scales of eight groups of 32 (six bits each, stored 32 too high: the upper two bits
/// of all in two bytes, then the lower four), then 256 places in the table.
#[inline(always)]
pub(super) fn iq4_xs(
    operations: impl ByteOperations,
    block: &[u8; 136],
    integers: &mut [i8; LARGE],
    scales: &mut [f32; 8],
) {
    let d = scale(block[0], block[1]);
    let upper = u16_at(block, 2);
    let groups = integers.as_chunks_mut::<SMALL>().0;
    for (group, places) in groups.iter_mut().enumerate() {
        let high = (upper >> (2 * group) & 3) as u8;
        let factor = (nibble(&block[4..8], group) | high << 4) as i8 - 32;
        scales[group] = d * f32::from(factor);
        look_up(
            operations,
            &UNEVEN,
            &block[8 + 16 * group..24 + 16 * group],
            places,
        );
    }
}

/// A scale that is a power of two, then 32 numbers of 4 bits.
///
/// Source: the Microscaling formats (MX) v1.0 of the Open Compute Project.
#[inline(always)]
pub(super) fn mxfp4(
    operations: impl ByteOperations,
    block: &[u8; 17],
    integers: &mut [i8; SMALL],
    scales: &mut [f32; 1],
) {
    scales[0] = half_power_of_two(block[0]);
    look_up(operations, &E2M1, &block[1..17], integers);
}

/// 2 to the power of `exponent - 128`: half the scale, since the table holds twice the numbers. The
/// two smallest are subnormal.
#[inline(always)]
fn half_power_of_two(exponent: u8) -> f32 {
    f32::from_bits(match exponent {
        0 | 1 => 0x0020_0000 << exponent,
        _ => u32::from(exponent - 1) << 23,
    })
}

/// The low four bits of the 16 bytes are the places of the first 16 numbers, the high four bits
/// those of the others.
#[inline(always)]
fn look_up(operations: impl ByteOperations, table: &[i8; 16], places: &[u8], integers: &mut [i8; SMALL]) {
    let places = bytes::<HALF>(places, 0);
    let halves = integers.as_chunks_mut::<HALF>().0;
    halves[0] = operations.look_up(table, places.map(|byte| byte & 15));
    halves[1] = operations.look_up(table, places.map(|byte| byte >> 4));
}
