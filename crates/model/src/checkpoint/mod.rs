//! The weights of a model in mapped files, whatever the format.

mod adapted;
mod fused;
mod gguf;
mod head;
mod low_rank;
mod names;
mod safetensors;

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use burn::tensor::TensorData;
use memmap2::{Advice, Mmap, UncheckedAdvice};

use ::gguf::BlockKind;

use crate::stored_matrix::{StoredMatrix, Weights};
use crate::stored_tensor::Stored;
use crate::{Error, ModelConfig, Precision, Result};

/// The weights of a model, by their Hugging Face names. Files are mapped, and read when a tensor is
/// asked for; what can be used as it is stored is never copied.
pub struct Checkpoint {
    files: Vec<MappedFile>,
    tensors: BTreeMap<String, StoredTensor>,
    /// Tensors that do not belong to a language model and are not used for generation.
    left_out: Vec<String>,
    /// The file of an adapter that was put on, by its place in `files`.
    adapter: Option<usize>,
}

struct MappedFile {
    path: PathBuf,
    bytes: Arc<Mmap>,
}

#[derive(Clone)]
struct StoredTensor {
    file: usize,
    storage: BlockKind,
    /// Row by row, as Hugging Face has it.
    shape: Vec<usize>,
    range: Range<usize>,
    /// GGUF files hold `1 + w` for the weights of some norms.
    one_was_added: bool,
    /// GGUF files of some families hold the rows of this many heads with the halves of each
    /// interleaved.
    interleaved_heads: Option<usize>,
    /// What an adapter adds to it.
    low_rank: Option<Box<LowRank>>,
}

/// A pair of matrices whose product is added to a weight `[outputs, inputs]`, scaled.
#[derive(Clone)]
struct LowRank {
    /// A, `[rank, inputs]`.
    down: StoredTensor,
    /// B, `[outputs, rank]`.
    up: StoredTensor,
    scale: f32,
}

/// How a tensor's numbers are handed out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Form {
    /// In this type.
    In(Precision),
    /// As stored where the tensor is a matrix that products take so, otherwise in this type: in bf16,
    /// in blocks of integers, and in f16 where f32 is asked for. Widening them is exact, so it can as
    /// well be done when the matrix is used.
    StoredOr(Precision),
}

/// What becomes of a tensor's numbers in a form.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// Numbers of this type.
    Numbers(Precision),
    /// A [`StoredMatrix`].
    Stored,
}

impl Checkpoint {
    fn empty() -> Self {
        Checkpoint {
            files: Vec::new(),
            tensors: BTreeMap::new(),
            left_out: Vec::new(),
            adapter: None,
        }
    }

