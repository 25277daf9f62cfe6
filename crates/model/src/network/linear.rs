use burn::module::{Module, Param};
use burn::tensor::Tensor;
use kernels::Rounding;

use super::cpu;
use super::loader::Loader;
use crate::{Precision, Result};

/// A product without a bias.
#[derive(Module, Debug)]
pub(super) struct Linear {
    /// `[out, in]`, as checkpoints have it.
    weight: Param<Tensor<2>>,
    #[module(skip)]
    precision: Precision,
}

impl Linear {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2]) -> Result<Self> {
        Ok(Linear {
            weight: loader.tensor(&format!("{name}.weight"), shape)?,
            precision: loader.precision,
        })
    }

    /// `[tokens, in] -> [tokens, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        product(x, self.weight.val(), self.precision)
    }
}

/// `x weight^T` for `x: [n, in]` and `weight: [out, in]`: `[n, out]` in the type of x.
///
/// On the CPU x is f32, and weights of bf16 are widened as they are used, which is exact.
pub(super) fn product(x: Tensor<2>, weight: Tensor<2>, precision: Precision) -> Tensor<2> {
    let rounding = match precision {
        Precision::F32 => Rounding::None,
        Precision::Bf16 => Rounding::InputsToBf16,
    };
    cpu::product(&x, &weight, rounding).unwrap_or_else(|| x.matmul(weight.transpose()))
}
