use std::path::{Path, PathBuf};

use super::attempt::{self, Attempt, Committed, sweep};
use super::manifest::{Manifest, relative};
use super::{Plan, Sharded};
use crate::{Error, Result};
use files::process::this_process;

/// A plan and the folder of its key: which shards are done, and which are not.
pub(super) struct Todo {
    folder: PathBuf,
    pub plan: Plan,
}

impl Todo {
    pub(super) fn new(folder: &Path, plan: Plan) -> Self {
        Todo {
            folder: folder.to_owned(),
            plan,
        }
    }

    fn place(&self, number: usize) -> PathBuf {
        self.folder.join(self.plan.name(number))
    }

    /// The shards that are not there. Each is looked for by its name: the listing of a folder may be out
    /// of date on a network file system.
    pub(super) fn missing(&self) -> Result<Vec<usize>> {
        let mut missing = Vec::new();
        for number in 0..self.plan.shards.len() {
            if Manifest::read(&self.place(number))?.is_none() {
                missing.push(number);
            }
        }
        Ok(missing)
    }

    /// Runs one shard and puts it in place.
    pub(super) fn run<S: Sharded>(&self, stage: &mut S, number: usize) -> Result<(), String> {
        let name = self.plan.name(number);
        let told = |error: Error| error.to_string();
        let attempt = Attempt::begin(&self.folder, &name).map_err(told)?;
        let result = stage.run(&self.plan, number, attempt.path());
        if let Err(error) = &result {
            // So that a shard that fails everywhere can be told from a machine on which everything fails.
            let place = self.folder.join(format!("failed.{number:05}.{}", this_process()));
            let _ = fs_err::write(place, format!("{error:#}\n"));
        }
        result.map_err(|error| format!("shard {number}: {error:#}"))?;
        match attempt.commit(stage.arithmetic()).map_err(told)? {
            Committed::First => tracing::info!("shard {number} of {}: done", self.plan.shards.len()),
            Committed::WasThere => tracing::info!("shard {number}: was there, equal"),
        }
        Ok(())
    }

    /// Puts the files of all shards below `out`, where each is a link to the shard's, and returns the
    /// shards' folders. `apart` names the files that every shard has, which are left out.
    ///
    /// # Errors
    /// Shards that are missing, shards of different arithmetic, and files that are not what was put there.
    pub(super) fn gather(&self, out: &Path, apart: &[&str]) -> Result<Vec<PathBuf>> {
        let missing = self.missing()?;
        if !missing.is_empty() {
            return Err(Error::invalid(
                &self.folder,
                format!(
                    "{} of {} shards are missing ({}); give the same command again, which runs the missing ones alone",
                    missing.len(),
                    self.plan.shards.len(),
                    listed(&missing)
                ),
            ));
        }
        let mut first: Option<String> = None;
        let mut folders = Vec::new();
        for number in 0..self.plan.shards.len() {
            let place = self.place(number);
            let manifest = self.checked(number, &place)?;
            let arithmetic = first.get_or_insert_with(|| manifest.arithmetic.clone());
            if *arithmetic != manifest.arithmetic {
                let message = format!(
                    "this shard was computed by {}, and those before it by {arithmetic}, which differ in the last bits of numbers; \
                     remove the shards of one kind, and run on machines of the other alone",
                    manifest.arithmetic
                );
                return Err(Error::invalid(place, message));
            }
            for name in manifest
                .files
                .keys()
                .filter(|name| !apart.contains(&name.as_str()))
            {
                link(&place.join(name), &out.join(name))?;
            }
            folders.push(place);
        }
        Ok(folders)
    }

    /// The manifest of a shard that is there, with all of its files as it says.
    fn checked(&self, number: usize, place: &Path) -> Result<Manifest> {
        let told = Manifest::read(place)?
            .ok_or_else(|| Error::invalid(place, "this shard is gone; give the same command again"))?;
        let found = Manifest::of(place, told.arithmetic.clone())?;
        match told.difference(&found) {
            None => Ok(told),
            Some(difference) => Err(Error::invalid(
                place,
                format!(
                    "shard {number} is not what was put there: {difference}; remove this folder and give the same command again"
                ),
            )),
        }
    }

    /// Removes what this plan, whose file is `plan`, doesn't name: shards of rows that are no longer there, other plans,
    /// attempts whose process is gone, and the folders of other keys.
    pub(super) fn tidy(&self, plan: Option<&Path>) -> Result<()> {
        sweep(&self.folder)?;
        let names: Vec<String> = (0..self.plan.shards.len())
            .map(|number| self.plan.name(number))
            .collect();
        for entry in fs_err::read_dir(&self.folder)? {
            let entry = entry?;
            let name = entry.file_name().to_string_lossy().into_owned();
            let is_shard = entry.path().is_dir() && name.starts_with(|first: char| first.is_ascii_digit());
            if is_shard && !names.contains(&name) {
                attempt::remove(&entry.path())?;
            } else if name.starts_with("failed.")
                || (name.starts_with("plan-") && plan.is_none_or(|plan| !plan.ends_with(&name)))
            {
                fs_err::remove_file(entry.path())?;
            }
        }
        let Some(all) = self.folder.parent() else {
            return Ok(());
        };
        for entry in fs_err::read_dir(all)? {
            let path = entry?.path();
            if path.is_dir() && path != self.folder {
                attempt::remove(&path)?;
            }
        }
        Ok(())
    }
}

/// Numbers for a message; many of them are cut.
fn listed(numbers: &[usize]) -> String {
    let shown: Vec<String> = numbers.iter().take(10).map(usize::to_string).collect();
    match numbers.len() > shown.len() {
        true => format!("{}, …", shown.join(", ")),
        false => shown.join(", "),
    }
}

/// Gives a file a second name, or copies it where the file system has no such links.
fn link(from: &Path, to: &Path) -> Result<()> {
    if let Some(folder) = to.parent() {
        fs_err::create_dir_all(folder)?;
    }
    if to.exists() {
        let message = format!(
            "two shards have a file {}; this is a bug, please report it",
            relative(to, to)
        );
        return Err(Error::invalid(from, message));
    }
    if fs_err::hard_link(from, to).is_err() {
        fs_err::copy(from, to)?;
    }
    Ok(())
}
