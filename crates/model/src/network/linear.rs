use burn::module::{Module, Param};
use burn::tensor::{DType, Device, Tensor};
use kernels::Rounding;

use super::cpu;
use super::functions::to_dtype;
use super::loader::Loader;
use crate::stored_matrix::StoredMatrix;
use crate::{Precision, Result};

/// A product, with a bias where the layer has one.
#[derive(Module, Debug)]
pub(super) struct Linear {
    /// `[out, in]`, as checkpoints have it. `None` where it stays as it is stored.
    weight: Option<Param<Tensor<2>>>,
    #[module(skip)]
    stored: Option<StoredMatrix>,
    /// `[out]`
    bias: Option<Param<Tensor<1>>>,
    #[module(skip)]
    precision: Precision,
}

impl Linear {
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, shape: [usize; 2], biased: bool) -> Result<Self> {
        let (weight, stored) = loader.matrix(&format!("{name}.weight"), shape)?;
        let bias = || loader.tensor(&format!("{name}.bias"), [shape[0]]);
        let bias = biased.then(bias).transpose()?;
        Ok(Linear {
            weight,
            stored,
            bias,
            precision: loader.precision,
        })
    }

    /// `[tokens, in] -> [tokens, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        let y = product(x, &self.weight, &self.stored, self.precision);
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
/// One of `weight` and `stored` is there. On the CPU x is f32, and weights of bf16 or in blocks are
/// widened as they are used, which is exact.
pub(super) fn product(
    x: Tensor<2>,
    weight: &Option<Param<Tensor<2>>>,
    stored: &Option<StoredMatrix>,
    precision: Precision,
) -> Tensor<2> {
    let rounding = match precision {
        Precision::F32 => Rounding::None,
        Precision::Bf16 => Rounding::InputsToBf16,
    };
    let on_cpu = match (weight, stored) {
        (Some(weight), _) => cpu::product(&x, &weight.val(), rounding),
        (None, Some(stored)) => cpu::product_with_stored(&x, stored, rounding),
        (None, None) => None,
    };
    on_cpu.unwrap_or_else(|| {
        let weight = to_dtype(as_tensor(weight, stored, &x.device()), x.dtype());
        x.matmul(weight.transpose())
    })
}

/// The whole matrix as a tensor.
fn as_tensor(weight: &Option<Param<Tensor<2>>>, stored: &Option<StoredMatrix>, device: &Device) -> Tensor<2> {
    match (weight, stored) {
        (Some(weight), _) => weight.val(),
        (None, Some(stored)) => Tensor::from_data(stored.to_f32(), (device, DType::F32)),
        (None, None) => unreachable!("a matrix is a tensor, or stored"),
    }
}
