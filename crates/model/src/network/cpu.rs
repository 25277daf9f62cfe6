//! The way from tensors to the kernels. A tensor on another device, or one tracked by autodiff,
//! gives `None`, and its operation is done by the backend.

use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_flex::{Flex, FlexTensor};
use half::bf16;
use kernels::{Rounding, Weight};

use crate::stored_matrix::StoredMatrix;

/// A tensor's numbers in this machine's memory.
pub(super) struct HostSlice(FlexTensor);

impl HostSlice {
    pub fn of<const D: usize>(x: &Tensor<D>) -> Option<Self> {
        let tensor: FlexTensor = x.clone().try_into_primitive::<Flex>().ok()?;
        Some(HostSlice(tensor.to_contiguous()))
    }

    /// `None` where they are of another type.
    pub fn f32(&self) -> Option<&[f32]> {
        self.0.as_slice()
    }

    pub fn bf16(&self) -> Option<&[bf16]> {
        self.0.as_slice()
    }

    fn weight(&self) -> Option<Weight<'_>> {
        match self.0.dtype() {
            DType::F32 => self.f32().map(Weight::F32),
            DType::BF16 => self.bf16().map(Weight::Bf16),
            _ => None,
        }
    }
}

pub(super) fn tensor<const D: usize>(numbers: Vec<f32>, shape: [usize; D]) -> Tensor<D> {
    Tensor::from_data(TensorData::new(numbers, shape), (&Device::flex(), DType::F32))
}

/// Changes the numbers of a tensor in place, or returns it unchanged.
#[expect(
    clippy::result_large_err,
    reason = "a tensor's handle is passed on as it is, no error"
)]
pub(super) fn change<const D: usize>(
    x: Tensor<D>,
    change: impl FnOnce(&mut [f32]),
) -> Result<Tensor<D>, Tensor<D>> {
    if x.dtype() != DType::F32 {
        return Err(x);
    }
    let Ok(flex) = x.clone().try_into_primitive::<Flex>() else {
        return Err(x);
    };
    // Leaves only one handle, so nothing is copied if the caller passed the last one.
    drop(x);
    let mut flex = flex.to_contiguous();
    let Some((start, end)) = flex.layout().contiguous_offsets() else {
        return Err(Tensor::from_primitive::<Flex>(flex));
    };
    change(&mut flex.storage_mut::<f32>()[start..end]);
    Ok(Tensor::from_primitive::<Flex>(flex))
}

/// `x weight^T`, in f32.
pub(super) fn product(x: &Tensor<2>, weight: &Tensor<2>, rounding: Rounding) -> Option<Tensor<2>> {
    let (numbers, shape) = (HostSlice::of(weight)?, weight.dims());
    multiply(x, numbers.weight()?, shape, rounding)
}

/// The same with weights as they are stored.
pub(super) fn product_with_stored(
    x: &Tensor<2>,
    weight: &StoredMatrix,
    rounding: Rounding,
) -> Option<Tensor<2>> {
    multiply(x, weight.weight(), weight.shape(), rounding)
}

fn multiply(x: &Tensor<2>, weight: Weight<'_>, shape: [usize; 2], rounding: Rounding) -> Option<Tensor<2>> {
    let (x, [outputs, inputs]) = (HostSlice::of(x)?, shape);
    let x = x.f32()?;
    let rows = x.len() / inputs;
    let mut y = vec![0.0; rows * outputs];
    kernels::multiply(x, inputs, weight, rounding, &mut y);
    Some(tensor(y, [rows, outputs]))
}
