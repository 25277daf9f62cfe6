//! What an adapter's folder holds.

use std::path::{Path, PathBuf};

use files::ADAPTER;

use crate::{Error, Result};

/// The configuration of an adapter.
pub(super) const CONFIG: &str = ADAPTER[0];
/// Its tensors.
pub(crate) const WEIGHTS: &str = ADAPTER[1];

/// What to do about an adapter that is not put on here.
pub(crate) const MERGE: &str = "merge it into its base model with PEFT's merge_and_unload, save the result with save_pretrained, and \
                                give that folder in model.source instead";

/// The files of an adapter's folder that decide what a model with it computes. Its tokenizer is not
/// among them: texts are the base model's.
pub fn adapter_files(folder: &Path) -> [PathBuf; 2] {
    ADAPTER.map(|name| folder.join(name))
}

/// # Errors
/// Where there is no adapter: what is there instead, and what to give.
pub(crate) fn require_adapter(place: &Path) -> Result<()> {
    let has = |name: &str| place.join(name).exists();
    let message = if place.is_file() {
        "this is a file, and the folder of an adapter is wanted (adapter_config.json, adapter_model.safetensors); give the folder that \
         it is in"
    } else if !place.exists() {
        "there is no adapter here; an adapter is a folder of PEFT with adapter_config.json and adapter_model.safetensors"
    } else if !has(CONFIG) && has("config.json") {
        "this is the folder of a whole model, not of an adapter (there is no adapter_config.json); give it in model.source, and leave \
         model.adapter out"
    } else if !has(CONFIG) {
        "there is no adapter_config.json in this folder; give the folder that PEFT's save_pretrained wrote"
    } else if !has(WEIGHTS) && has("adapter_model.bin") {
        "the adapter is stored as adapter_model.bin, which is not read; load it with PEFT and save it with save_pretrained, which \
         writes adapter_model.safetensors"
    } else if !has(WEIGHTS) {
        "adapter_model.safetensors is missing; copy or download the whole folder of the adapter"
    } else {
        return Ok(());
    };
    Err(Error::file(place, message))
}
