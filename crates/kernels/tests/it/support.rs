use half::bf16;
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;

pub fn generator(seed: u64) -> ChaCha8Rng {
    ChaCha8Rng::seed_from_u64(seed)
}

/// Numbers between -scale and scale, some of them a hundred times as large, as activations have
/// outliers.
pub fn numbers(generator: &mut ChaCha8Rng, count: usize, scale: f32) -> Vec<f32> {
    (0..count)
        .map(|_| {
            let number = (generator.random::<f32>() * 2.0 - 1.0) * scale;
            if generator.random::<f32>() < 0.01 {
                number * 100.0
            } else {
                number
            }
        })
        .collect()
}

pub fn to_bf16(numbers: &[f32]) -> Vec<bf16> {
    numbers.iter().map(|number| bf16::from_f32(*number)).collect()
}

pub fn norm(numbers: &[f32]) -> f64 {
    numbers
        .iter()
        .map(|number| f64::from(*number).powi(2))
        .sum::<f64>()
        .sqrt()
}