    /// The files of the weights, that of an adapter last.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.files.iter().map(|file| file.path.as_path())
    }

    /// Classifier heads in the files, which do not belong to a language model.
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Bytes of all tensors, as stored.
    pub fn size(&self) -> usize {
        self.tensors.values().map(StoredTensor::size).sum()
    }

    /// The type that the weights are meant to be computed in: bf16 where all matrices are stored
    /// so, else f32. An adapter has no say in it: it is made for the type of its base.
    pub fn stored_precision(&self) -> Precision {
        let of_base = |tensor: &&StoredTensor| Some(tensor.file) != self.adapter;
        let matrices = self.tensors.values().filter(of_base);
        let mut matrices = matrices.filter(|tensor| tensor.shape.len() > 1);
        if matrices.all(|tensor| tensor.storage == BlockKind::Bf16) {
            Precision::Bf16
        } else {
            Precision::F32
        }
    }

    /// Bytes in memory once all tensors have been handed out in this form.
    pub(crate) fn size_in(&self, form: Form) -> usize {
        self.tensors.values().map(|tensor| tensor.size_in(form)).sum()
    }

    /// How products on the CPU take a matrix, and a tensor's bytes in memory there. None without the tensor.
    pub(crate) fn in_memory(&self, name: &str, precision: Precision) -> Option<(kernels::Stored, usize)> {
        let (tensor, form) = (self.tensors.get(name)?, Form::StoredOr(precision));
        let stored = match tensor.outcome(form) {
            Outcome::Numbers(Precision::F32 | Precision::Tf32) => kernels::Stored::F32,
            Outcome::Numbers(Precision::Bf16) => kernels::Stored::Bf16,
            // Those of halves become f32 in products.
            Outcome::Stored if tensor.storage.group().is_none() => kernels::Stored::F32,
            Outcome::Stored => kernels::Stored::Blocks,
        };
        Some((stored, tensor.size_in(form)))
    }

    /// Those of them that are copies, rather than pages of the files.
    pub(crate) fn copied_size_in(&self, form: Form) -> usize {
        let copied = |tensor: &&StoredTensor| !self.is_mapped(tensor, form);
        let copied = self.tensors.values().filter(copied);
        copied.map(|tensor| tensor.size_in(form)).sum()
    }

    /// Makes the tensors those that the network of a configuration asks for, and compares them with
    /// it: fused products become several, weights without use are left out, and which head is used
    /// is settled in the configuration.
    ///
    /// # Errors
    /// Names the first tensor that is missing, misshaped or left over, and a head that contradicts
    /// the configuration.
    pub fn fit(&mut self, config: &mut ModelConfig) -> Result<()> {
        self.split_fused(config)?;
        self.leave_out_unused(config);
        self.settle_head(config)?;
        self.check(config)
    }

    /// Compares names and shapes with those of the network that a configuration describes: none
    /// missing, none misshaped, none left over. Reads no number.
    ///
    /// # Errors
    /// Names the first tensor that is missing, misshaped or left over.
    pub fn check(&self, config: &ModelConfig) -> Result<()> {
        let expected = config.tensors();
        for (name, shape) in &expected {
            self.tensor(name, shape)?;
        }
        let expected: BTreeSet<&String> = expected.iter().map(|(name, _)| name).collect();
        let unused: Vec<(&String, &StoredTensor)> = self
            .tensors
            .iter()
            .filter(|(name, _)| !expected.contains(name))
            .collect();
        let Some((name, tensor)) = unused.first() else {
            return Ok(());
        };
        let count = unused.len();
        let message = format!(
            "tensor `{name}` has no place in the network ({count} such in all); does config.json belong to these weights?"
        );
        Err(Error::file(&self.files[tensor.file].path, message))
    }

    /// A whole tensor. Numbers that are not finite are an error.
    pub(crate) fn read(&self, name: &str, shape: &[usize], form: Form) -> Result<Weights> {
        let tensor = self.tensor(name, shape)?;
        match (tensor.outcome(form), &tensor.low_rank) {
            (Outcome::Stored, _) => self.as_stored(name, tensor).map(Weights::Stored),
            (Outcome::Numbers(precision), Some(pair)) => {
                self.merged(name, tensor, pair, precision).map(Weights::Numbers)
            }
            (Outcome::Numbers(precision), None) => self.decode(name, tensor, precision).map(Weights::Numbers),
        }
    }

    /// Some rows of a matrix, in the order of `rows`, each below `shape[0]`: the rest of it is
    /// not read. They are the numbers that a whole matrix in this form would have, in f32 where it
    /// stays as it is stored in blocks. Only for tables of embeddings, to which no adapter adds
    /// anything.
    pub(crate) fn read_rows(
        &self,
        name: &str,
        shape: [usize; 2],
        rows: &[u32],
        form: Form,
    ) -> Result<TensorData> {
        let tensor = self.tensor(name, &shape)?;
        let precision = match tensor.outcome(form) {
            Outcome::Numbers(precision) => precision,
            Outcome::Stored => Precision::F32,
        };
        let row_bytes = tensor.range.len() / shape[0];
        let mut bytes = Vec::with_capacity(rows.len() * row_bytes);
        for row in rows {
            let first = tensor.range.start + *row as usize * row_bytes;
            bytes.extend_from_slice(&self.files[tensor.file].bytes[first..first + row_bytes]);
        }
        let stored = Stored {
            storage: tensor.storage,
            bytes: &bytes,
            one_was_added: tensor.one_was_added,
        };
        let converted = stored.to_data(vec![rows.len(), shape[1]], precision);
        converted.map_err(|index| self.not_finite(name, tensor, index))
    }

    /// Rows of a table that follow each other; their pages need not stay.
    pub(crate) fn read_range(
        &self,
        name: &str,
        shape: [usize; 2],
        rows: Range<usize>,
        form: Form,
    ) -> Result<TensorData> {
        let rows: Vec<u32> = rows.map(|row| row as u32).collect();
        let data = self.read_rows(name, shape, &rows, form)?;
        self.release(name);
        Ok(data)
    }

    fn decode(&self, name: &str, tensor: &StoredTensor, precision: Precision) -> Result<TensorData> {
        let (range, shape) = (tensor.range.clone(), tensor.shape.clone());
        let file = &self.files[tensor.file];
        let bytes = self.in_order(tensor);
        let stored = Stored {
            storage: tensor.storage,
            bytes: &bytes,
            one_was_added: tensor.one_was_added,
        };
        let data = if matches!(bytes, Cow::Borrowed(_)) && stored.is_already(precision) {
            stored
                .check_finite()
                .map(|()| stored.mapped(&file.bytes, range.clone(), shape, precision))
        } else {
            let converted = stored.to_data(shape, precision);
            // The numbers have been copied: their pages need not stay.
            file.release(range);
            converted
        };
        data.map_err(|index| self.not_finite(name, tensor, index))
    }

    /// A matrix in its blocks, which are read to check them.
    fn as_stored(&self, name: &str, tensor: &StoredTensor) -> Result<StoredMatrix> {
        let file = &self.files[tensor.file];
        let bytes = self.in_order(tensor);
        let stored = Stored {
            storage: tensor.storage,
            bytes: &bytes,
            one_was_added: tensor.one_was_added,
        };
        let wrong = |index| self.not_finite(name, tensor, index);
        stored.check_finite().map_err(wrong)?;
        let (kind, shape) = (tensor.storage, [tensor.shape[0], tensor.shape[1]]);
        Ok(match bytes {
            Cow::Borrowed(_) => StoredMatrix::mapped(kind, shape, &file.bytes, tensor.range.clone()),
            Cow::Owned(bytes) => {
                file.release(tensor.range.clone());
                StoredMatrix::copied(kind, shape, bytes)
            }
        })
    }

    /// Whether a tensor's numbers in this form are pages of its file.
    fn is_mapped(&self, tensor: &StoredTensor, form: Form) -> bool {
        let stored = Stored {
            storage: tensor.storage,
            bytes: &self.files[tensor.file].bytes[tensor.range.clone()],
            one_was_added: tensor.one_was_added,
        };
        let as_stored = match tensor.outcome(form) {
            Outcome::Stored => true,
            Outcome::Numbers(precision) => stored.is_already(precision),
        };
        as_stored && tensor.low_rank.is_none() && tensor.interleaved_heads.is_none()
    }

    /// The bytes of a tensor with its rows where Hugging Face has them.
    fn in_order(&self, tensor: &StoredTensor) -> Cow<'_, [u8]> {
        let bytes = &self.files[tensor.file].bytes[tensor.range.clone()];
        let ordered = tensor
            .interleaved_heads
            .and_then(|heads| halves_together(bytes, tensor.shape[0], heads));
        ordered.map_or(Cow::Borrowed(bytes), Cow::Owned)
    }

    fn tensor(&self, name: &str, shape: &[usize]) -> Result<&StoredTensor> {
        let Some(tensor) = self.tensors.get(name) else {
            let first = self.files.first().map_or(Path::new(""), |file| &file.path);
            let message =
                format!("tensor `{name}` is missing; is this a whole checkpoint that fits config.json?");
            return Err(Error::file(first, message));
        };
        if tensor.shape != shape {
            let message = format!(
                "tensor `{name}` has the shape {:?}, but config.json asks for {shape:?}",
                tensor.shape
            );
            return Err(Error::file(&self.files[tensor.file].path, message));
        }
        Ok(tensor)
    }

    fn not_finite(&self, name: &str, tensor: &StoredTensor, index: usize) -> Error {
        let message = format!(
            "tensor `{name}` holds a number that is not finite (element {index}); the weights are broken"
        );
        Error::file(&self.files[tensor.file].path, message)
    }

    /// Asks the system to read the tensors whose names begin so, ahead of their use.
    pub(crate) fn prefetch(&self, prefix: &str) {
        for tensor in self.with_prefix(prefix).flat_map(StoredTensor::parts) {
            let bytes = &self.files[tensor.file].bytes;
            // Ignored advice costs only speed.
            let _ = bytes.advise_range(Advice::WillNeed, tensor.range.start, tensor.range.len());
        }
    }

    /// Releases the pages of the tensors whose names begin so; they are read again if they are
    /// used again.
    pub(crate) fn release(&self, prefix: &str) {
        for tensor in self.with_prefix(prefix).flat_map(StoredTensor::parts) {
            self.files[tensor.file].release(tensor.range.clone());
        }
    }

    pub(crate) fn size_of(&self, prefix: &str) -> usize {
        self.with_prefix(prefix).map(StoredTensor::size).sum()
    }

    fn with_prefix<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a StoredTensor> {
        let found = self.tensors.range(prefix.to_owned()..);
        found
            .take_while(move |(name, _)| name.starts_with(prefix))
            .map(|(_, tensor)| tensor)
    }
}

