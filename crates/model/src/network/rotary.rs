use std::cell::OnceCell;

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::cpu;
use super::functions::to_dtype;
use crate::{Rope, Token};

/// The rotary embedding of some tokens: f32 tables of cosines and sines for each one's position.
///
/// The halves of a head are rotated against each other (element i with i + head_dim/2), as Hugging
/// Face checkpoints want it, and not neighbours.
pub(super) struct Rotary {
    /// `[tokens, head_dim / 2]`
    cosines: Vec<f32>,
    sines: Vec<f32>,
    head_dim: usize,
    /// The same as tensors, `[tokens, 1, head_dim / 2]`, once a backend's operations ask for them.
    tables: OnceCell<[Tensor<3>; 2]>,
}

impl Rotary {
    pub fn new(rope: Rope, head_dim: usize, tokens: &[Token]) -> Self {
        let frequencies = inverse_frequencies(rope, head_dim);
        // The product is rounded to f32, as the reference does, so that far positions agree too.
        let angles = || {
            tokens.iter().flat_map(|token| {
                frequencies
                    .iter()
                    .map(|frequency| token.position as f32 * frequency)
            })
        };
        Rotary {
            cosines: angles().map(f32::cos).collect(),
            sines: angles().map(f32::sin).collect(),
            head_dim,
            tables: OnceCell::new(),
        }
    }

    /// `x: [tokens, heads * head_dim]`
    pub fn apply(&self, x: Tensor<2>) -> Tensor<2> {
        let turned = cpu::change(x, |x| {
            kernels::rotate(x, self.head_dim, &self.cosines, &self.sines)
        });
        turned.unwrap_or_else(|x| self.by_backend(x))
    }

    fn by_backend(&self, x: Tensor<2>) -> Tensor<2> {
        let (dtype, [tokens, width], half) = (x.dtype(), x.dims(), self.head_dim / 2);
        let x = to_dtype(x, DType::F32).reshape([tokens, width / self.head_dim, self.head_dim]);
        let (first, second) = (x.clone().narrow(2, 0, half), x.narrow(2, half, half));
        let tables = || [&self.cosines, &self.sines].map(|table| to_tensor(table, half, &first.device()));
        let [cosines, sines] = self.tables.get_or_init(tables).clone();
        let turned_first = first
            .clone()
            .mul(cosines.clone())
            .sub(second.clone().mul(sines.clone()));
        let turned_second = second.mul(cosines).add(first.mul(sines));
        let turned = Tensor::cat(vec![turned_first, turned_second], 2);
        to_dtype(turned.reshape([tokens, width]), dtype)
    }
}

fn to_tensor(table: &[f32], half: usize, device: &Device) -> Tensor<3> {
    let shape = [table.len() / half, 1, half];
    Tensor::from_data(TensorData::new(table.to_vec(), shape), (device, DType::F32))
}

/// `theta^(-2i / head_dim) / factor` for i below head_dim / 2. Linear scaling divides the
/// frequencies instead of the positions, each rounded to f32 in between, as the reference does.
fn inverse_frequencies(rope: Rope, head_dim: usize) -> Vec<f32> {
    let exponent = |index: usize| 2.0 * index as f64 / head_dim as f64;
    (0..head_dim / 2)
        .map(|index| (1.0 / rope.theta.powf(exponent(index))) as f32 / rope.factor as f32)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(position: usize, x: &[f32]) -> Vec<f32> {
        let token = Token {
            id: 0,
            position,
            row: 0,
            is_last: false,
            place: 0,
            entry: 0,
        };
        let rope = Rope {
            theta: 1e4,
            factor: 1.0,
        };
        let turned = Rotary::new(rope, x.len(), &[token]).apply(cpu::tensor(x.to_vec(), [1, x.len()]));
        turned.into_data().try_into_vec().unwrap()
    }

    /// Attention depends only on distances. A table in bf16 would fail at these positions.
    #[test]
    fn scores_depend_on_the_distance_alone() {
        let numbers = |seed: usize| -> Vec<f32> {
            (0..64)
                .map(|index| ((index * seed) as f32 * 0.73).sin())
                .collect()
        };
        let (query, key) = (numbers(3), numbers(7));
        let score = |at_query: usize, at_key: usize| -> f32 {
            let turned = (at(at_query, &query), at(at_key, &key));
            turned.0.iter().zip(turned.1).map(|(a, b)| a * b).sum()
        };
        let near = score(11, 4);
        assert!((score(3011, 3004) - near).abs() < 1e-2);
        assert!(
            (score(3011, 3005) - near).abs() > 5e-2,
            "another distance is another score"
        );
    }
}
