//! Text files as people have them.

use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

/// What a pointer of Git LFS begins with, which a clone without `git lfs` has in place of a large file
/// (<https://github.com/git-lfs/git-lfs/blob/main/docs/spec.md>).
const POINTER: &[u8] = b"version https://git-lfs.github.com/spec/";

/// The text of a file in UTF-8; a byte order mark is as if it weren't there.
///
/// # Errors
/// A pointer of Git LFS, and bytes that are no UTF-8.
pub(crate) fn text_file(path: &Path) -> Result<String> {
    let bytes = fs_err::read(path)?;
    refuse_pointer(path, &bytes)?;
    let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&bytes);
    if matches!(bytes, [0xff, 0xfe, ..] | [0xfe, 0xff, ..]) || bytes.get(1) == Some(&0) {
        return Err(Error::file(path, "this is UTF-16; save it as UTF-8"));
    }
    match std::str::from_utf8(bytes) {
        Ok(text) => Ok(text.to_owned()),
        Err(error) => {
            let line = 1 + bytes[..error.valid_up_to()]
                .iter()
                .filter(|byte| **byte == b'\n')
                .count();
            Err(Error::file(
                path,
                format!("line {line} is not UTF-8; save the file as UTF-8"),
            ))
        }
    }
}

pub(crate) fn json_file(path: &Path) -> Result<Value> {
    let text = text_file(path)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::file(path, format!("not valid JSON ({error}); download it again")))
}

/// # Errors
/// Where the bytes are a pointer of Git LFS and not the file itself.
pub(crate) fn refuse_pointer(path: &Path, bytes: &[u8]) -> Result<()> {
    if bytes.starts_with(POINTER) {
        return Err(Error::file(
            path,
            "this is a pointer of Git LFS, not the file itself; run `git lfs pull` there, or give the model's id on the hub",
        ));
    }
    Ok(())
}
