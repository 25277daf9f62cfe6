use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Path, PathBuf};

use burn::tensor::{Bytes, TensorData};
use half::bf16;
use memmap2::Mmap;
use safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use crate::{Error, Precision, Result};

/// The weights of a Hugging Face folder: `model.safetensors`, or the shards that
/// `model.safetensors.index.json` names. Files are mapped, and read when a tensor is asked for.
pub struct Checkpoint {
    shards: Vec<Shard>,
    tensors: BTreeMap<String, Location>,
}

struct Shard {
    path: PathBuf,
    bytes: Mmap,
}

struct Location {
    shard: usize,
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    pub fn open(folder: &Path) -> Result<Self> {
        let index_path = folder.join("model.safetensors.index.json");
        if !index_path.exists() {
            let path = folder.join("model.safetensors");
            if !path.exists() {
                return Err(Error::file(
                    folder,
                    "there is neither model.safetensors nor model.safetensors.index.json; is this the folder of a model?",
                ));
            }
            let mut checkpoint = Checkpoint {
                shards: Vec::new(),
                tensors: BTreeMap::new(),
            };
            checkpoint.add_shard(path)?;
            return Ok(checkpoint);
        }
        Self::open_shards(folder, &index_path)
    }

    fn open_shards(folder: &Path, index_path: &Path) -> Result<Self> {
        let text = fs_err::read_to_string(index_path)?;
        let index: Index =
            serde_json::from_str(&text).map_err(|error| Error::file(index_path, error.to_string()))?;
        let files: BTreeSet<&String> = index.weight_map.values().collect();
        let mut checkpoint = Checkpoint {
            shards: Vec::new(),
            tensors: BTreeMap::new(),
        };
        for file in files {
            let path = folder.join(file);
            if !path.exists() {
                return Err(Error::file(
                    &path,
                    "this shard is missing, though model.safetensors.index.json names it; download the model again",
                ));
            }
            checkpoint.add_shard(path)?;
        }
        for (name, file) in &index.weight_map {
            let place = checkpoint
                .tensors
                .get(name)
                .map(|location| &checkpoint.shards[location.shard].path);
            if place != Some(&folder.join(file)) {
                return Err(Error::file(
                    index_path,
                    format!("tensor `{name}` should be in {file}, but is not; download the model again"),
                ));
            }
        }
        Ok(checkpoint)
    }

    fn add_shard(&mut self, path: PathBuf) -> Result<()> {
        let file = fs_err::File::open(&path)?;
        // SAFETY: the mapping is only read. If another process cuts the file short meanwhile, reading it ends this
        // process, as any program that maps files accepts.
        let bytes =
            unsafe { Mmap::map(file.file()) }.map_err(|error| Error::file(&path, error.to_string()))?;
        let broken = |error: safetensors::SafeTensorError| {
            Error::file(
                &path,
                format!("not a whole safetensors file ({error}); download it again"),
            )
        };
        let start = bytes.as_ptr() as usize;
        let tensors = SafeTensors::deserialize(&bytes).map_err(broken)?;
        for (name, view) in tensors.iter() {
            let first = view.data().as_ptr() as usize - start;
            let range = first..first + view.data().len();
            let location = Location {
                shard: self.shards.len(),
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                range,
            };
            if self.tensors.insert(name.to_owned(), location).is_some() {
                return Err(Error::file(
                    &path,
                    format!("tensor `{name}` is in another shard too"),
                ));
            }
        }
        self.shards.push(Shard { path, bytes });
        Ok(())
    }

    /// The files of the weights.
    pub fn files(&self) -> impl Iterator<Item = &Path> {
        self.shards.iter().map(|shard| shard.path.as_path())
    }

    /// Bytes of all tensors, as stored.
    pub fn size(&self) -> usize {
        self.tensors.values().map(|location| location.range.len()).sum()
    }

    pub(crate) fn reader<'a>(
        &'a self,
        precision: Precision,
        progress: &'a mut dyn FnMut(usize),
    ) -> Reader<'a> {
        Reader {
            checkpoint: self,
            precision,
            used: BTreeSet::new(),
            progress,
        }
    }

    fn first_file(&self) -> &Path {
        self.shards.first().map_or(Path::new(""), |shard| &shard.path)
    }
}

