use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::functions::to_dtype;
use crate::checkpoint::Form;
use crate::stored_matrix::{StoredMatrix, Weights};
use crate::{ModelConfig, Precision, Result};

/// Where weights come from: a tensor's name in the checkpoint and its shape, to its numbers.
pub type TensorSource<'a> = dyn FnMut(&str, &[usize]) -> Result<TensorData> + 'a;

/// The same, where matrices may stay as they are stored.
pub(super) type WeightSource<'a> = dyn FnMut(&str, &[usize]) -> Result<Weights> + 'a;

/// A matrix of weights, `[out, in]`: one of both.
pub(super) type Loaded = (Option<Param<Tensor<2>>>, Option<StoredMatrix>);

/// Turns named tensors of the source into parameters, in the type that the source gives them.
pub(super) struct Loader<'a, 'b> {
    pub(super) config: &'a ModelConfig,
    pub(super) device: &'a Device,
    pub(super) precision: Precision,
    pub(super) source: &'a mut WeightSource<'b>,
}

impl Loader<'_, '_> {
    /// The tensor with this name in the checkpoint, which must have this shape.
    pub(super) fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Param<Tensor<D>>> {
        let data = (self.source)(name, &shape)?.into_numbers();
        Ok(self.parameter(data))
    }

    /// A matrix, as it is stored where the source gives it so.
    pub(super) fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Loaded> {
        Ok(match (self.source)(name, &shape)? {
            Weights::Numbers(data) => (Some(self.parameter(data)), None),
            Weights::Stored(matrix) => (None, Some(matrix)),
        })
    }

    fn parameter<const D: usize>(&self, data: TensorData) -> Param<Tensor<D>> {
        let dtype = data.dtype();
        Param::from_tensor(Tensor::from_data(data, (self.device, dtype)))
    }

    /// The vector of a norm or a bias. The CPU computes with it in f32, and keeps it so.
    pub(super) fn vector(&mut self, name: &str, size: usize) -> Result<Param<Tensor<1>>> {
        let vector = self.tensor(name, [size])?;
        if *self.device != Device::flex() {
            return Ok(vector);
        }
        Ok(Param::from_tensor(to_dtype(vector.val(), DType::F32)))
    }
}

/// On the CPU large matrices stay as they are stored, that is, in the file; other devices
/// get the type they compute in.
pub(super) fn weight_form_for(device: &Device, precision: Precision) -> Form {
    if *device == Device::flex() {
        Form::StoredOr(precision)
    } else {
        Form::In(precision)
    }
}
