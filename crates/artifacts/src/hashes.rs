use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

use serde::Deserialize;

/// The hashes of large files that `cargo xtask` has computed and keeps beside the results, so that a stage need not read
/// gigabytes of weights to name the model that it ran.
#[derive(Clone, Debug, Default)]
pub struct RememberedHashes(BTreeMap<String, Entry>);

#[derive(Clone, Debug, Deserialize)]
struct Entry {
    bytes: u64,
    modified_ns: i64,
    hash: String,
}

impl RememberedHashes {
    /// A file that is absent or can't be read remembers nothing: it only saves time.
    pub fn read(path: &Path) -> Self {
        let text = fs_err::read_to_string(path).unwrap_or_default();
        RememberedHashes(toml::from_str(&text).unwrap_or_default())
    }

    /// The blake3 hash of a file in hexadecimal digits, if size and time are still those of when it was hashed.
    pub fn of(&self, path: &Path) -> Option<&str> {
        let absolute = std::path::absolute(path).ok()?;
        let entry = self.0.get(absolute.to_string_lossy().as_ref())?;
        let metadata = fs_err::metadata(path).ok()?;
        let modified = metadata
            .modified()
            .ok()?
            .duration_since(SystemTime::UNIX_EPOCH)
            .ok()?;
        let same =
            entry.bytes == metadata.len() && i128::from(entry.modified_ns) == modified.as_nanos() as i128;
        same.then_some(entry.hash.as_str())
    }
}
