//! The way from tensors to the kernels. A tensor on another device, or one tracked by autodiff,
//! gives `None`, and its operation is done by the backend.

use std::ops::Range;

use burn::tensor::{DType, Device, Tensor, TensorData};
use burn_flex::{Flex, FlexTensor};
use half::bf16;
use kernels::{Rounding, Weight};

use super::matrix::Matrix;
use crate::stored_matrix::StoredMatrix;

/// A tensor's numbers in this machine's memory.
pub(super) struct HostSlice(FlexTensor);

impl HostSlice {
    pub fn of<const D: usize>(x: &Tensor<D>) -> Option<Self> {
        let tensor: FlexTensor = x.clone().try_into_primitive::<Flex>().ok()?;
        // Some rows of a matrix are a part of its numbers.
        match tensor.layout().contiguous_offsets() {
            Some(_) => Some(HostSlice(tensor)),
            None => Some(HostSlice(tensor.to_contiguous())),
        }
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

/// Changes the numbers of a tensor in place, or returns it unchanged where they are on another device,
/// tracked by autodiff or not f32.
///
/// # Errors
/// The tensor as it was.
#[expect(
    clippy::result_large_err,
    reason = "a tensor's handle is passed on as it is, no error"
)]
pub fn change<const D: usize>(x: Tensor<D>, change: impl FnOnce(&mut [f32])) -> Result<Tensor<D>, Tensor<D>> {
    if x.dtype() != DType::F32 {
        return Err(x);
    }
    let (mut flex, place) = storage(x)?;
    change(&mut flex.storage_mut::<f32>()[place]);
    Ok(Tensor::from_primitive::<Flex>(flex))
}

/// Where the numbers of a tensor are. Nothing is copied if the caller passed the last handle.
#[expect(
    clippy::result_large_err,
    reason = "a tensor's handle is passed on as it is, no error"
)]
fn storage<const D: usize>(x: Tensor<D>) -> Result<(FlexTensor, Range<usize>), Tensor<D>> {
    let Ok(flex) = x.clone().try_into_primitive::<Flex>() else {
        return Err(x);
    };
    drop(x);
    let flex = flex.to_contiguous();
    match flex.layout().contiguous_offsets() {
        Some((start, end)) => Ok((flex, start..end)),
        None => Err(Tensor::from_primitive::<Flex>(flex)),
    }
}

/// `x weight^T` for each of the weights, in f32.
pub(super) fn products<const N: usize>(
    x: &Tensor<2>,
    weights: &[Matrix; N],
    rounding: Rounding,
) -> Option<[Tensor<2>; N]> {
    let [rows, inputs] = x.dims();
    let x = HostSlice::of(x)?;
    let hosts: Vec<HostWeight<'_>> = weights.iter().map(HostWeight::of).collect::<Option<_>>()?;
    let mut results = weights
        .each_ref()
        .map(|weight| vec![0.0; rows * weight.outputs()]);
    let mut products = Vec::with_capacity(N);
    for (host, y) in hosts.iter().zip(&mut results) {
        products.push((host.weight()?, y.as_mut_slice()));
    }
    kernels::multiply_each(x.f32()?, inputs, rounding, &mut products);
    Some(results.map(|y| {
        let outputs = y.len() / rows;
        tensor(y, [rows, outputs])
    }))
}

/// A matrix in this machine's memory.
enum HostWeight<'a> {
    Numbers(HostSlice),
    Stored(&'a StoredMatrix),
}

impl<'a> HostWeight<'a> {
    fn of(matrix: &'a Matrix) -> Option<Self> {
        match matrix {
            Matrix::Tensor(tensor) => HostSlice::of(tensor).map(HostWeight::Numbers),
            Matrix::Stored(stored) => Some(HostWeight::Stored(stored)),
            // One product each.
            Matrix::Parts(_) => None,
        }
    }

    fn weight(&self) -> Option<Weight<'_>> {
        match self {
            HostWeight::Numbers(numbers) => numbers.weight(),
            HostWeight::Stored(stored) => Some(stored.weight()),
        }
    }
}

/// Writes rows over those from `first` on, in the type of `all`, in place if the caller passed the
/// only handle; or returns `all` unchanged.
#[expect(
    clippy::result_large_err,
    reason = "a tensor's handle is passed on as it is, no error"
)]
pub(crate) fn write_rows(all: Tensor<2>, first: usize, rows: &Tensor<2>) -> Result<Tensor<2>, Tensor<2>> {
    let width = all.dims()[1];
    let host = HostSlice::of(rows);
    let Some(numbers) = host.as_ref().and_then(HostSlice::f32) else {
        return Err(all);
    };
    let range = first * width..first * width + numbers.len();
    let dtype = all.dtype();
    let (mut flex, place) = storage(all)?;
    match dtype {
        DType::F32 => flex.storage_mut::<f32>()[place][range].copy_from_slice(numbers),
        DType::BF16 => kernels::round_to_bf16(numbers, &mut flex.storage_mut::<bf16>()[place][range]),
        _ => return Err(Tensor::from_primitive::<Flex>(flex)),
    }
    Ok(Tensor::from_primitive::<Flex>(flex))
}
