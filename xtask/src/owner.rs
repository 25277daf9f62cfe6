//! Whose results a folder holds: two pipeline files with the same name, in two places, would write
//! the same folder in turn.

use anyhow::{Result, bail};

use files::read_text;

use crate::{lock::Lock, project::Project, stage::STAGES};

/// An error where the results under this name are those of another file, which is still there and
/// says something else. A file that was moved, or copied without a change, is the same pipeline.
pub fn require(project: &Project, name: &str, file: &str, text: &str) -> Result<()> {
    for stage in STAGES {
        // A lock that can't be read is reported where it is needed.
        let lock = Lock::read(&project.lock_file(name, stage)).ok().flatten();
        let Some(owner) = lock.and_then(|lock| lock.provenance.pipeline) else {
            continue;
        };
        let is_another =
            owner != file && read_text(&project.resolve(&owner)).is_ok_and(|other| other != text);
        if is_another {
            bail!(
                "{file}: {} holds the results of {owner}, which has the same name and says something else; rename one of the two \
                 files, or remove these results with `cargo xtask clean --pipeline {name}`",
                project.display(&project.results(name))
            );
        }
    }
    Ok(())
}
