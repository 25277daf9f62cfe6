//! The lock file: what the last run of a stage saw and left. Written last, so that it vouches for a
//! whole result.

use std::{collections::BTreeMap, io::ErrorKind, path::Path, time::SystemTime};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::{hash::Files, stage::Stage};

/// Raised when the meaning of a field changes. 1: the hash of a crate's code was that of its bytes.
pub const FORMAT: u32 = 2;

/// Every field has a default, so that a lock of another format is read as far as its `format`.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Lock {
    pub format: u32,
    pub stage: String,
    pub version: u32,
    #[serde(flatten)]
    pub key: Key,
    pub outputs: Files,
    /// Where the result came from. Not part of what makes a stage stale.
    pub provenance: Provenance,
}

/// Everything outside a stage that its result depends on.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Key {
    /// Dotted key -> printed TOML value. Plain values, so that a reason can name the old and the
    /// new one.
    pub parameters: BTreeMap<String, String>,
    /// Path -> hash.
    pub inputs: BTreeMap<String, String>,
    /// Stage -> combined hash of its outputs.
    pub upstream: BTreeMap<String, String>,
    /// Crate -> hash of its code.
    pub code: BTreeMap<String, String>,
}

impl Key {
    /// The same without some input files.
    pub fn without_inputs(&self, labels: &[String]) -> Key {
        let mut key = self.clone();
        key.inputs.retain(|label, _| !labels.contains(label));
        key
    }

    /// One hash for all of it, short enough for the name of a folder.
    pub fn hash(&self, stage: &Stage) -> String {
        let mut hasher = blake3::Hasher::new();
        let mut add = |text: &str| {
            // The length in front keeps `ab` + `c` apart from `a` + `bc`.
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        };
        add(stage.name);
        add(&stage.version.to_string());
        for map in [&self.parameters, &self.inputs, &self.upstream, &self.code] {
            add(&map.len().to_string());
            for (key, value) in map {
                add(key);
                add(value);
            }
        }
        hasher.finalize().to_hex()[..16].to_owned()
    }
}

#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Provenance {
    #[serde(flatten)]
    pub origin: Origin,
    /// The pipeline file, as messages show it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pipeline: Option<String>,
    pub device: String,
    pub seconds: f64,
    pub finished_unix: u64,
    /// When `accept` last took the result as valid without a run.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub accepted_unix: Option<u64>,
}

/// The code and the compiler that made the binaries.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Origin {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// The tree had changes that no commit holds.
    pub dirty: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rustc: Option<String>,
}

impl Lock {
    /// `None`: no lock. One that cannot be understood has format 0, which no version of xtask
    /// writes.
    pub fn read(path: &Path) -> Result<Option<Lock>> {
        match fs_err::read_to_string(path) {
            Ok(text) => Ok(Some(toml::from_str(&text).unwrap_or_default())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).context("cannot read a lock file"),
        }
    }

    /// Atomic: there is the old lock or the new one, never half of one.
    pub fn write(&self, path: &Path) -> Result<()> {
        let text = toml::to_string(self).context("cannot print a lock file as TOML")?;
        let temporary = path.with_extension("toml.tmp");
        fs_err::write(
            &temporary,
            format!("# Written by cargo xtask; not to be edited.\n{text}"),
        )?;
        fs_err::File::open(&temporary)?.sync_all()?;
        fs_err::rename(&temporary, path)?;
        Ok(())
    }
}

/// The time, as locks record it: seconds since 1970.
pub fn unix_now() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since_epoch| since_epoch.as_secs())
}
