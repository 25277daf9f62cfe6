use std::ops::Range;

use burn::module::Param;
use burn::tensor::{DType, Device, Tensor, TensorData};

use super::functions::to_dtype;
use crate::checkpoint::Form;
use crate::device::{is_cpu, one_line, require_room};
use crate::stored_matrix::{StoredMatrix, Weights};
use crate::{Error, ModelConfig, Precision, Result};

/// Where weights come from: a tensor's name in the checkpoint and its shape, to its numbers.
pub type TensorSource<'a> = dyn FnMut(&str, &[usize]) -> Result<TensorData> + 'a;

/// The same, where matrices may stay as they are stored.
pub(super) type WeightSource<'a> = dyn FnMut(&str, &[usize]) -> Result<Weights> + 'a;

/// Some rows of a table in the checkpoint, by its name and shape.
pub(super) type RowSource<'a> = dyn Fn(&str, [usize; 2], Range<usize>) -> Result<TensorData> + 'a;

/// A matrix of weights, `[out, in]`: one of both.
pub(super) type Loaded = (Option<Param<Tensor<2>>>, Option<StoredMatrix>);

/// Turns named tensors of the source into parameters, in the type that the source gives them.
pub(super) struct Loader<'a, 'b> {
    pub(super) config: &'a ModelConfig,
    pub(super) device: &'a Device,
    pub(super) precision: Precision,
    pub(super) source: &'a mut WeightSource<'b>,
    /// `None` where only whole tensors can be had.
    pub(super) rows: Option<&'a RowSource<'b>>,
    /// Bytes of the largest tensor that the device can be given; `None` where there is no such limit.
    pub(super) largest: Option<u64>,
    pub(super) ends: Ends,
}

impl Loader<'_, '_> {
    /// The tensor with this name in the checkpoint, which must have this shape.
    pub(super) fn tensor<const D: usize>(
        &mut self,
        name: &str,
        shape: [usize; D],
    ) -> Result<Param<Tensor<D>>> {
        let data = (self.source)(name, &shape)?.into_numbers();
        self.parameter(name, data)
    }

    /// A matrix, as it is stored where the source gives it so.
    pub(super) fn matrix(&mut self, name: &str, shape: [usize; 2]) -> Result<Loaded> {
        Ok(match (self.source)(name, &shape)? {
            Weights::Numbers(data) => (Some(self.parameter(name, data)?), None),
            Weights::Stored(matrix) => (None, Some(matrix)),
        })
    }

    /// A table that the device can't be given at once, in parts that it can: rows in their order, equally many in all parts but
    /// the last. They are read one after the other. None where it can be given the whole table.
    pub(super) fn parts(&mut self, name: &str, shape: [usize; 2]) -> Result<Vec<Param<Tensor<2>>>> {
        let (Some(read), Some(largest)) = (self.rows, self.largest) else {
            return Ok(Vec::new());
        };
        let at_once = rows_at_once(shape, self.precision.kept().size(), largest);
        if at_once >= shape[0] {
            return Ok(Vec::new());
        }
        let parts = (0..shape[0]).step_by(at_once).map(|first| {
            let rows = read(name, shape, first..shape[0].min(first + at_once))?;
            self.parameter(name, rows)
        });
        parts.collect()
    }

    fn parameter<const D: usize>(&mut self, name: &str, data: TensorData) -> Result<Param<Tensor<D>>> {
        let (dtype, device) = (data.dtype(), self.device);
        if is_cpu(device) {
            return Ok(Param::from_tensor(Tensor::from_data(data, (device, dtype))));
        }
        require_room(self.largest, name, data.bytes().len())?;
        let size = dtype.size();
        let end = data.bytes()[data.bytes().len() - size..].to_vec();
        // In memory of its own: pools that serve many tensors have limits, and what is too large for them is missing
        // without a word.
        let tensor: Tensor<D> =
            device.memory_persistent_allocations(data, |data| Tensor::from_data(data, (device, dtype)));
        self.ends.keep(name, &tensor, end);
        Ok(Param::from_tensor(tensor))
    }

    /// Some tensors as one, the first dimension of one after that of the other: names, and how long that is. `width` is the
    /// second dimension of matrices.
    fn joined<const D: usize>(
        &mut self,
        parts: &[(String, usize)],
        width: &[usize],
    ) -> Result<Param<Tensor<D>>> {
        let (mut bytes, mut length, mut dtype) = (Vec::new(), 0, DType::F32);
        for (name, part) in parts {
            let data = (self.source)(name, &[&[*part], width].concat())?.into_numbers();
            dtype = data.dtype();
            bytes.extend_from_slice(data.bytes());
            length += part;
        }
        let shape = [&[length], width].concat();
        self.parameter(&parts[0].0, TensorData::from_bytes_vec(bytes, shape, dtype))
    }

