use std::path::{Path, PathBuf};

use crate::{Checkpoint, Result};

/// A hash over everything in the folder that decides what the model computes: configuration, tokenizer, chat
/// template and weights. Two folders with the same fingerprint are the same model.
pub fn fingerprint(folder: &Path, checkpoint: &Checkpoint) -> Result<String> {
    let names = [
        "config.json",
        "generation_config.json",
        "tokenizer.json",
        "tokenizer_config.json",
        "chat_template.jinja",
    ];
    let texts = names
        .iter()
        .map(|name| folder.join(name))
        .filter(|path| path.exists());
    let files: Vec<PathBuf> = texts.chain(checkpoint.files().map(Path::to_owned)).collect();
    let mut hasher = blake3::Hasher::new();
    for path in files {
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        let mut content = blake3::Hasher::new();
        std::io::copy(&mut fs_err::File::open(&path)?, &mut content)?;
        hasher
            .update(name.as_bytes())
            .update(&[0])
            .update(content.finalize().as_bytes());
    }
    Ok(hasher.finalize().to_hex().to_string())
}
