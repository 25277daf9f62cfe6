//! Remembers the hashes of big files, so that gigabytes of weights are not read at every call.
//!
//! A remembered hash is used only while size and modification time are what they were. Both can be
//! forged (`touch -r`, `rsync --times`), which is why small files are always read.

use std::{
    collections::BTreeMap,
    fs::Metadata,
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime},
};

use serde::{Deserialize, Serialize};

/// Files below this size are cheaper to read than to remember.
pub const REMEMBERED_FROM_BYTES: u64 = 16 * 1024 * 1024;

/// A file modified this shortly before it was read may change again within the same tick of the
/// file system's clock.
const SETTLED_AFTER: Duration = Duration::from_secs(2);

/// The file of the memo, in the folder of all results.
pub const HASH_MEMO: &str = ".hash-memo.toml";

/// Hashes of files by path, size and time, in hexadecimal digits of blake3.
#[derive(Debug, Default)]
pub struct HashMemo {
    file: PathBuf,
    from_bytes: u64,
    entries: BTreeMap<String, Entry>,
    changed: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    bytes: u64,
    modified_ns: i64,
    hash: String,
}

impl HashMemo {
    /// A memo that is absent or cannot be read is empty: it only saves time.
    pub fn load(file: PathBuf, from_bytes: u64) -> HashMemo {
        let text = fs_err::read_to_string(&file).unwrap_or_default();
        let entries = toml::from_str(&text).unwrap_or_default();
        HashMemo {
            file,
            from_bytes,
            entries,
            changed: false,
        }
    }

    /// The memo as a stage uses it, which only recalls.
    pub fn read(file: &Path) -> HashMemo {
        HashMemo::load(file.to_owned(), REMEMBERED_FROM_BYTES)
    }

    /// The hash of a file, if it is as it was when it was hashed.
    pub fn of(&self, path: &Path) -> Option<String> {
        self.recall(path, &fs_err::metadata(path).ok()?)
    }

    /// The hash of a file that is `now` so, if it was so when it was hashed.
    pub fn recall(&self, path: &Path, now: &Metadata) -> Option<String> {
        let entry = self.entries.get(&key(path))?;
        let same = entry.bytes == now.len() && Some(entry.modified_ns) == modified_ns(now);
        same.then(|| entry.hash.clone())
    }

    /// `before` was taken before the file was read: had it changed since, the times would differ.
    pub fn learn(&mut self, path: &Path, before: &Metadata, hash: &str) {
        if before.len() < self.from_bytes || !settled(before) || !unchanged(path, before) {
            return;
        }
        let Some(modified_ns) = modified_ns(before) else {
            return;
        };
        let entry = Entry {
            bytes: before.len(),
            modified_ns,
            hash: hash.to_owned(),
        };
        self.entries.insert(key(path), entry);
        self.changed = true;
    }

    /// Failing to save costs time at the next call and has no other effect, so it is not an error.
    pub fn save(&mut self) {
        if self.changed && self.try_save().is_ok() {
            self.changed = false;
        }
    }

    fn try_save(&mut self) -> io::Result<()> {
        self.entries.retain(|path, _| Path::new(path).exists());
        write_atomically(
            &self.file,
            &toml::to_string(&self.entries).map_err(io::Error::other)?,
        )
    }
}

/// Writes a memo as a whole. Pipelines that run side by side share it, so each writes a file of its
/// own before the rename.
///
/// # Errors
/// What the file system says.
pub fn write_atomically(file: &Path, text: &str) -> io::Result<()> {
    if let Some(folder) = file.parent() {
        fs_err::create_dir_all(folder)?;
    }
    let temporary = file.with_extension(format!("toml.{}.tmp", std::process::id()));
    fs_err::write(&temporary, text)?;
    fs_err::rename(&temporary, file)?;
    Ok(())
}

fn key(path: &Path) -> String {
    let absolute = std::path::absolute(path);
    absolute.as_deref().unwrap_or(path).to_string_lossy().into_owned()
}

fn modified_ns(metadata: &Metadata) -> Option<i64> {
    let since_epoch = metadata
        .modified()
        .ok()?
        .duration_since(SystemTime::UNIX_EPOCH)
        .ok()?;
    i64::try_from(since_epoch.as_nanos()).ok()
}

fn settled(metadata: &Metadata) -> bool {
    let age = metadata
        .modified()
        .ok()
        .and_then(|modified| modified.elapsed().ok());
    age.is_some_and(|age| age >= SETTLED_AFTER)
}

fn unchanged(path: &Path, before: &Metadata) -> bool {
    fs_err::metadata(path)
        .is_ok_and(|after| after.len() == before.len() && modified_ns(&after) == modified_ns(before))
}