    /// Whether the device can be given a matrix with so many outputs of the residual stream at once.
    pub(super) fn fits(&self, outputs: usize) -> bool {
        let bytes = outputs * self.config.hidden_size * self.precision.kept().size();
        self.largest.is_none_or(|largest| bytes as u64 <= largest)
    }

    /// Matrices of the same inputs as one: names and numbers of outputs.
    pub(super) fn joined_matrices(
        &mut self,
        parts: &[(String, usize)],
        inputs: usize,
    ) -> Result<Param<Tensor<2>>> {
        self.joined(parts, &[inputs])
    }

    /// The same of vectors.
    pub(super) fn joined_vectors(&mut self, parts: &[(String, usize)]) -> Result<Param<Tensor<1>>> {
        self.joined(parts, &[])
    }

    /// A vector plus a number, in f32.
    pub(super) fn wide_vector(&mut self, name: &str, size: usize, offset: f32) -> Result<Param<Tensor<1>>> {
        let data = (self.source)(name, &[size])?.into_numbers();
        let numbers = data.iter::<f32>().map(|number| offset + number).collect();
        self.parameter(name, TensorData::new::<f32, _>(numbers, [size]))
    }

    /// The vector of a norm or a bias. The CPU computes with it in f32, and keeps it so.
    pub(super) fn vector(&mut self, name: &str, size: usize) -> Result<Param<Tensor<1>>> {
        let vector = self.tensor(name, [size])?;
        if !is_cpu(self.device) {
            return Ok(vector);
        }
        Ok(Param::from_tensor(to_dtype(vector.val(), DType::F32)))
    }
}

/// As many rows of a table as `largest` bytes hold, one at least.
fn rows_at_once(shape: [usize; 2], number: usize, largest: u64) -> usize {
    let row = (shape[1] * number).max(1) as u64;
    usize::try_from(largest / row).map_or(shape[0], |rows| rows.clamp(1, shape[0].max(1)))
}

/// The last number of each tensor that was given to a device. Where an allocation fails there, nothing says so until a
/// kernel reads what isn't there: reading the ends back shows it.
#[derive(Default)]
pub(super) struct Ends(Vec<(String, Tensor<1>, Vec<u8>)>);

impl Ends {
    fn keep<const D: usize>(&mut self, name: &str, tensor: &Tensor<D>, end: Vec<u8>) {
        let count = tensor.shape().num_elements();
        let last = tensor.clone().reshape([count]).narrow(0, count - 1, 1);
        self.0.push((name.to_owned(), last, end));
    }

    /// # Errors
    /// Names the first tensor whose end is not what it was, with burn's reason where it has one.
    pub fn check(self) -> Result<()> {
        for (name, found, end) in self.0 {
            let wrong = match found.try_into_data() {
                Ok(found) if found.bytes()[..] == end[..] => continue,
                Ok(_) => "other numbers are there".to_owned(),
                Err(error) => one_line(&error.to_string()),
            };
            return Err(Error::Request(format!(
                "tensor `{name}` could not be loaded onto the device: {wrong}; end other programs that use it, or set \
                 model.device = \"cpu\""
            )));
        }
        Ok(())
    }
}

/// On the CPU large matrices stay as they are stored, that is, in the file; other devices
/// get the type they compute in.
pub(super) fn weight_form_for(device: &Device, precision: Precision) -> Form {
    if is_cpu(device) {
        Form::StoredOr(precision)
    } else {
        Form::In(precision.kept())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_has_the_rows_that_fit_and_one_at_least() {
        assert_eq!(rows_at_once([10, 4], 4, 159), 9);
        assert_eq!(rows_at_once([10, 4], 4, 160), 10);
        assert_eq!(rows_at_once([10, 4], 2, 79), 9);
        assert_eq!(rows_at_once([10, 4], 4, u64::MAX), 10);
        assert_eq!(rows_at_once([10, 4], 4, 3), 1);
        // Gemma 3 270M's on a device with 128 MiB at once: five parts of 52,428 rows, and four rows.
        assert_eq!(rows_at_once([262_144, 640], 4, 128 << 20), 52_428);
    }
}