/// Hands out each tensor once, and knows at the end which ones nobody asked for.
pub(crate) struct Reader<'a> {
    checkpoint: &'a Checkpoint,
    precision: Precision,
    used: BTreeSet<String>,
    progress: &'a mut dyn FnMut(usize),
}

impl Reader<'_> {
    pub fn read(&mut self, name: &str, shape: &[usize]) -> Result<TensorData> {
        let Some(location) = self.checkpoint.tensors.get(name) else {
            let message = format!(
                "tensor `{name}` is missing; is this a whole Gemma 2 checkpoint that fits config.json?"
            );
            return Err(Error::file(self.checkpoint.first_file(), message));
        };
        let shard = &self.checkpoint.shards[location.shard];
        if location.shape != shape {
            let message = format!(
                "tensor `{name}` has the shape {:?}, but config.json asks for {shape:?}",
                location.shape
            );
            return Err(Error::file(&shard.path, message));
        }
        self.used.insert(name.to_owned());
        let bytes = &shard.bytes[location.range.clone()];
        let converted = match (location.dtype, self.precision) {
            (Dtype::F32, Precision::F32) => from_f32(bytes, |value| value),
            (Dtype::F32, Precision::Bf16) => from_f32(bytes, bf16::from_f32),
            (Dtype::BF16, Precision::F32) => from_bf16(bytes, bf16::to_f32),
            (Dtype::BF16, Precision::Bf16) => from_bf16(bytes, |value| value),
            (other, _) => {
                let message = format!("tensor `{name}` is of type {other:?}; only F32 and BF16 can be read");
                return Err(Error::file(&shard.path, message));
            }
        };
        let bytes = converted.map_err(|index| {
            let message = format!(
                "tensor `{name}` holds a number that is not finite (element {index}); the weights are broken"
            );
            Error::file(&shard.path, message)
        })?;
        (self.progress)(location.range.len());
        Ok(TensorData::from_bytes(
            bytes,
            shape.to_vec(),
            self.precision.dtype(),
        ))
    }

    pub fn finish(self) -> Result<()> {
        let unused: Vec<(&String, &Location)> = self
            .checkpoint
            .tensors
            .iter()
            .filter(|(name, _)| !self.used.contains(*name))
            .collect();
        let Some((name, location)) = unused.first() else {
            return Ok(());
        };
        let path = &self.checkpoint.shards[location.shard].path;
        let count = unused.len();
        let message = format!(
            "tensor `{name}` has no place in the network ({count} such in all); does config.json belong to these weights?"
        );
        Err(Error::file(path, message))
    }
}

/// Converts little-endian numbers; the error is the index of the first one that is not finite.
fn from_f32<T: Stored>(bytes: &[u8], convert: impl Fn(f32) -> T) -> std::result::Result<Bytes, usize> {
    let values = bytes
        .chunks_exact(4)
        .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
    collected(values.map(|value| value.is_finite().then(|| convert(value))))
}

fn from_bf16<T: Stored>(bytes: &[u8], convert: impl Fn(bf16) -> T) -> std::result::Result<Bytes, usize> {
    let values = bytes.chunks_exact(2).map(|b| bf16::from_le_bytes([b[0], b[1]]));
    collected(values.map(|value| value.is_finite().then(|| convert(value))))
}

fn collected<T: Stored>(values: impl Iterator<Item = Option<T>>) -> std::result::Result<Bytes, usize> {
    let mut converted = Vec::with_capacity(values.size_hint().0);
    for (index, value) in values.enumerate() {
        converted.push(value.ok_or(index)?);
    }
    Ok(T::into_bytes(converted))
}

trait Stored: Sized {
    fn into_bytes(values: Vec<Self>) -> Bytes;
}

impl Stored for f32 {
    fn into_bytes(values: Vec<Self>) -> Bytes {
        Bytes::from_elems(values)
    }
}

impl Stored for bf16 {
    fn into_bytes(values: Vec<Self>) -> Bytes {
        Bytes::from_elems(values)
    }
}
