use std::io::{self, ErrorKind};
use std::path::Path;

use machine::free_disk;

use crate::{Error, Result};

/// # Errors
/// [`Error::DiskFull`] when `needed` bytes don't fit on the disk of `folder`, which need not be
/// there yet.
pub(crate) fn require(repository: &str, folder: &Path, needed: u64) -> Result<()> {
    match free_disk(folder) {
        Some(free) if free < needed => Err(full(repository, folder, needed, free)),
        _ => Ok(()),
    }
}

/// Tells a full disk from other failures to write. `left` bytes were still to come.
pub(crate) fn writing(error: io::Error, repository: &str, folder: &Path, left: u64) -> Error {
    match error.kind() {
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => {
            full(repository, folder, left, free_disk(folder).unwrap_or(0))
        }
        _ => Error::Io(error),
    }
}

fn full(repository: &str, folder: &Path, needed: u64, free: u64) -> Error {
    Error::DiskFull {
        repository: repository.to_owned(),
        folder: folder.to_owned(),
        needed,
        free,
    }
}
