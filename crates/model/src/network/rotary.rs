use std::cell::OnceCell;

use burn::tensor::{DType, Device, Tensor, TensorData};

use super::cpu;
use super::functions::to_dtype;
use crate::{Rope, Token};

/// The rotary embedding of some tokens: f32 tables of cosines and sines for each one's position.
///
/// An element of a head is turned against the one as many places behind it as there are pairs, as
/// Hugging Face checkpoints want it, and not against its neighbour.
pub(super) struct Rotary {
    /// `[tokens, pairs]`
    cosines: Vec<f32>,
    sines: Vec<f32>,
    pairs: usize,
    /// The same as tensors, `[tokens, 1, pairs]`, once a backend's operations ask for them.
    tables: OnceCell<[Tensor<3>; 2]>,
}

impl Rotary {
    pub fn new(rope: &Rope, tokens: &[Token]) -> Self {
        // The product is rounded to f32, as the reference does, so that far positions agree too.
        let angles = || {
            tokens.iter().flat_map(|token| {
                let frequencies = rope.frequencies.iter();
                frequencies.map(|frequency| token.position as f32 * frequency)
            })
        };
        let factor = rope.attention_factor;
        Rotary {
            cosines: angles().map(|angle| angle.cos() * factor).collect(),
            sines: angles().map(|angle| angle.sin() * factor).collect(),
            pairs: rope.frequencies.len(),
            tables: OnceCell::new(),
        }
    }

    /// `x: [tokens, heads * head_dim]`: all of them, or some from the `first` on.
    pub fn apply(&self, x: Tensor<2>, first: usize, head_dim: usize) -> Tensor<2> {
        let range = first * self.pairs..(first + x.dims()[0]) * self.pairs;
        let [cosines, sines] = [&self.cosines, &self.sines].map(|table| &table[range.clone()]);
        let turned = cpu::change(x, |x| kernels::rotate(x, head_dim, self.pairs, cosines, sines));
        turned.unwrap_or_else(|x| self.by_backend(x, first, head_dim))
    }

    /// Cosines and sines for the kernels of GPUs, `[tokens, pairs]`.
    #[cfg(feature = "gpu")]
    pub fn tables(&self, device: &Device) -> [Tensor<2>; 2] {
        self.all_tables(device).map(|table| table.squeeze_dim(1))
    }

    fn all_tables(&self, device: &Device) -> [Tensor<3>; 2] {
        let tables = || [&self.cosines, &self.sines].map(|table| to_tensor(table, self.pairs, device));
        self.tables.get_or_init(tables).clone()
    }

    fn by_backend(&self, x: Tensor<2>, first_token: usize, head_dim: usize) -> Tensor<2> {
        let (dtype, [tokens, width], pairs) = (x.dtype(), x.dims(), self.pairs);
        let x = to_dtype(x, DType::F32).reshape([tokens, width / head_dim, head_dim]);
        let (first, second) = (x.clone().narrow(2, 0, pairs), x.clone().narrow(2, pairs, pairs));
        let all = self.all_tables(&first.device());
        let [cosines, sines] = all.map(|table| table.narrow(0, first_token, tokens));
        let turned_first = first
            .clone()
            .mul(cosines.clone())
            .sub(second.clone().mul(sines.clone()));
        let turned_second = second.mul(cosines).add(first.mul(sines));
        let mut parts = vec![turned_first, turned_second];
        if 2 * pairs < head_dim {
            parts.push(x.narrow(2, 2 * pairs, head_dim - 2 * pairs));
        }
        let turned = Tensor::cat(parts, 2);
        to_dtype(turned.reshape([tokens, width]), dtype)
    }
}

fn to_tensor(table: &[f32], pairs: usize, device: &Device) -> Tensor<3> {
    let shape = [table.len() / pairs, 1, pairs];
    Tensor::from_data(TensorData::new(table.to_vec(), shape), (device, DType::F32))
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
        let rope = Rope::plain(1e4, x.len());
        let turned = Rotary::new(&rope, &[token]).apply(cpu::tensor(x.to_vec(), [1, x.len()]), 0, x.len());
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
