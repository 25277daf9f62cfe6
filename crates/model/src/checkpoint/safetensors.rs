//! Weights in safetensors: one file, or shards with an index.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use ::gguf::BlockKind;
use ::safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::names::{Meaning, Names};
use super::{Checkpoint, MappedFile, StoredTensor, map};
use crate::text_file::{refuse_pointer, text_file};
use crate::{Error, Result};

const SINGLE: &str = "model.safetensors";
const INDEX: &str = "model.safetensors.index.json";

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

/// A tensor as a file has it.
pub(super) struct Found {
    file: usize,
    pub name: String,
    dtype: Dtype,
    shape: Vec<usize>,
    range: Range<usize>,
}

impl Found {
    /// # Errors
    /// A type that is not read; the message goes behind the file's path.
    pub fn stored(self) -> Result<StoredTensor, String> {
        let storage = match self.dtype {
            Dtype::F32 => BlockKind::F32,
            Dtype::F16 => BlockKind::F16,
            Dtype::BF16 => BlockKind::Bf16,
            other => {
                return Err(format!(
                    "tensor `{}` is of type {other:?}; only F32, BF16 and F16 can be read, so use the checkpoint before it was quantized",
                    self.name
                ));
            }
        };
        Ok(StoredTensor {
            file: self.file,
            storage,
            shape: self.shape,
            range: self.range,
            one_was_added: false,
            interleaved_heads: None,
            low_rank: None,
        })
    }
}

impl Checkpoint {
    /// Opens a Hugging Face folder: `model.safetensors`, or else the shards that
    /// `model.safetensors.index.json` names. Where there are both, the single file is used, as in
    /// transformers: the shards are from an earlier save.
    ///
    /// # Errors
    /// Names the file or tensor that is missing, broken, or of a type that is not read.
    pub fn open(folder: &Path) -> Result<Self> {
        let mut checkpoint = Self::empty();
        let mut found = Vec::new();
        let single = folder.join(SINGLE);
        let index = folder.join(INDEX);
        if single.exists() {
            checkpoint.map_safetensors(single, &mut found)?;
        } else if index.exists() {
            for path in shards(folder, &index)? {
                checkpoint.map_safetensors(path, &mut found)?;
            }
            checkpoint.check_index(folder, &index, &found)?;
        } else {
            return Err(without_weights(folder));
        }
        checkpoint.take(found)?;
        Ok(checkpoint)
    }

    /// Maps one more file, and adds its tensors to those that were found.
    pub(super) fn map_safetensors(&mut self, path: PathBuf, found: &mut Vec<Found>) -> Result<()> {
        let bytes = map(&path)?;
        refuse_pointer(&path, &bytes)?;
        let start = bytes.as_ptr() as usize;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
            Error::file(
                &path,
                format!("not a whole safetensors file ({error}); download it again"),
            )
        })?;
        for (name, view) in tensors.iter() {
            let first = view.data().as_ptr() as usize - start;
            found.push(Found {
                file: self.files.len(),
                name: name.to_owned(),
                dtype: view.dtype(),
                shape: view.shape().to_vec(),
                range: first..first + view.data().len(),
            });
        }
        self.files.push(MappedFile {
            path,
            bytes: Arc::new(bytes),
        });
        Ok(())
    }

    /// Every tensor must be in the shard that the index names.
    fn check_index(&self, folder: &Path, path: &Path, found: &[Found]) -> Result<()> {
        let places: BTreeMap<&str, &Path> = found
            .iter()
            .map(|tensor| (tensor.name.as_str(), self.files[tensor.file].path.as_path()))
            .collect();
        for (name, file) in &index(path)?.weight_map {
            if places.get(name.as_str()).copied() != Some(&folder.join(file)) {
                return Err(Error::file(
                    path,
                    format!("tensor `{name}` should be in {file}, but is not; download the model again"),
                ));
            }
        }
        Ok(())
    }

    /// Takes the tensors of the language model, under the names that a text-only model has.
    fn take(&mut self, found: Vec<Found>) -> Result<()> {
        let first = |checkpoint: &Self| checkpoint.files[0].path.clone();
        let names = Names::of(found.iter().map(|tensor| tensor.name.as_str()))
            .map_err(|message| Error::file(first(self), message))?;
        for tensor in found {
            let path = &self.files[tensor.file].path;
            let name = match names.meaning(&tensor.name) {
                Meaning::Weight(name) => name,
                Meaning::None => continue,
                Meaning::Classifier => {
                    self.left_out.push(tensor.name);
                    continue;
                }
            };
            let stored = tensor.stored().map_err(|message| Error::file(path, message))?;
            if self.tensors.insert(name.clone(), stored).is_some() {
                return Err(Error::file(
                    path,
                    format!(
                        "tensor `{name}` is there twice, here or in another shard; download the model again"
                    ),
                ));
            }
        }
        Ok(())
    }
}

/// The files that an index names, which must exist below the folder.
fn shards(folder: &Path, path: &Path) -> Result<Vec<PathBuf>> {
    let index = index(path)?;
    let names: BTreeSet<&String> = index.weight_map.values().collect();
    if names.is_empty() {
        return Err(Error::file(
            path,
            "`weight_map` names no file; download the model again",
        ));
    }
    let shard = |name: &&String| {
        let is_below = Path::new(name.as_str())
            .components()
            .all(|part| matches!(part, Component::Normal(_)));
        if !is_below {
            return Err(Error::file(
                path,
                format!(
                    "`weight_map` names {name:?}, which is outside of the model's folder; don't use this model"
                ),
            ));
        }
        let shard = folder.join(name);
        if !shard.exists() {
            return Err(Error::file(
                &shard,
                format!("this shard is missing, though {INDEX} names it; download the model again"),
            ));
        }
        Ok(shard)
    };
    names.iter().map(shard).collect()
}

fn index(path: &Path) -> Result<Index> {
    serde_json::from_str(&text_file(path)?).map_err(|error| {
        Error::file(
            path,
            format!("not an index of shards ({error}); download it again"),
        )
    })
}

/// What the folder has instead.
fn without_weights(folder: &Path) -> Error {
    let mut others: Vec<String> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
        .filter(|name| {
            let kinds = [
                ".safetensors",
                ".bin",
                ".pt",
                ".pth",
                ".gguf",
                ".h5",
                ".msgpack",
                ".npz",
            ];
            kinds.iter().any(|kind| name.ends_with(kind))
        })
        .collect();
    others.sort();
    let advice = match others.as_slice() {
        [] => "is this the folder of a model?".to_owned(),
        [one] if one.ends_with(".gguf") => format!("there is {one}: give its path in model.source"),
        [one] if one.ends_with(".safetensors") => {
            format!("there is {one}: rename it to {SINGLE} if it is the whole model")
        }
        _ => format!(
            "there is {}: save the model with transformers' save_pretrained, which writes safetensors",
            others.join(", ")
        ),
    };
    Error::file(folder, format!("there is neither {SINGLE} nor {INDEX}; {advice}"))
}
