use std::fs::TryLockError;
use std::io::{ErrorKind, Read};
use std::path::Path;

use fs_err::{File, OpenOptions};
use ureq::http::header::CONTENT_RANGE;
use ureq::http::{HeaderMap, StatusCode};

use crate::cache::Cache;
use crate::client::{Client, Remote, broken};
use crate::partial::{Damage, Partial};
use crate::patience::Patience;
use crate::progress::Meter;
use crate::trouble::Trouble;
use crate::{Environment, Error, Request, Result};

/// Downloads the contents of files into the cache.
pub(crate) struct Downloader<'a> {
    pub environment: &'a Environment,
    pub request: &'a Request,
    pub cache: &'a Cache,
    pub client: &'a Client<'a>,
    pub commit: &'a str,
}

impl Downloader<'_> {
    /// Returns when the blob is there, complete and verified. Of several processes one downloads,
    /// and the others wait.
    ///
    /// # Errors
    /// [`Error::Interrupted`], [`Error::Damaged`], [`Error::DiskFull`], what the hub refuses, and
    /// [`Error::Io`].
    pub fn bring(&self, remote: &Remote, meter: &mut Meter<'_>) -> Result<()> {
        let blob = self.cache.blob(&remote.checksum);
        fs_err::create_dir_all(blob.parent().unwrap_or(Path::new(".")))?;
        let lock = self.cache.lock(&remote.checksum);
        let _held = hold(&lock, || {
            meter.warning(&format!(
                "another process downloads {}; waiting for it",
                remote.name
            ));
        })?;
        if is_there(&blob, remote.size)? {
            meter.file_done(remote.size);
            return Ok(());
        }
        if let Err(first) = self.bring_once(remote, &blob, meter)? {
            meter.warning(&format!(
                "{} came damaged ({} instead of {}); downloading it again",
                remote.name, first.found, first.expected
            ));
            if let Err(damage) = self.bring_once(remote, &blob, meter)? {
                return Err(Error::Damaged {
                    repository: self.request.repository.clone(),
                    file: remote.name.clone(),
                    expected: damage.expected,
                    found: damage.found,
                });
            }
        }
        meter.file_done(remote.size);
        Ok(())
    }

    fn bring_once(&self, remote: &Remote, blob: &Path, meter: &mut Meter<'_>) -> Result<Result<(), Damage>> {
        let path = self.cache.partial(&remote.checksum);
        let mut partial = Partial::open(&self.request.repository, remote, path)?;
        let mut patience = Patience::new(self.environment.pause);
        meter.file_at(partial.length());
        while !partial.is_whole() {
            let before = partial.length();
            let reason = match self.go_on(remote, &mut partial, meter) {
                Ok(()) => "the connection was closed".to_owned(),
                Err(Trouble::Final(error)) => return Err(error),
                Err(Trouble::Passing(reason)) => reason,
                Err(Trouble::NoSuchRange) => {
                    partial.restart()?;
                    "the server doesn't have the rest".to_owned()
                }
            };
            let came = partial.length().saturating_sub(before);
            if !partial.is_whole() && !patience.allows_another(came) {
                return Err(Error::Interrupted {
                    repository: self.request.repository.clone(),
                    file: remote.name.clone(),
                    reason,
                    done: partial.length(),
                    size: remote.size,
                });
            }
        }
        partial.finish(blob)
    }

    /// Makes one request for what is missing. `Ok` says that the server sent all it would, not that
    /// it is enough.
    fn go_on(
        &self,
        remote: &Remote,
        partial: &mut Partial<'_>,
        meter: &mut Meter<'_>,
    ) -> Result<(), Trouble> {
        let from = partial.length();
        let response = self.client.content(self.commit, &remote.name, from)?;
        if from > 0 && response.status() != StatusCode::PARTIAL_CONTENT {
            // The server doesn't support ranges and sends the file from its start.
            partial.restart().map_err(Trouble::Final)?;
        } else if from > 0 && !starts_at(response.headers(), from) {
            return Err(Trouble::NoSuchRange);
        }
        let mut body = response.into_body().into_reader();
        let mut buffer = vec![0; 1 << 18];
        while !partial.is_whole() {
            match body.read(&mut buffer) {
                Ok(0) => break,
                Ok(read) => partial.append(&buffer[..read]).map_err(Trouble::Final)?,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(Trouble::Passing(broken(&error))),
            }
            meter.file_at(partial.length());
        }
        Ok(())
    }
}

/// A blob of another size was damaged by someone, and is deleted.
fn is_there(blob: &Path, size: u64) -> Result<bool> {
    match fs_err::metadata(blob) {
        Ok(metadata) if metadata.len() == size => Ok(true),
        Ok(_) => {
            fs_err::remove_file(blob)?;
            Ok(false)
        }
        Err(_) => Ok(false),
    }
}

/// The lock lasts as long as the file. `None`: this disk has no locks, and the checksum must
/// suffice.
fn hold(path: &Path, waiting: impl FnOnce()) -> Result<Option<File>> {
    fs_err::create_dir_all(path.parent().unwrap_or(Path::new(".")))?;
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .open(path)?;
    let error = match file.file().try_lock() {
        Ok(()) => return Ok(Some(file)),
        Err(TryLockError::Error(error)) => error,
        Err(TryLockError::WouldBlock) => {
            waiting();
            match file.lock() {
                Ok(()) => return Ok(Some(file)),
                Err(error) => error,
            }
        }
    };
    match error.kind() {
        ErrorKind::Unsupported => Ok(None),
        _ => Err(error.into()),
    }
}

fn starts_at(headers: &HeaderMap, offset: u64) -> bool {
    let range = headers.get(CONTENT_RANGE).and_then(|value| value.to_str().ok());
    range.is_some_and(|range| range.starts_with(&format!("bytes {offset}-")))
}
