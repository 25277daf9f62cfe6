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
    /// In the order of outputs, for devices that can't be given all at once.
    Parts(Vec<Tensor<2>>),
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
            Matrix::Parts(parts) => parts.iter().map(|part| part.dims()[0]).sum(),
        }
    }

    /// The part that computes these outputs.
    pub fn part(&self, outputs: Range<usize>) -> Self {
        match self {
            Matrix::Tensor(tensor) => Matrix::Tensor(tensor.clone().narrow(0, outputs.start, outputs.len())),
            Matrix::Stored(stored) => Matrix::Stored(stored.part(outputs)),
            Matrix::Parts(parts) => Matrix::Parts(narrowed(parts, outputs)),
        }
    }

    /// As a tensor in any case.
    pub fn into_tensor(self, device: &Device) -> Tensor<2> {
        match self {
            Matrix::Tensor(tensor) => tensor,
            Matrix::Stored(stored) => Tensor::from_data(stored.to_f32(), (device, DType::F32)),
            Matrix::Parts(parts) => Tensor::cat(parts, 0),
        }
    }
}

/// What is in `outputs` of each part that has some of them.
fn narrowed(parts: &[Tensor<2>], outputs: Range<usize>) -> Vec<Tensor<2>> {
    let mut first = 0;
    let inside = parts.iter().filter_map(|part| {
        let own = first..first + part.dims()[0];
        first = own.end;
        let (start, end) = (outputs.start.max(own.start), outputs.end.min(own.end));
        (start < end).then(|| part.clone().narrow(0, start - own.start, end - start))
    });
    inside.collect()
}
