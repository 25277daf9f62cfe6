//! What Hugging Face transformers computes with the nano checkpoint. The fixtures belong to the
//! crate `model`, and their README says how they were made.

use std::collections::HashMap;
use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use serde_json::Value;

/// The folder of the fixtures; `nano` in it is the checkpoint.
pub fn golden_folder() -> PathBuf {
    crate::root().join("crates/model/tests/fixtures")
}

/// The record: tensors by name, and the facts about them.
pub struct Golden {
    pub tensors: HashMap<String, Vec<f32>>,
    pub facts: Value,
}

impl Golden {
    pub fn read() -> Self {
        let read = |name: &str| std::fs::read(golden_folder().join(name)).unwrap();
        let bytes = read("golden_nano.safetensors");
        let file = SafeTensors::deserialize(&bytes).unwrap();
        let floats = file
            .tensors()
            .into_iter()
            .filter(|(_, view)| view.dtype() == Dtype::F32);
        let numbers = |bytes: &[u8]| {
            bytes
                .chunks_exact(4)
                .map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]))
                .collect()
        };
        let tensors = floats.map(|(name, view)| (name, numbers(view.data()))).collect();
        let facts = serde_json::from_slice(&read("golden_nano.json")).unwrap();
        Golden { tensors, facts }
    }

    pub fn tensor(&self, name: &str) -> &[f32] {
        &self.tensors[name]
    }

    /// The tokens of an input, by its name.
    pub fn input(&self, name: &str) -> Vec<u32> {
        token_ids(&self.facts["inputs"][name])
    }
}

/// A JSON array of token ids.
pub fn token_ids(value: &Value) -> Vec<u32> {
    let ids = value.as_array().unwrap().iter();
    ids.map(|id| id.as_u64().unwrap() as u32).collect()
}
