use burn::tensor::{DType, Tensor, TensorData, Transaction};

use crate::device::{is_cpu, no_numbers, one_line};
use crate::read_counts::note;
use crate::{Result, read_numbers};

/// The numbers of all tensors in f32. Those on a GPU come in one read, for which the device is waited for once.
///
/// # Errors
/// As [`read_numbers`].
pub fn read_all(tensors: Vec<Tensor<2>>) -> Result<Vec<Vec<f32>>> {
    let at_once = tensors.len() > 1 && tensors.iter().all(|tensor| !is_cpu(&tensor.device()));
    if !at_once {
        return tensors.into_iter().map(read_numbers).collect();
    }
    let wide = tensors.into_iter().map(|tensor| match tensor.dtype() {
        DType::F32 => tensor,
        _ => tensor.cast(DType::F32),
    });
    let transaction = wide.fold(Transaction::default(), Transaction::register);
    let read = transaction.try_execute();
    let read: Vec<TensorData> = read.map_err(|error| no_numbers(&one_line(&error.to_string())))?;
    note(read.iter().map(|data| data.bytes().len()).sum());
    let numbers = |data: TensorData| {
        data.try_into_vec()
            .map_err(|error| no_numbers(&one_line(&format!("{error:?}"))))
    };
    read.into_iter().map(numbers).collect()
}