/// The bytes of `rows` rows in which the first and the second half of each head are together again:
/// llama.cpp's converter puts row i of the first half before row i of the second. `None` where the
/// rows are not those of so many heads.
fn halves_together(bytes: &[u8], rows: usize, heads: usize) -> Option<Vec<u8>> {
    let size = rows
        .checked_div(heads)
        .filter(|size| size * heads == rows && size % 2 == 0)?;
    let row_bytes = bytes.len() / rows.max(1);
    let mut ordered = Vec::with_capacity(bytes.len());
    for row in 0..rows {
        let (head, place) = (row / size, row % size);
        let (half, pair) = (place / (size / 2), place % (size / 2));
        let from = head * size + 2 * pair + half;
        ordered.extend_from_slice(&bytes[from * row_bytes..(from + 1) * row_bytes]);
    }
    Some(ordered)
}

impl StoredTensor {
    fn count(&self) -> usize {
        self.shape.iter().product()
    }

    /// Itself, and what an adapter adds to it.
    fn parts(&self) -> impl Iterator<Item = &StoredTensor> {
        let pair = self.low_rank.iter().flat_map(|pair| [&pair.down, &pair.up]);
        std::iter::once(self).chain(pair)
    }

    /// Bytes in the files.
    fn size(&self) -> usize {
        self.parts().map(|part| part.range.len()).sum()
    }

