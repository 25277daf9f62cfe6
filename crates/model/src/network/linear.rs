use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use kernels::Rounding;

use super::cpu;
use super::functions::to_dtype;
use super::loader::Loader;
use crate::{Precision, Result};

/// A product, with a bias where the layer has one.
#[derive(Module, Debug)]
pub(super) struct Linear {
    /// `[out, in]`, as checkpoints have it.
    weight: Param<Tensor<2>>,
    /// `[out]`
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    precision: Precision,
}

impl Linear {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2], biased: bool) -> Result<Self> {
        let weight = loader.tensor(&format!("{name}.weight"), shape)?;
        let bias = || loader.tensor(&format!("{name}.bias"), [shape[0]]);
        let bias = biased.then(bias).transpose()?;
        Ok(Linear {
            weight,
            bias,
            precision: loader.precision,
        })
    }

    /// `[tokens, in] -> [tokens, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = product(x, self.weight.val(), self.precision);
        match &self.bias {
            Some(bias) => add_bias(y, bias.val()),
            None => y,
        }
    }
}

/// `y: [tokens, out]`, in its type.
fn add_bias(y: Tensor<2>, bias: Tensor<1>) -> Tensor<2> {
    let wide = to_dtype(bias.clone(), DType::F32);
    let numbers = cpu::HostSlice::of(&wide);
    let changed = match numbers.as_ref().and_then(cpu::HostSlice::f32) {
        Some(numbers) => cpu::change(y, |y| kernels::add_bias(y, numbers)),
        None => Err(y),
    };
    changed.unwrap_or_else(|y| {
        let dtype = y.dtype();
        y.add(to_dtype(bias, dtype).unsqueeze())
    })
}

/// `x weight^T` for `x: [n, in]` and `weight: [out, in]`: `[n, out]` in the type of x.
///
/// On the CPU x is f32, and weights of bf16 are widened as they are used, which is exact.
pub(super) fn product(x: Tensor<2>, weight: Tensor<2>, precision: Precision) -> Tensor<2> {
    let rounding = match precision {
        Precision::F32 => Rounding::None,
        Precision::Bf16 => Rounding::InputsToBf16,
    };
    cpu::product(&x, &weight, rounding).unwrap_or_else(|| {
        let weight = to_dtype(weight, x.dtype());
        x.matmul(weight.transpose())
    })
}
