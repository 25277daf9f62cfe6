//! Folders that are given as models but hold something else.

use std::path::{Path, PathBuf};

use crate::text_file::json_file;
use crate::{Error, Result};

/// # Errors
/// What a folder without a `config.json` is, and what to give in its place.
pub(crate) fn require_model(folder: &Path) -> Result<()> {
    if folder.join("config.json").exists() {
        return Ok(());
    }
    let message = adapter(folder)
        .or_else(|| cached_repository(folder))
        .or_else(|| folder_of_models(folder))
        .or_else(|| other_files(folder))
        .unwrap_or_else(|| {
            "there is no config.json in this folder; a model is a Hugging Face folder (config.json, tokenizer.json, *.safetensors) \
             or a .gguf file"
                .to_owned()
        });
    Err(Error::file(folder, message))
}

/// A folder of PEFT.
fn adapter(folder: &Path) -> Option<String> {
    let path = folder.join("adapter_config.json");
    if !path.exists() {
        return None;
    }
    let config = json_file(&path).ok();
    let base = config
        .as_ref()
        .and_then(|config| config.get("base_model_name_or_path")?.as_str());
    let base = base.map_or("its base model".to_owned(), |base| {
        format!("its base model, {base},")
    });
    Some(format!(
        "this is an adapter (adapter_config.json), not a model; give this folder in model.adapter, and {base} in model.source"
    ))
}

/// A repository's folder in the cache of the hub, or a part of it.
fn cached_repository(folder: &Path) -> Option<String> {
    let name = folder.file_name()?.to_string_lossy().into_owned();
    let snapshots = if name == "snapshots" {
        folder.to_owned()
    } else {
        folder.join("snapshots")
    };
    let id = folder
        .ancestors()
        .find_map(|part| part.file_name()?.to_str()?.strip_prefix("models--"))
        .map(|id| id.replacen("--", "/", 1));
    let advice = |id: &Option<String>| {
        id.as_ref()
            .map_or(String::new(), |id| format!(", or just \"{id}\""))
    };
    if snapshots.is_dir() {
        let commits = subfolders(&snapshots);
        let inside = commits.iter().find(|commit| commit.join("config.json").exists());
        let inside = inside
            .or(commits.first())
            .unwrap_or(&snapshots)
            .display()
            .to_string();
        return Some(format!(
            "this is a repository in the hub's cache, not a model; give the folder of a snapshot, {inside}{}",
            advice(&id)
        ));
    }
    let cached: Vec<String> = subfolders(folder)
        .iter()
        .filter_map(|folder| {
            folder
                .file_name()?
                .to_str()?
                .strip_prefix("models--")
                .map(|id| id.replacen("--", "/", 1))
        })
        .collect();
    if !cached.is_empty() {
        return Some(format!(
            "this is the hub's cache, not a model; give the id of one of its models: {}",
            cached.join(", ")
        ));
    }
    id.map(|id| {
        format!("this snapshot in the hub's cache has no config.json, since it was not downloaded whole; give \"{id}\" in model.source, which completes it")
    })
}

/// A folder with models in it, such as a run with checkpoints.
fn folder_of_models(folder: &Path) -> Option<String> {
    let models: Vec<String> = subfolders(folder)
        .iter()
        .filter(|folder| folder.join("config.json").exists())
        .map(|folder| folder.display().to_string())
        .collect();
    (!models.is_empty()).then(|| {
        format!(
            "there is no config.json in this folder, but in folders inside of it; give one of them: {}",
            models.join(", ")
        )
    })
}

/// A model in another format.
fn other_files(folder: &Path) -> Option<String> {
    folder.join("params.json").exists().then(|| {
        "this is a checkpoint in its maker's own format (params.json); give the Hugging Face version of the model".to_owned()
    })
}

fn subfolders(folder: &Path) -> Vec<PathBuf> {
    let mut folders: Vec<PathBuf> = std::fs::read_dir(folder)
        .into_iter()
        .flatten()
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.is_dir())
        .collect();
    folders.sort();
    folders
}
