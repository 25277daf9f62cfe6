use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// What a shard that is done consists of. Two attempts at a shard must agree on all of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Manifest {
    /// See [`Sharded::arithmetic`](super::Sharded::arithmetic).
    pub arithmetic: String,
    /// By path below the shard's folder, with `/` between its parts.
    pub files: BTreeMap<String, FileOf>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct FileOf {
    pub bytes: u64,
    pub blake3: String,
}

pub(super) const MANIFEST: &str = "manifest.json";

impl Manifest {
    /// Of the files below a folder, as they are.
    pub(super) fn of(folder: &Path, arithmetic: String) -> Result<Self> {
        let mut files = BTreeMap::new();
        for path in files_below(folder)? {
            let mut hasher = blake3::Hasher::new();
            hasher.update_reader(fs_err::File::open(&path)?)?;
            let file = FileOf {
                bytes: hasher.count(),
                blake3: hasher.finalize().to_hex().to_string(),
            };
            files.insert(relative(&path, folder), file);
        }
        Ok(Manifest { arithmetic, files })
    }

    /// That of a shard's folder; `None` where the shard isn't done.
    pub(super) fn read(folder: &Path) -> Result<Option<Self>> {
        let place = folder.join(MANIFEST);
        let text = match fs_err::read_to_string(&place) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let manifest = serde_json::from_str(&text).map_err(|error| {
            let message = format!(
                "this is not the manifest of a shard ({error}); remove {}",
                folder.display()
            );
            Error::invalid(&place, message)
        })?;
        Ok(Some(manifest))
    }

    /// The files that are not what this says, in words for a user.
    pub(super) fn difference(&self, other: &Manifest) -> Option<String> {
        if self.arithmetic != other.arithmetic {
            return Some(format!(
                "one was computed by {} and the other by {}",
                self.arithmetic, other.arithmetic
            ));
        }
        let names = self.files.keys().chain(other.files.keys());
        let name = names
            .into_iter()
            .find(|name| self.files.get(*name) != other.files.get(*name))?;
        Some(format!("{name} has other bytes"))
    }
}

/// All files below a folder but a manifest, in order.
pub(super) fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        for entry in fs_err::read_dir(next)? {
            let path = entry?.path();
            match path.is_dir() {
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|path| *path != folder.join(MANIFEST));
    files.sort();
    Ok(files)
}

/// A path below a folder, with `/` between its parts.
pub(super) fn relative(path: &Path, folder: &Path) -> String {
    let inside = path.strip_prefix(folder).unwrap_or(path);
    inside.to_string_lossy().replace('\\', "/")
}
