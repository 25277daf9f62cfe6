use std::path::PathBuf;

use serde::Deserialize;

use crate::is_plain_name;

/// A sparse autoencoder that someone else trained: an entry of `[[saes]]`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SaeTable {
    /// What tables and directions call it.
    pub name: String,
    /// Gemma Scope's or SAELens's folder of it.
    pub folder: PathBuf,
    /// Where it reads, as TransformerLens names it (`blocks.20.hook_resid_post`), for folders that don't
    /// say it themselves.
    pub hook: Option<String>,
}

impl SaeTable {
    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(tables: &[SaeTable]) -> Option<String> {
        for (index, SaeTable { name, .. }) in tables.iter().enumerate() {
            if !is_plain_name(name) {
                return Some(format!(
                    "saes: the name \"{name}\" holds other characters than letters, digits, `-` and `_`"
                ));
            }
            if tables[..index].iter().any(|other| other.name == *name) {
                return Some(format!("two [[saes]] are named \"{name}\"; names must be unique"));
            }
        }
        None
    }
}
