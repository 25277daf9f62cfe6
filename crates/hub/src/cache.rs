use std::io::Write;
use std::path::{Path, PathBuf};

use hf_hub::{CacheRepo, Repo, RepoType};

use crate::checksum::Checksum;
use crate::snapshot::Snapshot;
use crate::{Environment, Request, Result};

/// The part of the cache that belongs to one repository:
///
/// ```text
/// models--owner--name/blobs/<checksum>
/// models--owner--name/refs/<revision>              holds the commit
/// models--owner--name/snapshots/<commit>/<file>    links to the blob
/// .locks/models--owner--name/<checksum>.lock
/// ```
pub(crate) struct Cache {
    /// The whole cache.
    root: PathBuf,
    repository: String,
    layout: CacheRepo,
    folder: PathBuf,
    locks: PathBuf,
    revision: String,
}

impl Cache {
    pub fn new(environment: &Environment, request: &Request) -> Self {
        let repository = Repo::with_revision(
            request.repository.clone(),
            RepoType::Model,
            request.revision.clone(),
        );
        let name = repository.folder_name();
        Cache {
            root: environment.cache.clone(),
            repository: request.repository.clone(),
            layout: hf_hub::Cache::new(environment.cache.clone()).repo(repository),
            folder: environment.cache.join(&name),
            locks: environment.cache.join(".locks").join(&name),
            revision: request.revision.clone(),
        }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// Where complete, verified content is.
    pub fn blob(&self, checksum: &Checksum) -> PathBuf {
        self.layout.blob_path(checksum.hex())
    }

    /// Where content is while it is downloaded.
    pub fn partial(&self, checksum: &Checksum) -> PathBuf {
        self.layout.blob_path(&format!("{}.incomplete", checksum.hex()))
    }

    /// The holder of its lock may write the blob. Python locks the same file.
    pub fn lock(&self, checksum: &Checksum) -> PathBuf {
        self.locks.join(format!("{}.lock", checksum.hex()))
    }

    pub fn snapshot(&self, commit: &str) -> Snapshot {
        Snapshot::new(&self.folder, self.layout.pointer_path(commit), commit)
    }

    /// The snapshot that the revision named when the hub was last asked.
    pub fn last_snapshot(&self) -> Option<Snapshot> {
        let folder = files::hub_cache::snapshot(&self.root, &self.repository, &self.revision)?;
        let commit = folder.file_name()?.to_str()?.to_owned();
        Some(self.snapshot(&commit))
    }

    /// Records which commit the revision names. Writes nothing when it is known, so that a
    /// read-only cache works too.
    ///
    /// # Errors
    /// When the file can't be written.
    pub fn remember(&self, commit: &str) -> Result<()> {
        let reference = self.reference();
        let known = || std::fs::read_to_string(&reference).is_ok_and(|known| known.trim() == commit);
        if self.revision == commit || known() {
            return Ok(());
        }
        write_atomically(&reference, commit)
    }

    fn reference(&self) -> PathBuf {
        self.folder.join("refs").join(&self.revision)
    }
}

/// Readers of the file see its old content or the new one.
fn write_atomically(path: &Path, content: &str) -> Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    fs_err::create_dir_all(folder)?;
    // A temporary file of the library is for its owner alone, and a cache may be shared.
    let mut file = tempfile::Builder::new()
        .prefix(".tmp")
        .make_in(folder, |path| fs_err::File::create_new(path))?;
    file.write_all(content.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}
