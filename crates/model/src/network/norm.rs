use burn::module::{Module, Param};
use burn::tensor::{DType, Tensor};
use kernels::RmsNormShape;

use super::cpu;
use super::functions::to_dtype;
use super::loader::Loader;
use super::on_device;
use crate::{NormScale, Result};

/// RMS norm: `x / sqrt(mean(x^2) + eps) * (offset + w)`, in f32, cast to the input's type at the
/// very end. The offset is 1 or 0, as the configuration says.
///
/// `1 + w` is never folded into a weight of bf16, where the sum would lose most of w's digits. GPUs keep the sum in f32.
#[derive(Module, Debug)]
pub(super) struct RmsNorm {
    /// `[hidden]`, or `[head_dim]` for norms of heads.
    weight: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
    #[module(skip)]
    offset: f32,
}

impl RmsNorm {
    /// Over vectors of `size` numbers.
    pub fn load(loader: &mut Loader<'_, '_>, name: &str, size: usize) -> Result<Self> {
        let name = format!("{name}.weight");
        let offset = match loader.config.norm_scale {
            NormScale::OnePlusWeight => 1.0,
            NormScale::Weight => 0.0,
        };
        let (weight, offset) = match on_device::has_kernels(loader.device) {
            true => (loader.wide_vector(&name, size, offset)?, 0.0),
            false => (loader.vector(&name, size)?, offset),
        };
        Ok(RmsNorm {
            weight,
            epsilon: loader.config.rms_norm_eps,
            offset,
        })
    }

    /// One that multiplies by nothing, and that checkpoints don't have.
    pub fn without_weight(loader: &Loader<'_, '_>, size: usize) -> Self {
        RmsNorm {
            weight: Param::from_tensor(Tensor::ones([size], (loader.device, DType::F32))),
            epsilon: loader.config.rms_norm_eps,
            offset: 0.0,
        }
    }

    /// What it multiplies with, in f32, where a GPU's kernels take it.
    #[cfg(feature = "gpu")]
    pub fn scale(&self) -> Tensor<1> {
        self.weight.val()
    }

    /// Numbers of one vector.
    pub fn size(&self) -> usize {
        self.weight.shape()[0]
    }

    /// Over the last dimension.
    pub fn forward<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let normed = self.on_cpu(&x, None);
        let normed = normed.or_else(|| on_device::rms_norm(&x, &self.weight.val(), self.epsilon, None));
        normed.unwrap_or_else(|| self.by_backend(x))
    }

    /// `h + norm(x)`: what a layer computed, added to the residual stream.
    pub fn add_to(&self, h: Tensor<2>, x: Tensor<2>) -> Tensor<2> {
        let sum = self.on_cpu(&x, Some(&h));
        let sum = sum.or_else(|| on_device::rms_norm(&x, &self.weight.val(), self.epsilon, Some(&h)));
        sum.unwrap_or_else(|| h.add(self.by_backend(x)))
    }

    fn on_cpu<const D: usize>(&self, x: &Tensor<D>, added: Option<&Tensor<D>>) -> Option<Tensor<D>> {
        let weight = to_dtype(self.weight.val(), DType::F32);
        let (numbers, weight) = (cpu::HostSlice::of(x)?, cpu::HostSlice::of(&weight)?);
        let (numbers, weight) = (numbers.f32()?, weight.f32()?);
        let shape = RmsNormShape {
            width: weight.len(),
            epsilon: self.epsilon as f32,
            offset: self.offset,
        };
        let mut y = vec![0.0; numbers.len()];
        match added {
            Some(added) => {
                let added = cpu::HostSlice::of(added)?;
                kernels::add_rms_norm(added.f32()?, numbers, weight, shape, &mut y);
            }
            None => kernels::rms_norm(numbers, weight, shape, &mut y),
        }
        Some(cpu::tensor(y, x.dims()))
    }

    fn by_backend<const D: usize>(&self, x: Tensor<D>) -> Tensor<D> {
        let dtype = x.dtype();
        let x = to_dtype(x, DType::F32);
        let root = x
            .clone()
            .mul(x.clone())
            .mean_dim(D - 1)
            .add_scalar(self.epsilon)
            .sqrt();
        let weight = to_dtype(self.weight.val(), DType::F32);
        let scale = match self.offset {
            0.0 => weight,
            offset => weight.add_scalar(offset),
        };
        to_dtype(x.div(root).mul(scale.unsqueeze()), dtype)
    }
}
