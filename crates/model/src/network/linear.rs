use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use kernels::Rounding;

use super::cpu;
use super::functions::to_dtype;
use super::loader::Loader;
use super::matrix::Matrix;
use super::on_device;
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
        let bias = || loader.vector(&format!("{name}.bias"), shape[0]);
        let bias = biased.then(bias).transpose()?;
        Ok(Linear {
            weight,
            stored,
            bias,
            precision: loader.precision,
        })
    }

    /// Several products of the same input as one, for GPUs: names and outputs.
    pub fn load_joined(
        loader: &mut Loader<'_, '_>,
        parts: &[(String, usize)],
        inputs: usize,
        biased: bool,
    ) -> Result<Self> {
        let of = |kind: &str| -> Vec<(String, usize)> {
            let named = |(name, outputs): &(String, usize)| (format!("{name}.{kind}"), *outputs);
            parts.iter().map(named).collect()
        };
        let weight = loader.joined_matrices(&of("weight"), inputs)?;
        let bias = biased.then(|| loader.joined_vectors(&of("bias")));
        Ok(Linear {
            weight: Some(weight),
            stored: None,
            bias: bias.transpose()?,
            precision: loader.precision,
        })
    }

    /// `[tokens, in] -> [tokens, out]`
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        self.biased(product(x, self.matrix(), self.precision))
    }

    /// Several products of the same `x`, in one pass over it.
    pub fn forward_each<const N: usize>(linears: [&Linear; N], x: Tensor<2>) -> [Tensor<2>; N] {
        let weights = linears.map(Linear::matrix);
        let precision = linears[0].precision;
        let products = cpu::products(&x, &weights, rounding(precision));
        let products =
            products.unwrap_or_else(|| weights.map(|weight| product(x.clone(), weight, precision)));
        let mut index = 0;
        products.map(|y| {
            index += 1;
            linears[index - 1].biased(y)
        })
    }

    fn matrix(&self) -> Matrix {
        Matrix::of(&self.weight, &self.stored)
    }

    fn biased(&self, y: Tensor<2>) -> Tensor<2> {
        match &self.bias {
            Some(bias) => add_bias(y, bias.val()),
            None => y,
        }
    }
}

fn rounding(precision: Precision) -> Rounding {
    match precision {
        // Where products are in TF32, the device rounds.
        Precision::F32 | Precision::Tf32 => Rounding::None,
        Precision::Bf16 => Rounding::InputsToBf16,
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
/// On the CPU x is f32, and weights of bf16 or in blocks are widened as they are used,
/// which is exact.
pub(super) fn product(x: Tensor<2>, weight: Matrix, precision: Precision) -> Tensor<2> {
    let weights = [weight];
    if let Some([y]) = cpu::products(&x, &weights, rounding(precision)) {
        return y;
    }
    let [weight] = weights;
    if let Matrix::Parts(parts) = weight {
        let each = parts.into_iter().map(Matrix::Tensor);
        return Tensor::cat(each.map(|part| product(x.clone(), part, precision)).collect(), 1);
    }
    x.clone()
        .matmul(to_dtype(weight.into_tensor(&x.device()), x.dtype()).transpose())
}

/// The same in f32, whatever the type of x: sums aren't rounded to it.
pub(super) fn wide_product(x: Tensor<2>, weight: Matrix, precision: Precision) -> Tensor<2> {
    if x.dtype() == DType::F32 {
        return product(x, weight, precision);
    }
    if let Matrix::Parts(parts) = weight {
        let each = parts.into_iter().map(Matrix::Tensor);
        return Tensor::cat(
            each.map(|part| wide_product(x.clone(), part, precision))
                .collect(),
            1,
        );
    }
    let weight = to_dtype(weight.into_tensor(&x.device()), x.dtype());
    on_device::wide_product(&x, &weight).unwrap_or_else(|| {
        let [x, weight] = [x, weight].map(|numbers| to_dtype(numbers, DType::F32));
        x.matmul(weight.transpose())
    })
}
