//! Weights in safetensors: one file, or shards with an index.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ::gguf::BlockKind;
use ::safetensors::{Dtype, SafeTensors};
use serde::Deserialize;

use super::{Checkpoint, MappedFile, StoredTensor, map};
use crate::{Error, Result};

#[derive(Deserialize)]
struct Index {
    weight_map: BTreeMap<String, String>,
}

impl Checkpoint {
    /// Opens a Hugging Face folder: `model.safetensors`, or the shards that `model.safetensors.index.json` names.
    pub fn open(folder: &Path) -> Result<Self> {
        let index_path = folder.join("model.safetensors.index.json");
        if index_path.exists() {
            return Self::open_shards(folder, &index_path);
        }
        let path = folder.join("model.safetensors");
        if !path.exists() {
            return Err(Error::file(
                folder,
                "there is neither model.safetensors nor model.safetensors.index.json; is this the folder of a model?",
            ));
        }
        let mut checkpoint = Self::empty();
        checkpoint.add_safetensors(path)?;
        Ok(checkpoint)
    }

    fn open_shards(folder: &Path, index_path: &Path) -> Result<Self> {
        let text = fs_err::read_to_string(index_path)?;
        let index: Index =
            serde_json::from_str(&text).map_err(|error| Error::file(index_path, error.to_string()))?;
        let names: BTreeSet<&String> = index.weight_map.values().collect();
        let mut checkpoint = Self::empty();
        for name in names {
            let path = folder.join(name);
            if !path.exists() {
                return Err(Error::file(
                    &path,
                    "this shard is missing, though model.safetensors.index.json names it; download the model again",
                ));
            }
            checkpoint.add_safetensors(path)?;
        }
        for (name, file) in &index.weight_map {
            let Some(name) = name_in_text_model(name) else {
                continue;
            };
            let place = checkpoint
                .tensors
                .get(&name)
                .map(|tensor| &checkpoint.files[tensor.file].path);
            if place != Some(&folder.join(file)) {
                return Err(Error::file(
                    index_path,
                    format!("tensor `{name}` should be in {file}, but is not; download the model again"),
                ));
            }
        }
        Ok(checkpoint)
    }

    fn add_safetensors(&mut self, path: PathBuf) -> Result<()> {
        let bytes = map(&path)?;
        let start = bytes.as_ptr() as usize;
        let tensors = SafeTensors::deserialize(&bytes).map_err(|error| {
            Error::file(
                &path,
                format!("not a whole safetensors file ({error}); download it again"),
            )
        })?;
        for (name, view) in tensors.iter() {
            let Some(name) = name_in_text_model(name) else {
                continue;
            };
            let storage = match view.dtype() {
                Dtype::F32 => BlockKind::F32,
                Dtype::F16 => BlockKind::F16,
                Dtype::BF16 => BlockKind::Bf16,
                other => {
                    let message =
                        format!("tensor `{name}` is of type {other:?}; only F32, BF16 and F16 can be read");
                    return Err(Error::file(&path, message));
                }
            };
            let first = view.data().as_ptr() as usize - start;
            let tensor = StoredTensor {
                file: self.files.len(),
                storage,
                shape: view.shape().to_vec(),
                range: first..first + view.data().len(),
                one_was_added: false,
            };
            if self.tensors.insert(name.clone(), tensor).is_some() {
                return Err(Error::file(
                    &path,
                    format!("tensor `{name}` is in another shard too"),
                ));
            }
        }
        self.files.push(MappedFile {
            path,
            bytes: Arc::new(bytes),
        });
        Ok(())
    }
}

/// The name that a tensor has in a text model of its own. Models that see keep their language model below a prefix
/// (one on the hub, another in what newer versions of transformers write), and the rest of them is left alone; so is a
/// head that repeats the embeddings.
fn name_in_text_model(name: &str) -> Option<String> {
    let elsewhere = ["vision_tower.", "multi_modal_projector."];
    let below_model = name.strip_prefix("model.").unwrap_or(name);
    if elsewhere.iter().any(|prefix| below_model.starts_with(prefix)) {
        return None;
    }
    let inner = name.strip_prefix("language_model.").unwrap_or(name);
    if inner == "lm_head.weight" {
        return None;
    }
    match name.strip_prefix("model.language_model.") {
        Some(rest) => Some(format!("model.{rest}")),
        None => Some(inner.to_owned()),
    }
}
