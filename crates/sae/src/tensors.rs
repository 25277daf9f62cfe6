use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use exchange::{Float, floats};
use memmap2::Mmap;
use results::{Error, Result};
use safetensors::SafeTensors;

use crate::archive;
use crate::entry::Entry;
use crate::matrix::Matrix;

/// The tensors of one mapped file.
pub(crate) struct Tensors {
    path: PathBuf,
    bytes: Mmap,
    entries: BTreeMap<String, Entry>,
}

impl Tensors {
    /// Maps a `.npz` or a `.safetensors` file.
    pub fn open(path: &Path) -> Result<Self> {
        let file = fs_err::File::open(path)?;
        // SAFETY: the file is only read here. Another process that cuts it off while it is mapped would
        // end this one, as with every model file.
        let bytes = unsafe { Mmap::map(&file) }?;
        let entries = match path.extension().is_some_and(|extension| extension == "npz") {
            true => archive::arrays(&bytes),
            false => tensors(&bytes),
        };
        Ok(Tensors {
            entries: entries.map_err(|message| Error::invalid(path, message))?,
            path: path.to_owned(),
            bytes,
        })
    }

    /// Gives the tensors other names.
    pub fn renamed(mut self, name: impl Fn(&str) -> String) -> Self {
        self.entries = std::mem::take(&mut self.entries)
            .into_iter()
            .map(|(old, entry)| (name(&old), entry))
            .collect();
        self
    }

    pub fn invalid(&self, message: impl Into<String>) -> Error {
        Error::invalid(&self.path, message.into())
    }

    /// Whether there is such a tensor.
    pub fn has(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Refuses tensors that are not among the known ones.
    pub fn check_names(&self, known: &[&str]) -> Result<()> {
        match self.entries.keys().find(|name| !known.contains(&name.as_str())) {
            Some(name) => Err(self.invalid(format!(
                "it has a tensor `{name}`, which an autoencoder of this kind does not have ({}); it may be of a kind that is \
                 not read, such as a transcoder",
                known.join(", ")
            ))),
            None => Ok(()),
        }
    }

    /// The sizes of a matrix.
    pub fn matrix_shape(&self, name: &str) -> Result<[usize; 2]> {
        match *self.entry(name)?.shape.as_slice() {
            [rows, columns] if rows > 0 && columns > 0 => Ok([rows, columns]),
            ref shape => Err(self.invalid(format!(
                "tensor `{name}` has the shape {shape:?}, and is to be a matrix; is this an autoencoder for one place? One for \
                 several layers is not read"
            ))),
        }
    }

    /// A matrix of a known shape.
    pub fn matrix(&self, name: &str, shape: [usize; 2]) -> Result<Matrix<'_>> {
        let entry = self.shaped(name, &shape)?;
        Ok(Matrix {
            bytes: &self.bytes[entry.bytes.clone()],
            kind: entry.kind,
            rows: shape[0],
            columns: shape[1],
            columns_first: entry.columns_first,
        })
    }

    /// A vector of a known length, all of whose numbers are finite.
    pub fn vector(&self, name: &str, length: usize) -> Result<Vec<f32>> {
        let entry = self.shaped(name, &[length])?;
        let values = floats(&self.bytes[entry.bytes.clone()], entry.kind);
        match values.iter().position(|value| !value.is_finite()) {
            Some(place) => Err(self.invalid(format!(
                "tensor `{name}` holds numbers that are not finite (number {place} is {}); download it again",
                values[place]
            ))),
            None => Ok(values),
        }
    }

    /// All numbers of a tensor, whatever its shape.
    pub fn numbers(&self, name: &str) -> Result<Vec<f32>> {
        let entry = self.entry(name)?;
        Ok(floats(&self.bytes[entry.bytes.clone()], entry.kind))
    }

    fn shaped(&self, name: &str, shape: &[usize]) -> Result<&Entry> {
        let entry = self.entry(name)?;
        match entry.shape == shape {
            true => Ok(entry),
            false => Err(self.invalid(format!(
                "tensor `{name}` has the shape {:?}, and {shape:?} is what the others ask for; the file is of another kind, or \
                 broken",
                entry.shape
            ))),
        }
    }

    fn entry(&self, name: &str) -> Result<&Entry> {
        self.entries.get(name).ok_or_else(|| {
            let names: Vec<&str> = self.entries.keys().map(String::as_str).collect();
            self.invalid(format!(
                "the tensor `{name}` is missing (there are: {}); is this an autoencoder of the kind that its folder says?",
                names.join(", ")
            ))
        })
    }
}

/// Those of a safetensors file.
fn tensors(bytes: &[u8]) -> std::result::Result<BTreeMap<String, Entry>, String> {
    let file = SafeTensors::deserialize(bytes).map_err(|error| {
        format!("this isn't a safetensors file: {error}; was it cut off? download it again")
    })?;
    let start = |data: &[u8]| data.as_ptr() as usize - bytes.as_ptr() as usize;
    let entry = |(name, tensor): (String, safetensors::tensor::TensorView<'_>)| {
        let kind = Float::of(tensor.dtype()).ok_or_else(|| {
            format!(
                "tensor `{name}` is of type {:?}, and autoencoders are F16, BF16, F32 or F64; save it again with `.float()`",
                tensor.dtype()
            )
        })?;
        let first = start(tensor.data());
        let entry = Entry {
            kind,
            shape: tensor.shape().to_vec(),
            columns_first: false,
            bytes: first..first + tensor.data().len(),
        };
        Ok((name, entry))
    };
    file.tensors().into_iter().map(entry).collect()
}
