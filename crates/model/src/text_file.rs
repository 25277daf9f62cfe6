//! Text files as found in practice.

use std::path::Path;

use serde_json::Value;

use files::text;

use crate::{Error, Result};

/// The text of a file in UTF-8, as every text that a person wrote is read.
///
/// # Errors
/// A pointer of Git LFS, and bytes that are not UTF-8.
pub(crate) fn text_file(path: &Path) -> Result<String> {
    Ok(text::read_text(path)?)
}

pub(crate) fn json_file(path: &Path) -> Result<Value> {
    let text = text_file(path)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::file(path, format!("not valid JSON ({error}); download it again")))
}

/// # Errors
/// Where the bytes are a pointer of Git LFS and not the file itself.
pub(crate) fn refuse_pointer(path: &Path, bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(text::LFS.as_bytes()) {
        return Err(Error::file(
            path,
            "this is a pointer of Git LFS, not the file itself; run `git lfs pull` there, or give the model's id on the hub",
        ));
    }
    Ok(())
}
