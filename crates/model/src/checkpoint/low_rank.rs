//! What an adapter of low rank adds to a weight.

use burn::tensor::{Bytes, TensorData};
use half::bf16;
use kernels::{Rounding, Weight, multiply};
use rayon::prelude::*;

use super::{Checkpoint, LowRank, StoredTensor};
use crate::device::tensor_dtype;
use crate::stored_tensor::Stored;
use crate::{Precision, Result};

/// Rows that are merged at a time: what is added to them stays in the cache.
const ROWS: usize = 128;

/// A pair in f32.
struct Pair {
    rank: usize,
    /// B, `[outputs, rank]`.
    up: Vec<f32>,
    /// A the other way round, `[inputs, rank]`.
    down: Vec<f32>,
    scale: f32,
}

impl Checkpoint {
    /// `W + scale B A`, with `W: [outputs, inputs]`, `B: [outputs, rank]`, `A: [rank, inputs]`: what
    /// `merge` of PEFT's `LoraLayer` leaves as the weight (`get_delta_weight` is the product). All is
    /// widened to f32 and summed in it, and rounded once where the weight is wanted in bf16; PEFT
    /// rounds the product too, where the pair is stored in bf16.
    pub(super) fn merged(
        &self,
        name: &str,
        tensor: &StoredTensor,
        pair: &LowRank,
        precision: Precision,
    ) -> Result<TensorData> {
        let numbers = |part: &StoredTensor, of: &str| -> Result<Vec<f32>> {
            let data = self.decode(&format!("{of} of {name}"), part, Precision::F32)?;
            Ok(data.iter::<f32>().collect())
        };
        let rank = pair.down.shape[0];
        let down = transposed(&numbers(&pair.down, "lora_A")?, rank);
        let pair = Pair {
            rank,
            up: numbers(&pair.up, "lora_B")?,
            down,
            scale: pair.scale,
        };
        let bytes = self.in_order(tensor);
        let stored = Stored {
            storage: tensor.storage,
            bytes: &bytes,
            one_was_added: tensor.one_was_added,
        };
        let merged = match precision {
            Precision::F32 | Precision::Tf32 => pair.added_to(&stored, |value| value).map(Bytes::from_elems),
            Precision::Bf16 => pair.added_to(&stored, bf16::from_f32).map(Bytes::from_elems),
        };
        let merged = merged.map_err(|index| self.not_finite(name, tensor, index))?;
        // The numbers have been copied: their pages need not stay.
        self.files[tensor.file].release(tensor.range.clone());
        Ok(TensorData::from_bytes(
            merged,
            tensor.shape.clone(),
            tensor_dtype(precision),
        ))
    }
}

impl Pair {
    /// The sum, row by row; the error is the index of a number that is not finite.
    fn added_to<T: Copy + Default + Send + Sync>(
        &self,
        weight: &Stored<'_>,
        round: impl Fn(f32) -> T + Sync,
    ) -> Result<Vec<T>, usize> {
        let (outputs, inputs) = (self.up.len() / self.rank, self.down.len() / self.rank);
        let row_bytes = weight.bytes.len() / outputs;
        let mut merged = vec![T::default(); outputs * inputs];
        let mut added = vec![0.0; ROWS * inputs];
        let pieces = merged
            .chunks_mut(ROWS * inputs)
            .zip(weight.bytes.chunks(ROWS * row_bytes))
            .zip(self.up.chunks(ROWS * self.rank));
        for (piece, ((merged, bytes), up)) in pieces.enumerate() {
            let added = &mut added[..merged.len()];
            multiply(up, self.rank, Weight::F32(&self.down), Rounding::None, added);
            let rows = merged
                .par_chunks_mut(inputs)
                .zip(bytes.par_chunks(row_bytes))
                .zip(added.par_chunks(inputs))
                .enumerate();
            rows.try_for_each_init(
                Vec::new,
                |values: &mut Vec<f32>, (row, ((merged, bytes), added))| {
                    values.resize(inputs, 0.0);
                    weight.widen(bytes, values);
                    for (column, ((merged, value), added)) in
                        merged.iter_mut().zip(values.iter()).zip(added).enumerate()
                    {
                        let sum = value + self.scale * added;
                        if !sum.is_finite() {
                            return Err((piece * ROWS + row) * inputs + column);
                        }
                        *merged = round(sum);
                    }
                    Ok(())
                },
            )?;
        }
        Ok(merged)
    }
}

/// `[rows, columns]` to `[columns, rows]`.
fn transposed(matrix: &[f32], rows: usize) -> Vec<f32> {
    let columns = matrix.len() / rows;
    let mut turned = Vec::with_capacity(matrix.len());
    for column in 0..columns {
        turned.extend((0..rows).map(|row| matrix[row * columns + column]));
    }
    turned
}
