//! Weights in GGUF.

use std::path::Path;
use std::sync::Arc;

use super::{Checkpoint, MappedFile, StoredTensor};
use crate::gguf::{
    Architecture, OpenGguf, hugging_face_name, interleaved_heads, open, stores_one_plus_weight,
};
use crate::{Error, Result};

impl Checkpoint {
    /// Opens a GGUF file of a model, or, given the first of its parts, all of them. Tensors of a
    /// vision part are left out.
    ///
    /// A separate head (`output.weight`) is `lm_head.weight`.
    ///
    /// # Errors
    /// Names the file and the tensor that can't be used.
    pub fn open_gguf(path: &Path) -> Result<Self> {
        let OpenGguf { file, parts } = open(path)?;
        let architecture =
            Architecture::read(file.metadata()).map_err(|message| Error::file(path, message))?;
        if file.tensors().is_empty() {
            let message = "the file holds a vocabulary and no weights; give the file of the model";
            return Err(Error::file(path, message));
        }
        let mut checkpoint = Self::empty();
        for tensor in file.tensors() {
            let wrong = |message: String| Error::file(&parts[tensor.part].0, message);
            let Some(name) = hugging_face_name(architecture, &tensor.name).map_err(wrong)? else {
                continue;
            };
            let (storage, range) = tensor.blocks().map_err(wrong)?;
            let stored = StoredTensor {
                file: tensor.part,
                storage,
                shape: tensor.shape.clone(),
                range,
                one_was_added: stores_one_plus_weight(architecture, &tensor.name),
                interleaved_heads: interleaved_heads(architecture, file.metadata(), &tensor.name)
                    .map_err(wrong)?,
                low_rank: None,
            };
            checkpoint.tensors.insert(name, stored);
        }
        checkpoint.files = parts
            .into_iter()
            .map(|(path, bytes)| MappedFile {
                path,
                bytes: Arc::new(bytes),
            })
            .collect();
        Ok(checkpoint)
    }
}
