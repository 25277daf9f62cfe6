//! Content hashes of files and folders.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use files::HashMemo;

/// Path, with `/` between its parts -> what the file holds.
pub type Files = BTreeMap<String, FileHash>;

#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FileHash {
    pub hash: String,
    pub bytes: u64,
}

/// One hash for a set of files, names included. `None` for no files at all.
pub fn combined(files: &Files) -> Option<String> {
    if files.is_empty() {
        return None;
    }
    let mut hasher = blake3::Hasher::new();
    for (path, file) in files {
        // The length in front keeps `ab` + `c` apart from `a` + `bc`.
        hasher.update(&(path.len() as u64).to_le_bytes());
        hasher.update(path.as_bytes());
        hasher.update(file.hash.as_bytes());
    }
    Some(hasher.finalize().to_hex().to_string())
}

/// Every file below a folder, by its path relative to it; no folder, no files.
pub fn folder_contents(folder: &Path, memo: &mut HashMemo) -> Result<Files> {
    let mut files = Files::new();
    for path in paths_below(folder)? {
        files.insert(relative_name(&path, folder), file_contents(&path, memo)?);
    }
    Ok(files)
}

/// The paths of all files below a folder; none where there is no folder.
pub fn paths_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    if folder.is_dir() {
        collect_paths(folder, &mut paths)?;
    }
    Ok(paths)
}

/// A path relative to a folder, with `/` between its parts.
pub fn relative_name(path: &Path, folder: &Path) -> String {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    relative.to_string_lossy().replace('\\', "/")
}

/// The hash of one file, read unless the memo knows it.
pub fn file_contents(path: &Path, memo: &mut HashMemo) -> Result<FileHash> {
    let before = fs_err::metadata(path)?;
    if let Some(hash) = memo.recall(path, &before) {
        return Ok(FileHash {
            hash,
            bytes: before.len(),
        });
    }
    let mut hasher = blake3::Hasher::new();
    let file = fs_err::File::open(path)?;
    hasher
        .update_reader(file)
        .with_context(|| format!("cannot read {}", path.display()))?;
    let hash = hasher.finalize().to_hex().to_string();
    memo.learn(path, &before, &hash);
    Ok(FileHash {
        hash,
        bytes: hasher.count(),
    })
}

/// Names that start with a dot are left by editors and file managers, and are not part of anything.
fn collect_paths(folder: &Path, into: &mut Vec<PathBuf>) -> Result<()> {
    for entry in fs_err::read_dir(folder)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        let path = entry.path();
        if !path.is_dir() {
            into.push(path);
        } else if !entry.file_type()?.is_symlink() {
            // A link to a folder could lead in circles; a link to a file, as in a model cache, is
            // followed.
            collect_paths(&path, into)?;
        }
    }
    Ok(())
}
