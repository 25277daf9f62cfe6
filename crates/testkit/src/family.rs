//! One tiny checkpoint of each family of models, with what Hugging Face transformers computes from
//! it. The fixtures belong to the crate `model`, and their README says how they were made.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

/// The checkpoints in Hugging Face layout, sorted by name: every folder with a configuration, so
/// that a new one takes part in all tests.
pub fn family_folders() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(crate::golden_folder().join("family")).unwrap();
    let folders = entries.map(|entry| entry.unwrap().path());
    let mut folders: Vec<PathBuf> = folders.filter(|path| path.join("config.json").exists()).collect();
    folders.sort();
    folders
}

/// A reference file: floats and token ids by name, and its metadata.
pub struct Reference {
    pub floats: HashMap<String, Vec<f32>>,
    pub tokens: HashMap<String, Vec<u32>>,
    pub metadata: HashMap<String, String>,
}

impl Reference {
    pub fn read(path: &Path) -> Self {
        let bytes = std::fs::read(path).unwrap();
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let (mut floats, mut tokens) = (HashMap::new(), HashMap::new());
        for (name, view) in file.tensors() {
            let words = view.data().as_chunks::<4>().0;
            match view.dtype() {
                Dtype::F32 => {
                    floats.insert(name, words.iter().map(|word| f32::from_le_bytes(*word)).collect());
                }
                _ => {
                    tokens.insert(name, words.iter().map(|word| u32::from_le_bytes(*word)).collect());
                }
            }
        }
        let (_, header) = SafeTensors::read_metadata(&bytes).unwrap();
        Reference {
            floats,
            tokens,
            metadata: header.metadata().clone().unwrap_or_default(),
        }
    }
}
