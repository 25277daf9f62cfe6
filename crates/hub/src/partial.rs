use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use fs_err::{File, OpenOptions};

use crate::Result;
use crate::checksum::Digest;
use crate::client::Remote;
use crate::disk;

/// The beginning of a file, under a name that no one mistakes for the file's.
pub(crate) struct Partial<'a> {
    repository: &'a str,
    remote: &'a Remote,
    path: PathBuf,
    file: File,
    /// The digest of all bytes in the file.
    digest: Digest,
    length: u64,
}

/// What is wrong with a file that arrived complete.
#[derive(Debug)]
pub(crate) struct Damage {
    pub expected: String,
    pub found: String,
}

impl<'a> Partial<'a> {
    /// Opens what an earlier attempt left, or an empty file.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when it can't be read or written.
    pub fn open(repository: &'a str, remote: &'a Remote, path: PathBuf) -> Result<Self> {
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .open(&path)?;
        let there = file.metadata()?.len();
        let mut partial = Partial {
            repository,
            remote,
            path,
            file,
            digest: remote.checksum.begin(remote.size),
            length: 0,
        };
        if there > remote.size {
            partial.restart()?;
        } else {
            partial.take_in(there)?;
        }
        Ok(partial)
    }

    pub fn length(&self) -> u64 {
        self.length
    }

    pub fn is_whole(&self) -> bool {
        self.length >= self.remote.size
    }

    /// # Errors
    /// [`Error::DiskFull`](crate::Error::DiskFull), or [`Error::Io`](crate::Error::Io) for another
    /// failure to write.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let left = self.remote.size.saturating_sub(self.length);
        self.file
            .write_all(bytes)
            .map_err(|error| disk::writing(error, self.repository, folder, left))?;
        self.digest.update(bytes);
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Discards what is there.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when it can't be written.
    pub fn restart(&mut self) -> Result<()> {
        self.file.set_len(0)?;
        self.digest = self.remote.checksum.begin(self.remote.size);
        self.length = 0;
        Ok(())
    }

    /// Gives the file its final name if it is what the hub promised, and deletes it if it is not.
    ///
    /// # Errors
    /// [`Error::Io`](crate::Error::Io) when it can't be written, named or deleted.
    pub fn finish(self, blob: &Path) -> Result<Result<(), Damage>> {
        let promised = (self.remote.size, self.remote.checksum.hex());
        let found = (self.length, self.digest.hex());
        if promised == (found.0, found.1.as_str()) {
            let folder = blob.parent().unwrap_or(Path::new("."));
            self.file
                .sync_all()
                .map_err(|error| disk::writing(error, self.repository, folder, 0))?;
            fs_err::rename(&self.path, blob)?;
            return Ok(Ok(()));
        }
        fs_err::remove_file(&self.path)?;
        let (expected, found) = if promised.0 == found.0 {
            (
                format!("checksum {}", promised.1),
                format!("checksum {}", found.1),
            )
        } else {
            (format!("{} bytes", promised.0), format!("{} bytes", found.0))
        };
        Ok(Err(Damage { expected, found }))
    }

    /// Computes the checksum of the first `length` bytes.
    fn take_in(&mut self, length: u64) -> Result<()> {
        let mut buffer = vec![0; 1 << 18];
        while self.length < length {
            let read = self.file.read(&mut buffer)?;
            if read == 0 {
                break;
            }
            self.digest.update(&buffer[..read]);
            self.length += read as u64;
        }
        Ok(())
    }
}
