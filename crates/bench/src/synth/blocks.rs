use gguf::BlockKind;
use half::f16;

use super::random::mixed;

/// Fills whole blocks of a type with random integers and scales, such that the numbers have mean 0
/// and a standard deviation near [`DEVIATION`]. A number's bytes depend on `seed` and on its place
/// alone.
///
/// The layouts are those of ggml-common.h of <https://github.com/ggml-org/ggml>. Types other than
/// those that [`super::quantised`] chooses are left as they are.
pub fn fill(kind: BlockKind, bytes: &mut [u8], seed: u64) {
    let size = kind.block_bytes();
    for (index, block) in bytes.chunks_exact_mut(size).enumerate() {
        let seed = mixed(seed.wrapping_add(index as u64));
        random_bytes(block, seed);
        match kind {
            BlockKind::F32 => block.copy_from_slice(&1f32.to_le_bytes()),
            BlockKind::Q4K => scales_of_q4_k(block, seed),
            // Integers from -32 to 31 under scales from 32 to 95: 18.5 times 66.5 on average. The
            // signs of the scales take the mean of the integers, -0.5, to 0.
            BlockKind::Q6K => {
                for scale in &mut block[192..208] {
                    let positive = 32 + (*scale & 63);
                    *scale = if *scale & 64 == 0 {
                        positive
                    } else {
                        positive.wrapping_neg()
                    };
                }
                put(&mut block[208..210], varied(DEVIATION / (18.5 * 66.5), seed));
            }
            // From -16 to 15, and from -128 to 127.
            BlockKind::Q5_0 => put(&mut block[..2], signed(varied(DEVIATION / 9.2, seed), seed)),
            BlockKind::Q8_0 => put(&mut block[..2], signed(varied(DEVIATION / 73.9, seed), seed)),
            _ => {}
        }
    }
}

/// That of the initialiser of most families.
pub const DEVIATION: f32 = 0.02;

/// Scales from 32 to 63, and minima that make the mean of each group 0: `scale (q - 7.5)`.
///
/// The 12 bytes of scales and minima: see `q4_k` of the crate `gguf`.
fn scales_of_q4_k(block: &mut [u8], seed: u64) {
    let scales = mixed(seed ^ 1).to_le_bytes().map(|byte| 32 | byte & 31);
    for group in 0..4 {
        let (early, late) = (scales[group], scales[group + 4]);
        // A group's minimum is the same integer as its scale.
        block[4 + group] = early | (late >> 4) << 6;
        block[8 + group] = early | (late >> 4) << 6;
        block[12 + group] = late & 15 | (late & 15) << 4;
    }
    let scale = varied(DEVIATION / (4.61 * 47.5), seed);
    put(&mut block[..2], scale);
    put(&mut block[2..4], 7.5 * scale);
}

/// Between three quarters of the number and five quarters.
fn varied(number: f32, seed: u64) -> f32 {
    number * (0.75 + f32::from(seed.to_le_bytes()[0]) / 512.0)
}

fn signed(number: f32, seed: u64) -> f32 {
    if seed >> 63 == 0 { number } else { -number }
}

fn put(place: &mut [u8], scale: f32) {
    place.copy_from_slice(&f16::from_f32(scale).to_le_bytes());
}

fn random_bytes(bytes: &mut [u8], seed: u64) {
    for (index, eight) in bytes.chunks_mut(8).enumerate() {
        let drawn = mixed(seed.wrapping_add((index as u64) << 40)).to_le_bytes();
        eight.copy_from_slice(&drawn[..eight.len()]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_have_the_mean_and_the_deviation_of_weights() {
        for kind in [BlockKind::Q4K, BlockKind::Q6K, BlockKind::Q5_0, BlockKind::Q8_0] {
            let count = 1 << 18;
            let mut bytes = vec![0; count / kind.block_elements() * kind.block_bytes()];
            fill(kind, &mut bytes, 3);
            let mut numbers = vec![0.0; count];
            gguf::dequantize(kind, &bytes, &mut numbers);
            let mean = numbers.iter().map(|x| f64::from(*x)).sum::<f64>() / count as f64;
            let variance = numbers
                .iter()
                .map(|x| (f64::from(*x) - mean).powi(2))
                .sum::<f64>()
                / count as f64;
            assert!(mean.abs() < 2e-4, "{kind}: mean {mean}");
            assert!(
                (variance.sqrt() - 0.02).abs() < 1.5e-3,
                "{kind}: {}",
                variance.sqrt()
            );
        }
    }
}