    /// Bytes in memory in this form.
    fn size_in(&self, form: Form) -> usize {
        match self.outcome(form) {
            Outcome::Numbers(precision) => precision.size() * self.count(),
            Outcome::Stored => self.range.len(),
        }
    }

    /// What an adapter changes is stored nowhere, so that nothing of a sum in f32 is lost without need.
    fn outcome(&self, form: Form) -> Outcome {
        let is_as_stored = self.shape.len() == 2 && self.low_rank.is_none() && !self.one_was_added;
        match (form, self.storage) {
            (Form::StoredOr(_), BlockKind::Bf16) if is_as_stored => Outcome::Numbers(Precision::Bf16),
            (Form::StoredOr(Precision::F32), BlockKind::F16) if is_as_stored => Outcome::Stored,
            (Form::StoredOr(_), storage) if is_as_stored && storage.group().is_some() => Outcome::Stored,
            (Form::In(precision) | Form::StoredOr(precision), _) => Outcome::Numbers(precision),
        }
    }
}

impl MappedFile {
    fn release(&self, range: Range<usize>) {
        // SAFETY: the mapping is of a file and never written to, so that dropped pages come back
        // from the file with the same content.
        let _ = unsafe {
            self.bytes
                .unchecked_advise_range(UncheckedAdvice::DontNeed, range.start, range.len())
        };
    }
}

pub(crate) fn map(path: &Path) -> Result<Mmap> {
    let file = fs_err::File::open(path)?;
    // SAFETY: the mapping is only read. If another process truncates the file meanwhile, reading
    // it ends this process, as any program that maps files accepts.
    unsafe { Mmap::map(file.file()) }.map_err(|error| Error::file(path, error.to_string()))
}
