use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use rayon::prelude::*;

use super::Loader;
use super::functions::to_dtype;
use crate::Result;

/// A product without bias.
#[derive(Module, Debug)]
pub(super) struct Linear {
    /// `[out, in]`, as checkpoints have it.
    weight: Param<Tensor<2>>,
}

impl Linear {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2]) -> Result<Self> {
        Ok(Linear {
            weight: loader.tensor(&format!("{name}.weight"), shape)?,
        })
    }

    /// `[rows, width, in] -> [rows, width, out]`
    pub fn forward(&self, x: Tensor<3>) -> Tensor<3> {
        let [rows, width, inputs] = x.dims();
        // One product of two matrices: a batched one would broadcast the weight, and its gradient with it.
        let product = product(x.reshape([rows * width, inputs]), self.weight.val());
        let outputs = product.dims()[1];
        product.reshape([rows, width, outputs])
    }
}

/// `x weight^T` for `x: [n, in]` and `weight: [out, in]`: `[n, out]` in the type of x.
///
/// On the CPU a weight of bf16 is widened piece by piece, multiplied in f32, and the result is rounded to x's type at
/// the end. The backend's own product would hold the whole weight twice in f32, and takes the more time for it.
pub(super) fn product(x: Tensor<2>, weight: Tensor<2>) -> Tensor<2> {
    if weight.dtype() != DType::BF16 || x.device() != Device::flex() {
        return x.matmul(weight.transpose());
    }
    let outputs = weight.dims()[0];
    let dtype = x.dtype();
    let x = to_dtype(x, DType::F32);
    let piece = |index: usize| {
        let first = index * OUTPUTS_PER_PIECE;
        let weight = weight
            .clone()
            .narrow(0, first, OUTPUTS_PER_PIECE.min(outputs - first));
        x.clone().matmul(weight.cast(DType::F32).transpose())
    };
    let pieces = (0..outputs.div_ceil(OUTPUTS_PER_PIECE))
        .into_par_iter()
        .map(piece)
        .collect();
    to_dtype(Tensor::cat(pieces, 1), dtype)
}

/// Few enough that a widened piece stays in the processor's cache: 64 of 3584 numbers are 0.9 MB.
const OUTPUTS_PER_PIECE: usize = 64;
