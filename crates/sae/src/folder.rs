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

/// The hook of a folder that says one, unless it contradicts the one that was named.
pub(crate) fn agreed<'a>(file: &Path, said: Option<&'a str>, named: Option<&'a str>) -> Result<crate::Place> {
    use crate::Place;
    let place = |hook: &str| {
        Place::of_hook(hook).map_err(|problem| Error::invalid(file, format!("its hook \"{hook}\" {problem}")))
    };
    match (said, named) {
        (Some(said), Some(named)) if place(said)? != place(named)? => Err(Error::invalid(
            file,
            format!("it was trained at {said}, and `hook` says {named}; leave `hook` out"),
        )),
        (Some(hook), _) | (None, Some(hook)) => place(hook),
        (None, None) => Err(Error::invalid(
            file,
            "nothing says at which place in the model it was trained; name it, as in `hook = \"blocks.20.hook_resid_post\"`",
        )),
    }
}
