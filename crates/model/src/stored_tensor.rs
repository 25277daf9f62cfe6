//! Converts stored numbers to numbers that can be computed with.

use std::ops::Range;
use std::sync::Arc;

use burn::tensor::{AllocationProperty, Bytes, TensorData};
use half::bf16;
use memmap2::Mmap;
use rayon::prelude::*;

use ::gguf::{BlockKind, UNIT, dequantize, unpack};

use crate::Precision;
use crate::device::tensor_dtype;

/// A tensor's bytes as they are stored.
pub(crate) struct Stored<'a> {
    pub storage: BlockKind,
    pub bytes: &'a [u8],
    pub one_was_added: bool,
}

/// Numbers that one task converts: enough to be worth a task, few enough to share a tensor among
/// cores.
const PIECE: usize = 1 << 18;

impl Stored<'_> {
    /// Whether the bytes can be used as they are.
    pub fn is_already(&self, precision: Precision) -> bool {
        let (same, alignment) = match (self.storage, precision.kept()) {
            (BlockKind::F32, Precision::F32) => (true, 4),
            (BlockKind::Bf16, Precision::Bf16) => (true, 2),
            _ => (false, 1),
        };
        let aligned = (self.bytes.as_ptr() as usize).is_multiple_of(alignment);
        same && aligned && !self.one_was_added && cfg!(target_endian = "little")
    }

    /// The mapped bytes themselves as a tensor's data; `range` is their place in the file.
    pub fn mapped(
        &self,
        file: &Arc<Mmap>,
        range: Range<usize>,
        shape: Vec<usize>,
        precision: Precision,
    ) -> TensorData {
        let owner = MappedRange::new(file, range);
        let bytes = Bytes::from_shared(bytes::Bytes::from_owner(owner), AllocationProperty::File);
        TensorData::from_bytes(bytes, shape, tensor_dtype(precision))
    }

    /// A copy in the given type; the error is the index of a number that is not finite.
    pub fn to_data(&self, shape: Vec<usize>, precision: Precision) -> Result<TensorData, usize> {
        let bytes = match precision {
            Precision::F32 | Precision::Tf32 => Bytes::from_elems(self.convert(|value| value)?),
            Precision::Bf16 => Bytes::from_elems(self.convert(bf16::from_f32)?),
        };
        Ok(TensorData::from_bytes(bytes, shape, tensor_dtype(precision)))
    }

    /// For numbers that are used as they are: the error is the index of one that is not finite.
    pub fn check_finite(&self) -> Result<(), usize> {
        let piece_bytes = PIECE / self.storage.block_elements() * self.storage.block_bytes();
        let check = |(piece, bytes): (usize, &[u8])| {
            // All ones in the exponent: no arithmetic is needed to see it.
            let found = match self.storage {
                BlockKind::F16 => first(bytes, |b: [u8; 2]| u16::from_le_bytes(b) & 0x7c00 == 0x7c00),
                BlockKind::Bf16 => first(bytes, |b: [u8; 2]| u16::from_le_bytes(b) & 0x7f80 == 0x7f80),
                BlockKind::F32 => first(bytes, |b: [u8; 4]| {
                    u32::from_le_bytes(b) & 0x7f80_0000 == 0x7f80_0000
                }),
                storage => first_in_blocks(storage, bytes),
            };
            found.map_or(Ok(()), |index| Err(piece * PIECE + index))
        };
        self.bytes.par_chunks(piece_bytes).enumerate().try_for_each(check)
    }

    /// Some of its bytes, which are whole blocks, in f32. Numbers that are not finite stay so.
    pub fn widen(&self, bytes: &[u8], values: &mut [f32]) {
        dequantize(self.storage, bytes, values);
        if self.one_was_added {
            values.iter_mut().for_each(|value| *value -= 1.0);
        }
    }

    fn convert<T: Copy + Default + Send + Sync>(
        &self,
        round: impl Fn(f32) -> T + Sync,
    ) -> Result<Vec<T>, usize> {
        let block_bytes = self.storage.block_bytes();
        let mut converted =
            vec![T::default(); self.bytes.len() / block_bytes * self.storage.block_elements()];
        let (elements, bytes) = (PIECE, PIECE / self.storage.block_elements() * block_bytes);
        let pieces = converted
            .par_chunks_mut(elements)
            .zip(self.bytes.par_chunks(bytes))
            .enumerate();
        pieces.try_for_each_init(Vec::new, |values: &mut Vec<f32>, (piece, (out, bytes))| {
            values.resize(out.len(), 0.0);
            dequantize(self.storage, bytes, values);
            for (index, (out, value)) in out.iter_mut().zip(values.iter()).enumerate() {
                if !value.is_finite() {
                    return Err(piece * PIECE + index);
                }
                *out = round(if self.one_was_added { value - 1.0 } else { *value });
            }
            Ok(())
        })?;
        Ok(converted)
    }
}

fn first<const N: usize>(bytes: &[u8], wrong: impl Fn([u8; N]) -> bool) -> Option<usize> {
    let numbers = bytes.as_chunks::<N>().0;
    // Counted first, since a loop without an early exit processes many numbers at a time.
    let any = numbers.iter().filter(|bytes| wrong(**bytes)).count() > 0;
    any.then(|| numbers.iter().position(|bytes| wrong(*bytes)))
        .flatten()
}

/// The first number of some blocks of integers that is not finite.
fn first_in_blocks(storage: BlockKind, bytes: &[u8]) -> Option<usize> {
    let (mut integers, mut scales, mut minima) = ([0; UNIT], [0.0; UNIT / 16], [0.0; UNIT / 16]);
    let unit_bytes = UNIT / storage.block_elements() * storage.block_bytes();
    for (unit, bytes) in bytes.chunks(unit_bytes).enumerate() {
        unpack(storage, bytes, &mut integers, &mut scales, &mut minima);
        // Integers below 128 times such scales are finite.
        let harmless = |factor: &f32| factor.abs() < 1e36;
        if scales.iter().chain(&minima).all(harmless) {
            continue;
        }
        let mut numbers = [0.0; UNIT];
        let count = bytes.len() / storage.block_bytes() * storage.block_elements();
        dequantize(storage, bytes, &mut numbers[..count]);
        if let Some(index) = numbers[..count].iter().position(|number| !number.is_finite()) {
            return Some(unit * UNIT + index);
        }
    }
    None
}

/// Keeps the file mapped while a tensor uses a part of it.
pub(crate) struct MappedRange {
    file: Arc<Mmap>,
    range: Range<usize>,
}

impl MappedRange {
    pub fn new(file: &Arc<Mmap>, range: Range<usize>) -> Self {
        MappedRange {
            file: Arc::clone(file),
            range,
        }
    }
}

impl AsRef<[u8]> for MappedRange {
    fn as_ref(&self) -> &[u8] {
        &self.file[self.range.clone()]
    }
}
