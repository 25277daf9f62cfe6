//! What was submitted last: written by whoever submits, read by `status` and `cancel`.

use std::path::Path;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Submission {
    /// The numbers of its jobs.
    pub jobs: Vec<String>,
    /// The stage whose shards they make.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stage: Option<String>,
    /// The plan of the shards.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub plan: Option<String>,
}

const FILE: &str = "submission.toml";

impl Submission {
    pub fn new(jobs: Vec<String>, shards: Option<(&str, &str)>) -> Submission {
        Submission {
            jobs,
            stage: shards.map(|(stage, _)| stage.to_owned()),
            plan: shards.map(|(_, plan)| plan.to_owned()),
        }
    }

    /// The last one, where there is any.
    pub fn read(folder: &Path) -> Result<Option<Submission>> {
        match fs_err::read_to_string(folder.join(FILE)) {
            Ok(text) => {
                let read = toml::from_str(&text);
                Ok(Some(read.with_context(|| {
                    format!("{} cannot be understood; remove it", folder.join(FILE).display())
                })?))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    /// Atomic, as a lock is.
    pub fn write(&self, folder: &Path) -> Result<()> {
        fs_err::create_dir_all(folder)?;
        let temporary = folder.join(format!("{FILE}.tmp"));
        fs_err::write(&temporary, toml::to_string(self)?)?;
        fs_err::File::open(&temporary)?.sync_all()?;
        Ok(fs_err::rename(temporary, folder.join(FILE))?)
    }
}
