use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use crate::{Error, Request, Result};
use files::model_folder::{self, INDEX, OPTIONAL, SINGLE};
use files::text::read_text;

/// The files of one commit in the cache.
pub(crate) struct Snapshot {
    folder: PathBuf,
    /// Holds an empty file for each one that the commit is known not to have. Python keeps it too.
    absent: PathBuf,
}

impl Snapshot {
    pub fn new(repository: &Path, folder: PathBuf, commit: &str) -> Self {
        Snapshot {
            folder,
            absent: repository.join(".no_exist").join(commit),
        }
    }

    /// What a fetch returns.
    pub fn answer(&self, request: &Request) -> PathBuf {
        match &request.file {
            Some(file) => self.folder.join(file),
            None => self.folder.clone(),
        }
    }

    /// A link counts when its blob is there.
    pub fn has(&self, file: &str) -> bool {
        self.folder.join(file).is_file()
    }

    /// The files that the request needs and the cache lacks. What the loader could not do without
    /// counts; see [`is_certain`](Self::is_certain) for the rest.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        if request.is_adapter {
            return model_folder::missing_of_adapter(&self.folder);
        }
        model_folder::missing(&self.folder, request.file.as_deref())
    }

    /// Whether it is also known of each optional file that it is here or that the commit has none,
    /// and that the index, where there is one, is not beside a single file. A transfer that Python
    /// did not finish may lack one.
    pub fn is_certain(&self, request: &Request) -> bool {
        let known = |file: &str| self.has(file) || self.absent.join(file).is_file();
        request.file.is_some() || request.is_adapter || OPTIONAL.into_iter().chain([SINGLE]).all(known)
    }

    /// Records that the commit has no such file. A failure does no harm: the hub will be asked
    /// again.
    pub fn remember_absent(&self, file: &str) {
        let mark = self.absent.join(file);
        if !mark.exists() && std::fs::create_dir_all(&self.absent).is_ok() {
            let _ = std::fs::write(mark, "");
        }
    }

    /// The files that the index names.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file is not an index, or names a file outside of the snapshot;
    /// [`Error::Io`] when it can't be read.
    pub fn shards(&self) -> Result<BTreeSet<String>> {
        let path = self.folder.join(INDEX);
        let invalid = |problem| Error::Invalid(format!("{}: {problem}", path.display()));
        model_folder::shards(&read_text(&path)?).map_err(invalid)
    }

    /// Gives `file` the blob's content by a relative link, as Python does, so that the cache may be
    /// moved.
    ///
    /// # Errors
    /// When neither a link nor a copy can be made.
    pub fn link(&self, file: &str, blob: &Path) -> Result<()> {
        let place = self.folder.join(file);
        if place.is_file() {
            return Ok(());
        }
        let parent = place.parent().unwrap_or(&self.folder);
        fs_err::create_dir_all(parent)?;
        // From the folder of the file through `snapshots/<commit>` to the folder of the repository.
        let mut target: PathBuf = file.split('/').map(|_| "..").collect();
        target.push("..");
        target.push("blobs");
        target.push(blob.file_name().unwrap_or_default());
        if place.is_symlink() {
            // It points to a blob that no longer exists.
            fs_err::remove_file(&place)?;
        }
        match symlink(&target, &place) {
            Ok(()) => Ok(()),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && place.is_file() => Ok(()),
            Err(_) => copy(blob, parent, &place),
        }
    }
}

#[cfg(unix)]
fn symlink(target: &Path, place: &Path) -> io::Result<()> {
    std::os::unix::fs::symlink(target, place)
}

#[cfg(not(unix))]
fn symlink(_target: &Path, _place: &Path) -> io::Result<()> {
    Err(ErrorKind::Unsupported.into())
}

/// For a disk without links. The file appears whole.
fn copy(blob: &Path, folder: &Path, place: &Path) -> Result<()> {
    let file = tempfile::Builder::new()
        .prefix(".tmp")
        .make_in(folder, |path| fs_err::File::create_new(path))?;
    fs_err::copy(blob, file.path())?;
    file.persist(place).map_err(|error| error.error)?;
    Ok(())
}
