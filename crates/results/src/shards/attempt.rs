use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::manifest::{MANIFEST, Manifest, files_below};
use crate::{Error, Result};

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

/// Removes attempts whose process is gone: those of this host that has no such process, and those
/// that nobody has touched for a week.
pub(super) fn sweep(key: &Path) -> Result<()> {
    for entry in fs_err::read_dir(key)? {
        let entry = entry?;
        let name = entry.file_name().to_string_lossy().into_owned();
        let own = name.strip_prefix('.').and_then(|name| name.rsplit_once('.'));
        let Some((rest, process)) = own else {
            continue;
        };
        let is_ours = rest.ends_with(&format!(".{}", host()));
        let is_gone = match is_ours && Path::new("/proc/self").exists() {
            true => !Path::new("/proc").join(process).exists(),
            false => age(&entry.path()).is_some_and(|age| age > FORGOTTEN),
        };
        if is_gone {
            remove(&entry.path())?;
        }
    }
    Ok(())
}

const FORGOTTEN: Duration = Duration::from_secs(7 * 24 * 60 * 60);

fn age(path: &Path) -> Option<Duration> {
    let touched = fs_err::metadata(path).ok()?.modified().ok()?;
    SystemTime::now().duration_since(touched).ok()
}

/// This process among those of all machines, as the end of a file's name.
pub(super) fn this_process() -> String {
    format!("{}.{}", host(), std::process::id())
}

/// The name of this machine, as far as a file name can hold it.
fn host() -> String {
    let name = fs_err::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    let name: String = name
        .trim()
        .chars()
        .map(|letter| {
            if letter.is_ascii_alphanumeric() {
                letter
            } else {
                '-'
            }
        })
        .collect();
    match name.is_empty() {
        true => "host".to_owned(),
        false => name,
    }
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
