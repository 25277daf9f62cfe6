use std::path::PathBuf;

use serde::Deserialize;

use crate::VectorKind;

/// A vector that someone else made: an entry of `[[vectors]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VectorTable {
    /// What sets, comparisons and tables call it.
    pub name: String,
    /// A GGUF control vector, a `.npy` or a safetensors file.
    pub file: PathBuf,
    /// Where a file with a single vector (`[hidden]` or `[1, hidden]`) belongs; negative numbers
    /// count from the end. Other files say it themselves.
    pub layer: Option<i64>,
}

impl VectorTable {
    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(tables: &[VectorTable]) -> Option<String> {
        for (index, VectorTable { name, .. }) in tables.iter().enumerate() {
            if !matches!(VectorKind::parse(name), Some(VectorKind::Imported(_))) {
                return Some(format!(
                    "vectors: the name \"{name}\" is that of a vector of the analysis, or holds other characters than letters, digits, \
                     `-` and `_`"
                ));
            }
            if tables[..index].iter().any(|other| other.name == *name) {
                return Some(format!(
                    "two [[vectors]] are named \"{name}\"; names must be unique"
                ));
            }
        }
        None
    }
}
