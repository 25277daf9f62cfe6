use burn::tensor::{DType, Device, Tensor, TensorData};

use super::functions::to_dtype;
use crate::{Batch, Rope};

/// The rotary embedding of one batch: f32 tables of cosines and sines for each token's position.
///
/// The halves of a head are turned against each other (element i with i + head_dim/2), as Hugging Face
/// checkpoints want it, and not neighbours.
pub(super) struct Rotary {
    /// `[rows, 1, width, head_dim]`
    cosines: Tensor<4>,
    /// The same, negative in the first half.
    sines: Tensor<4>,
}

impl Rotary {
    pub fn new(rope: Rope, head_dim: usize, batch: &Batch, device: &Device) -> Self {
        let (frequencies, half) = (inverse_frequencies(rope, head_dim), head_dim / 2);
        let length = batch.positions().len() * head_dim;
        let (mut cosines, mut sines) = (Vec::with_capacity(length), Vec::with_capacity(length));
        for position in batch.positions() {
            for index in 0..head_dim {
                // The product is rounded to f32, as the reference does, so that far positions agree too.
                let angle = (*position).max(0) as f32 * frequencies[index % half];
                cosines.push(angle.cos());
                sines.push(if index < half { -angle.sin() } else { angle.sin() });
            }
        }
        let shape = [batch.rows(), 1, batch.width(), head_dim];
        let table = |values| Tensor::from_data(TensorData::new(values, shape), (device, DType::F32));
        Rotary {
            cosines: table(cosines),
            sines: table(sines),
        }
    }

    /// `x: [rows, heads, width, head_dim]`
    pub fn apply(&self, x: Tensor<4>) -> Tensor<4> {
        let (dtype, half) = (x.dtype(), x.dims()[3] / 2);
        let x = to_dtype(x, DType::F32);
        let swapped = Tensor::cat(
            vec![x.clone().narrow(3, half, half), x.clone().narrow(3, 0, half)],
            3,
        );
        to_dtype(
            x.mul(self.cosines.clone()).add(swapped.mul(self.sines.clone())),
            dtype,
        )
    }
}

/// `theta^(-2i / head_dim) / factor` for i below head_dim / 2. Linear scaling divides the frequencies instead of the
/// positions, each rounded to f32 in between, as the reference does.
fn inverse_frequencies(rope: Rope, head_dim: usize) -> Vec<f32> {
    let exponent = |index: usize| 2.0 * index as f64 / head_dim as f64;
    (0..head_dim / 2)
        .map(|index| (1.0 / rope.theta.powf(exponent(index))) as f32 / rope.factor as f32)
        .collect()
}
