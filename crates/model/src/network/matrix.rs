use std::ops::Range;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor};

use crate::stored_matrix::StoredMatrix;

/// A matrix of weights, `[out, in]`, as products take it. Copies share the numbers.
#[derive(Clone)]
pub(super) enum Matrix {
    Tensor(Tensor<2>),
    /// As its file has it, on the CPU.
    Stored(StoredMatrix),
}

impl Matrix {
    /// Of the two fields that a layer has for it, one of which is there. They are fields of the layer
    /// itself, since training saves a tensor by the names of the fields that lead to it.
    pub fn of(weight: &Option<Param<Tensor<2>>>, stored: &Option<StoredMatrix>) -> Self {
        match (weight, stored) {
            (Some(weight), _) => Matrix::Tensor(weight.val()),
            (None, Some(stored)) => Matrix::Stored(stored.clone()),
            (None, None) => unreachable!("a matrix is a tensor, or stored"),
        }
    }

    pub fn outputs(&self) -> usize {
        match self {
            Matrix::Tensor(tensor) => tensor.dims()[0],
            Matrix::Stored(stored) => stored.shape()[0],
        }
    }

    /// The part that computes these outputs.
    pub fn part(&self, outputs: Range<usize>) -> Self {
        match self {
            Matrix::Tensor(tensor) => Matrix::Tensor(tensor.clone().narrow(0, outputs.start, outputs.len())),
            Matrix::Stored(stored) => Matrix::Stored(stored.part(outputs)),
        }
    }

    /// As a tensor in any case.
    pub fn into_tensor(self, device: &Device) -> Tensor<2> {
        match self {
            Matrix::Tensor(tensor) => tensor,
            Matrix::Stored(stored) => Tensor::from_data(stored.to_f32(), (device, DType::F32)),
        }
    }
}
