use std::path::{Path, PathBuf};

use super::manifest::{MANIFEST, Manifest, files_below};
use crate::{Error, Result};
use files::process::{is_abandoned, this_process};

/// One process's attempt at a shard, in a folder of its own. What it leaves counts from the moment
/// when the folder is renamed.
pub(super) struct Attempt {
    folder: PathBuf,
    place: PathBuf,
}

impl Attempt {
    /// `name` is the shard's, in the folder of its key.
    pub(super) fn begin(key: &Path, name: &str) -> Result<Self> {
        let folder = key.join(format!(".{name}.{}", this_process()));
        remove(&folder)?;
        fs_err::create_dir_all(&folder)?;
        Ok(Attempt {
            folder,
            place: key.join(name),
        })
    }

    pub(super) fn path(&self) -> &Path {
        &self.folder
    }

    /// Puts the shard in place. Where another attempt was first, this one is compared with it and
    /// removed.
    pub(super) fn commit(self, arithmetic: String) -> Result<Committed> {
        let manifest = Manifest::of(&self.folder, arithmetic)?;
        for file in files_below(&self.folder)? {
            fs_err::File::open(file)?.sync_all()?;
        }
        let text = serde_json::to_string_pretty(&manifest)
            .map_err(|error| Error::invalid(&self.folder, error.to_string()))?;
        write_whole(&self.folder.join(MANIFEST), &text)?;
        let renamed = fs_err::rename(&self.folder, &self.place);
        // A network file system may report an error for a rename that was done: what is there decides.
        match (Manifest::read(&self.place)?, renamed) {
            (Some(_), Ok(())) => {
                if let Some(parent) = self.place.parent() {
                    sync_folder(parent)?;
                }
                Ok(Committed::First)
            }
            (Some(there), Err(_)) => match there.difference(&manifest) {
                None => Ok(Committed::WasThere),
                Some(difference) => {
                    let name = self.folder.file_name().unwrap_or_default().to_string_lossy();
                    let kept = self.folder.with_file_name(format!("differs{name}"));
                    fs_err::rename(&self.folder, &kept)?;
                    Err(Error::invalid(
                        &self.place,
                        format!(
                            "two runs of the same shard are not equal ({difference}); both are kept, the later one in {}: compare \
                             their files, and report it if both ran on the same kind of machine",
                            kept.display()
                        ),
                    ))
                }
            },
            (None, Err(error)) => Err(error.into()),
            (None, Ok(())) => Err(Error::invalid(
                &self.place,
                "the manifest is gone right after it was put there; check the file system",
            )),
        }
    }
}

impl Drop for Attempt {
    /// After a commit there is nothing left to remove.
    fn drop(&mut self) {
        let _ = remove(&self.folder);
    }
}

/// How a commit ended.
#[derive(Debug)]
pub(super) enum Committed {
    First,
    WasThere,
}

/// Removes the attempts whose process is gone.
pub(super) fn sweep(key: &Path) -> Result<()> {
    for entry in fs_err::read_dir(key)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with('.') && is_abandoned(&entry.path()) {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

/// Atomic: there is the whole file or none.
pub(super) fn write_whole(place: &Path, text: &str) -> Result<()> {
    let temporary = place.with_extension(format!("{}.tmp", std::process::id()));
    fs_err::write(&temporary, text)?;
    fs_err::File::open(&temporary)?.sync_all()?;
    fs_err::rename(&temporary, place)?;
    if let Some(folder) = place.parent() {
        sync_folder(folder)?;
    }
    Ok(())
}

/// A rename survives a loss of power once its folder is on the disk.
fn sync_folder(folder: &Path) -> Result<()> {
    if cfg!(unix) {
        fs_err::File::open(folder)?.sync_all()?;
    }
    Ok(())
}

pub(super) fn remove(folder: &Path) -> Result<()> {
    match fs_err::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}
