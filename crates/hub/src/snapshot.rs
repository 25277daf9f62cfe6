use std::collections::BTreeSet;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::request::is_safe_path;
use crate::selection::{INDEX, OPTIONAL, REQUIRED, SINGLE};
use crate::{Error, Request, Result};

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

    /// The files that the request needs and the cache lacks. What the loader could not do without counts; see
    /// [`is_certain`](Self::is_certain) for the rest.
    pub fn missing(&self, request: &Request) -> Vec<String> {
        let needed = match &request.file {
            Some(file) => vec![file.clone()],
            None => {
                let mut needed: Vec<_> = REQUIRED.map(str::to_owned).into();
                match self.has(INDEX).then(|| self.shards()) {
                    Some(Ok(shards)) => needed.extend(shards),
                    Some(Err(_)) => needed.push(INDEX.to_owned()),
                    None => needed.push(SINGLE.to_owned()),
                }
                needed
            }
        };
        needed.into_iter().filter(|file| !self.has(file)).collect()
    }

    /// Whether it is known of each optional file too that it is here or that the commit has none. A transfer that
    /// Python did not finish may lack one.
    pub fn is_certain(&self, request: &Request) -> bool {
        let known = |file: &str| self.has(file) || self.absent.join(file).is_file();
        request.file.is_some() || OPTIONAL.into_iter().all(known)
    }

    /// Writes down that the commit has no such file. Failing is no harm: the hub will be asked again.
    pub fn remember_absent(&self, file: &str) {
        let mark = self.absent.join(file);
        if !mark.exists() && std::fs::create_dir_all(&self.absent).is_ok() {
            let _ = std::fs::write(mark, "");
        }
    }

    /// The files that the index names.
    ///
    /// # Errors
    /// [`Error::Invalid`] when the file is no index; [`Error::Io`] when it can't be read.
    pub fn shards(&self) -> Result<BTreeSet<String>> {
        let path = self.folder.join(INDEX);
        let invalid =
            |what: &str| Error::Invalid(format!("{}: {what}; choose another revision", path.display()));
        let text = fs_err::read_to_string(&path)?;
        let index: Value =
            serde_json::from_str(&text).map_err(|error| invalid(&format!("this is no JSON ({error})")))?;
        let map = index["weight_map"]
            .as_object()
            .ok_or_else(|| invalid("there is no weight_map in this index"))?;
        let shards = map.values().map(|shard| match shard.as_str() {
            Some(shard) if is_safe_path(shard) => Ok(shard.to_owned()),
            _ => Err(invalid(&format!("{shard} is no name of a file"))),
        });
        shards.collect()
    }

    /// Lets `file` stand for the blob, by a relative link as Python makes it, so that the cache may be moved.
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
            // It points to a blob that is no more.
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
