//! A matrix in the form in which its file holds it.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use ::gguf::{BlockKind, dequantize};
use burn::tensor::TensorData;
use bytes::Bytes;
use kernels::Weight;
use memmap2::Mmap;

use crate::stored_tensor::MappedRange;

/// `[outputs, inputs]`, row by row in blocks, as the mapped file has them: its pages are read when the
/// matrix is used, and dropped when memory is short. Only where the rows have another order than in the
/// file it is a copy of the blocks.
#[derive(Clone)]
pub(crate) struct StoredMatrix {
    kind: BlockKind,
    shape: [usize; 2],
    bytes: Bytes,
}

impl StoredMatrix {
    pub fn mapped(kind: BlockKind, shape: [usize; 2], file: &Arc<Mmap>, range: Range<usize>) -> Self {
        let owner = MappedRange::new(file, range);
        StoredMatrix {
            kind,
            shape,
            bytes: Bytes::from_owner(owner),
        }
    }

    pub fn copied(kind: BlockKind, shape: [usize; 2], bytes: Vec<u8>) -> Self {
        StoredMatrix {
            kind,
            shape,
            bytes: bytes.into(),
        }
    }

    pub fn shape(&self) -> [usize; 2] {
        self.shape
    }

    pub fn weight(&self) -> Weight<'_> {
        Weight::Blocks {
            kind: self.kind,
            bytes: &self.bytes,
        }
    }

    /// The part that has these outputs.
    pub fn part(&self, outputs: Range<usize>) -> Self {
        let row_bytes = self.bytes.len() / self.shape[0];
        StoredMatrix {
            kind: self.kind,
            shape: [outputs.len(), self.shape[1]],
            bytes: self
                .bytes
                .slice(outputs.start * row_bytes..outputs.end * row_bytes),
        }
    }

    /// Some rows in f32, in the order of `rows`.
    pub fn rows(&self, rows: impl ExactSizeIterator<Item = usize>) -> TensorData {
        let [outputs, inputs] = self.shape;
        let row_bytes = self.bytes.len() / outputs;
        let shape = [rows.len(), inputs];
        let mut numbers = vec![0.0; rows.len() * inputs];
        for (numbers, row) in numbers.chunks_mut(inputs).zip(rows) {
            dequantize(self.kind, &self.bytes[row * row_bytes..][..row_bytes], numbers);
        }
        TensorData::new(numbers, shape)
    }

    /// All of it in f32.
    pub fn to_f32(&self) -> TensorData {
        self.rows(0..self.shape[0])
    }
}

/// Without the numbers.
impl fmt::Debug for StoredMatrix {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:?} in {}", self.shape, self.kind)
    }
}

/// What a checkpoint hands out.
pub(crate) enum Weights {
    /// Numbers that can be computed with.
    Numbers(TensorData),
    /// A matrix as it is stored.
    Stored(StoredMatrix),
}

impl Weights {
    /// As numbers in any case: those of a stored matrix in f32.
    pub fn into_numbers(self) -> TensorData {
        match self {
            Weights::Numbers(numbers) => numbers,
            Weights::Stored(matrix) => matrix.to_f32(),
        }
    }
}
