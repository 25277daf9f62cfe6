//! What a file or folder is that was given as a model but isn't one.

use std::io::Read;
use std::path::{Path, PathBuf};

use ::gguf::{PartName, not_gguf};
use serde_json::Value;

use crate::Result;

/// `None` for a GGUF file, recognised by its first letters (Ollama's have no extension). Otherwise
/// what the file is, and what to do.
pub(crate) fn not_a_model_file(path: &Path) -> Result<Option<String>> {
    let mut head = Vec::new();
    fs_err::File::open(path)?.take(MOST_TEXT).read_to_end(&mut head)?;
    if head.starts_with(b"GGUF") {
        return Ok(None);
    }
    let told = of_ollama(path, &head).or_else(|| of_a_folder(path));
    Ok(Some(told.unwrap_or_else(|| not_gguf(&head))))
}

/// `None` for a folder that may hold a model. Otherwise what it holds, and which file to give.
pub(crate) fn not_a_model_folder(path: &Path) -> Option<String> {
    if blobs(&path.join("any")).is_some() || path.join("models/blobs").is_dir() {
        return Some(format!("this is a folder of Ollama, not a model; {GIVE_BLOB}"));
    }
    let names = file_names(path);
    if names.iter().any(|name| name.ends_with(".safetensors")) {
        return None;
    }
    let later_part = |name: &str| PartName::parse(name).is_some_and(|name| name.number > 1);
    let mut models: Vec<&String> = names
        .iter()
        .filter(|name| name.ends_with(".gguf") && !name.contains("mmproj") && !later_part(name))
        .collect();
    models.sort();
    let shown: Vec<&str> = models.iter().take(4).map(|name| name.as_str()).collect();
    let more = if models.len() > shown.len() { ", ..." } else { "" };
    let list = shown.join(", ");
    (!models.is_empty()).then(|| {
        format!("the folder holds GGUF files and no safetensors; give one file as the model: {list}{more}")
    })
}

/// Manifests are a few hundred bytes long, Modelfiles a few thousand.
const MOST_TEXT: u64 = 1 << 16;

const GIVE_BLOB: &str = "give the file blobs/sha256-... that `ollama show --modelfile NAME` names after FROM";

/// A manifest names a model's files by their hashes, a Modelfile one by its path.
fn of_ollama(path: &Path, head: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(head).ok()?;
    if text.lines().any(|line| line.starts_with("FROM ")) {
        return Some(
            "the file is a Modelfile of Ollama, not a model; give the .gguf file or blob that its line FROM names"
                .to_owned(),
        );
    }
    let manifest: Value = serde_json::from_str(text).ok()?;
    let layers = manifest.get("layers")?.as_array()?;
    let model = layers
        .iter()
        .find(|layer| layer["mediaType"] == "application/vnd.ollama.image.model");
    let blob = model.and_then(|layer| {
        let place = blobs(path)?.join(layer["digest"].as_str()?.replace(':', "-"));
        place.is_file().then_some(place)
    });
    let advice = blob.map_or(GIVE_BLOB.to_owned(), |blob| {
        format!("give the file that it names: {}", blob.display())
    });
    Some(format!("the file is a manifest of Ollama, not a model; {advice}"))
}

/// Ollama's folder of files, next to that of its manifests, for a path in either.
fn blobs(path: &Path) -> Option<PathBuf> {
    let of = |folder: &Path| folder.join("manifests").is_dir().then(|| folder.join("blobs"));
    path.ancestors()
        .skip(1)
        .find_map(of)
        .filter(|folder| folder.is_dir())
}

/// A file of a Hugging Face folder in place of the folder.
fn of_a_folder(path: &Path) -> Option<String> {
    let folder = path.parent()?;
    let name = path.file_name()?.to_string_lossy();
    let one =
        name.ends_with(".safetensors") || name.ends_with(".safetensors.index.json") || name == "config.json";
    (one && folder.join("config.json").is_file()).then(|| {
        format!(
            "the file is one of several of a model; give their folder, {}",
            folder.display()
        )
    })
}

fn file_names(folder: &Path) -> Vec<String> {
    let Ok(entries) = fs_err::read_dir(folder) else {
        return Vec::new();
    };
    let name = |entry: fs_err::DirEntry| entry.file_name().to_string_lossy().into_owned();
    entries.flatten().map(name).collect()
}
