//! Blocks of 4-bit indexes into a table of values.

use super::parts::{LARGE, SMALL, nibble, nibbles, scale, u16_at};

/// Denser around 0, as weights are.
const UNEVEN: [i8; 16] = [
    -127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113,
];

/// The numbers of 4 bits with an exponent of two bits (E2M1), times 2.
const E2M1: [i8; 16] = [0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12];

/// Scale, then 32 places in the table.
pub(super) fn iq4_nl(block: &[u8; 18], out: &mut [f32; SMALL]) {
    look_up(&UNEVEN, scale(block[0], block[1]), &block[2..18], out);
}

/// Scale, the scales of eight groups of 32 (six bits each, stored 32 too high: the upper two bits
/// of all in two bytes, then the lower four), then 256 places in the table.
pub(super) fn iq4_xs(block: &[u8; 136], out: &mut [f32; LARGE]) {
    let d = scale(block[0], block[1]);
    let upper = u16_at(block, 2);
    let groups = out.as_chunks_mut::<SMALL>().0;
    for (group, places) in groups.iter_mut().enumerate() {
        let high = (upper >> (2 * group) & 3) as u8;
        let factor = (nibble(&block[4..8], group) | high << 4) as i8 - 32;
        let bytes = &block[8 + 16 * group..24 + 16 * group];
        look_up(&UNEVEN, d * f32::from(factor), bytes, places);
    }
}

/// A scale that is a power of two, then 32 numbers of 4 bits.
///
/// Source: the Microscaling formats (MX) v1.0 of the Open Compute Project.
pub(super) fn mxfp4(block: &[u8; 17], out: &mut [f32; SMALL]) {
    look_up(&E2M1, half_power_of_two(block[0]), &block[1..17], out);
}

/// 2 to the power of `exponent - 128`: half the scale, since the table holds twice the numbers. The
/// two smallest are subnormal.
fn half_power_of_two(exponent: u8) -> f32 {
    f32::from_bits(match exponent {
        0 | 1 => 0x0020_0000 << exponent,
        _ => u32::from(exponent - 1) << 23,
    })
}

fn look_up(table: &[i8; 16], factor: f32, bytes: &[u8], out: &mut [f32; SMALL]) {
    for index in 0..16 {
        let (low, high) = nibbles(bytes, index);
        out[index] = factor * f32::from(table[usize::from(low)]);
        out[index + 16] = factor * f32::from(table[usize::from(high)]);
    }
}
