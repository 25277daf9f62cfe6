use std::borrow::Cow;
use std::path::Path;

use anyhow::{Context, Result};
use half::bf16;
use model::{ModelConfig, NormScale};
use progress::progress_of_bytes;
use rayon::prelude::*;
use safetensors::{Dtype, View, serialize_to_file};
use serde_json::{Map, Value, json};

use super::random::mixed;

/// Writes `model.safetensors`, or shards of at most `shard_bytes` and their index, in the order in
/// which the network uses them. Matrices are normal with standard deviation 0.02, as the family's
/// initialiser has them; norms multiply by 1, and biases are 0.
pub fn write_weights(config: &ModelConfig, out: &Path, seed: u64, shard_bytes: usize) -> Result<()> {
    let normal = normal_table();
    let tensors: Vec<(String, RandomTensor<'_>)> = config
        .tensors()
        .into_iter()
        .enumerate()
        .map(|(index, (name, shape))| {
            let tensor = RandomTensor {
                constant: constant(config, &name),
                shape,
                seed: mixed(seed ^ mixed(index as u64)),
                normal: &normal,
            };
            (name, tensor)
        })
        .collect();
    let shards = shards(&tensors, shard_bytes);
    let total: usize = tensors.iter().map(|(_, tensor)| tensor.data_len()).sum();
    let bar = progress_of_bytes(total as u64, "synth");
    let mut places = Map::new();
    for (index, shard) in shards.iter().enumerate() {
        let file = match shards.len() {
            1 => "model.safetensors".to_owned(),
            count => format!("model-{:05}-of-{count:05}.safetensors", index + 1),
        };
        let format = Some([("format".to_owned(), "pt".to_owned())].into());
        let views = shard.iter().map(|(name, tensor)| (name, tensor));
        serialize_to_file(views, format, &out.join(&file))
            .with_context(|| format!("cannot write {}", out.join(&file).display()))?;
        bar.inc(shard.iter().map(|(_, tensor)| tensor.data_len() as u64).sum());
        places.extend(shard.iter().map(|(name, _)| (name.clone(), json!(file))));
    }
    bar.finish_and_clear();
    if shards.len() > 1 {
        let index = json!({ "metadata": { "total_size": total }, "weight_map": Value::Object(places) });
        let text = serde_json::to_string_pretty(&index)?;
        fs_err::write(out.join("model.safetensors.index.json"), text + "\n")?;
    }
    Ok(())
}

/// The value of all numbers of a vector.
fn constant(config: &ModelConfig, name: &str) -> bf16 {
    match config.norm_scale {
        NormScale::Weight if !name.ends_with(".bias") => bf16::ONE,
        _ if name.ends_with("layer_scalar") => bf16::ONE,
        _ => bf16::ZERO,
    }
}

type Named<'a> = (String, RandomTensor<'a>);

fn shards<'a, 'b>(tensors: &'a [Named<'b>], shard_bytes: usize) -> Vec<&'a [Named<'b>]> {
    let (mut shards, mut first, mut held) = (Vec::new(), 0, 0);
    for (index, (_, tensor)) in tensors.iter().enumerate() {
        if index > first && held + tensor.data_len() > shard_bytes {
            shards.push(&tensors[first..index]);
            (first, held) = (index, 0);
        }
        held += tensor.data_len();
    }
    shards.push(&tensors[first..]);
    shards
}

/// A tensor whose bytes are generated when they are written.
struct RandomTensor<'a> {
    shape: Vec<usize>,
    /// What a vector holds.
    constant: bf16,
    seed: u64,
    normal: &'a [bf16],
}

/// The count of numbers that one task generates.
const PIECE: usize = 1 << 20;

impl View for &RandomTensor<'_> {
    fn dtype(&self) -> Dtype {
        Dtype::BF16
    }

    fn shape(&self) -> &[usize] {
        &self.shape
    }

    fn data(&self) -> Cow<'_, [u8]> {
        let mut bytes = vec![0; RandomTensor::data_len(self)];
        if self.shape.len() > 1 {
            bytes
                .par_chunks_mut(2 * PIECE)
                .enumerate()
                .for_each(|(piece, bytes)| {
                    let mut state = self.seed.wrapping_add((piece as u64) << 32);
                    for numbers in bytes.chunks_mut(8) {
                        state = state.wrapping_add(1);
                        // Four numbers of sixteen random bits each.
                        let drawn = mixed(state).to_le_bytes();
                        for (number, index) in numbers
                            .as_chunks_mut::<2>()
                            .0
                            .iter_mut()
                            .zip(drawn.as_chunks::<2>().0)
                        {
                            *number = self.normal[u16::from_le_bytes(*index) as usize].to_le_bytes();
                        }
                    }
                });
        } else {
            bytes.as_chunks_mut::<2>().0.fill(self.constant.to_le_bytes());
        }
        Cow::Owned(bytes)
    }

    fn data_len(&self) -> usize {
        RandomTensor::data_len(self)
    }
}

impl RandomTensor<'_> {
    fn data_len(&self) -> usize {
        2 * self.shape.iter().product::<usize>()
    }
}

/// The normal distribution of standard deviation 0.02 at 2^16 evenly spaced probabilities: drawing
/// a number is a look-up.
fn normal_table() -> Vec<bf16> {
    let count = 1usize << 16;
    // The quantile by bisection of the distribution function: slow, but made once and without a
    // formula to get wrong.
    let quantile = |index: usize| {
        let wanted = (index as f64 + 0.5) / count as f64;
        let (mut low, mut high) = (-6.0, 6.0);
        for _ in 0..40 {
            let middle = (low + high) / 2.0;
            if distribution(middle) < wanted {
                low = middle
            } else {
                high = middle
            }
        }
        bf16::from_f64(0.02 * low)
    };
    (0..count).into_par_iter().map(quantile).collect()
}

/// The standard normal distribution function, by the series of its density around 0 (Abramowitz and
/// Stegun 26.2.11).
fn distribution(x: f64) -> f64 {
    let (mut term, mut sum, mut divisor) = (x, x, 1.0);
    while f64::abs(term) > 1e-17 * f64::abs(sum) {
        divisor += 2.0;
        term *= x * x / divisor;
        sum += term;
    }
    0.5 + sum * (-x * x / 2.0).exp() / std::f64::consts::TAU.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_normal() {
        let table: Vec<f64> = normal_table().iter().map(|value| value.to_f64()).collect();
        let mean = table.iter().sum::<f64>() / table.len() as f64;
        let variance = table.iter().map(|value| value * value).sum::<f64>() / table.len() as f64;
        assert!(mean.abs() < 1e-6, "{mean}");
        assert!((variance.sqrt() - 0.02).abs() < 2e-5, "{}", variance.sqrt());
        let within = table.iter().filter(|value| value.abs() < 0.02).count() as f64 / table.len() as f64;
        assert!(
            (within - 0.6827).abs() < 0.003,
            "one standard deviation holds {within}"
        );
    }
}
