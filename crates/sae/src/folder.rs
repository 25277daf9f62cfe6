use std::path::Path;

use results::{Error, Result};

use crate::{SparseAutoencoder, gemma_scope, sae_lens};

/// Opens an autoencoder's folder, whichever of the kinds it is.
///
/// `hook` says where it reads, for folders that don't say it themselves: the hook's name in
/// TransformerLens.
///
/// # Errors
/// A folder of no known kind, or one that says or holds what is not known here.
pub fn open(folder: &Path, hook: Option<&str>) -> Result<SparseAutoencoder> {
    if folder.join(sae_lens::CONFIG).is_file() {
        return sae_lens::open(folder, hook);
    }
    if folder.join(gemma_scope::ARCHIVE).is_file() {
        return gemma_scope::open_first(folder, hook);
    }
    if folder.join(gemma_scope::TENSORS).is_file() {
        return gemma_scope::open_second(folder, hook);
    }
    Err(Error::invalid(
        folder,
        match folder.is_dir() {
            true => {
                "this folder holds no autoencoder: neither cfg.json with sae_weights.safetensors (SAELens), nor params.npz (Gemma \
                 Scope), nor params.safetensors with config.json (Gemma Scope 2); name the folder that holds these files"
            }
            false => "there is no such folder; name the one that holds the autoencoder's files",
        },
    ))
}
