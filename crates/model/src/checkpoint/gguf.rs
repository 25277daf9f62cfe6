//! Weights in GGUF.

use std::path::Path;
use std::sync::Arc;

use ::gguf::GgufFile;

use super::{Checkpoint, MappedFile, StoredTensor, map};
use crate::gguf::{Architecture, hugging_face_name, stores_one_plus_weight};
use crate::{Error, Result};

impl Checkpoint {
    /// Opens a GGUF file of a Gemma text model.
    pub fn open_gguf(path: &Path) -> Result<Self> {
        let bytes = map(path)?;
        let wrong = |message: String| Error::file(path, message);
        let file = GgufFile::parse(&bytes).map_err(wrong)?;
        let architecture = Architecture::read(file.metadata()).map_err(wrong)?;
        let mut checkpoint = Self::empty();
        for tensor in file.tensors() {
            let (storage, range) = tensor.blocks().map_err(wrong)?;
            let Some(name) = hugging_face_name(architecture, &tensor.name).map_err(wrong)? else {
                continue;
            };
            let stored = StoredTensor {
                file: 0,
                storage,
                shape: tensor.shape.clone(),
                range,
                one_was_added: stores_one_plus_weight(&tensor.name),
            };
            checkpoint.tensors.insert(name, stored);
        }
        checkpoint.files.push(MappedFile {
            path: path.to_owned(),
            bytes: Arc::new(bytes),
        });
        Ok(checkpoint)
    }
}
