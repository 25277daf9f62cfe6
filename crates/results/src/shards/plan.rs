use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// One range of a stage's work: of prompts, of texts, of doses.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Shard {
    /// The first row.
    pub start: usize,
    /// The row behind the last one.
    pub end: usize,
    /// Of what the rows say, [`hash_of_rows`].
    pub hash: String,
}

/// How a stage's work is cut, and what its shards must agree on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Plan {
    /// The ranges, in order and without a gap.
    pub shards: Vec<Shard>,
    /// What only all rows together can say, in the stage's own words.
    pub common: serde_json::Value,
}

impl Plan {
    /// Whether the work is not cut at all.
    pub fn is_whole(&self) -> bool {
        self.shards.len() == 1
    }

    /// The ranges of at most `size` rows that `rows` rows have; `hash` is that of a range's rows.
    pub fn even(
        rows: usize,
        size: usize,
        common: serde_json::Value,
        hash: impl Fn(usize, usize) -> String,
    ) -> Self {
        let starts = (0..rows.max(1)).step_by(size.max(1));
        let shards = starts.map(|start| {
            let end = rows.min(start + size.max(1));
            Shard {
                start,
                end,
                hash: hash(start, end),
            }
        });
        Plan {
            shards: shards.collect(),
            common,
        }
    }

    /// The name of a shard's folder.
    pub(super) fn name(&self, number: usize) -> String {
        format!("{number:05}-{}", self.shards[number].hash)
    }
}

/// The hash that a [`Shard`] has of its rows.
pub fn hash_of_rows<'a>(rows: impl IntoIterator<Item = &'a str>) -> String {
    let mut hasher = blake3::Hasher::new();
    for row in rows {
        // The length in front keeps `ab` + `c` apart from `a` + `bc`.
        hasher.update(&(row.len() as u64).to_le_bytes());
        hasher.update(row.as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

/// A plan as a file, for processes that run its shards: also what they must find unchanged.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PlanFile {
    pub format: u32,
    pub stage: String,
    /// Of the pipeline file and the overrides.
    pub pipeline: String,
    /// Of the program that made the plan.
    pub program: String,
    pub plan: Plan,
}

/// Raised when the meaning of a field changes.
pub(super) const FORMAT: u32 = 1;

impl PlanFile {
    /// Writes it under a name that follows from what it says.
    pub(super) fn write(&self, folder: &Path) -> Result<PathBuf> {
        let text = serde_json::to_string(self).map_err(|error| Error::invalid(folder, error.to_string()))?;
        let place = folder.join(format!("plan-{}.json", hash_of_rows([text.as_str()])));
        if !place.is_file() {
            super::attempt::write_whole(&place, &text)?;
        }
        Ok(place)
    }

    pub(super) fn read(place: &Path) -> Result<Self> {
        let text = fs_err::read_to_string(place)?;
        let read: PlanFile = serde_json::from_str(&text).map_err(|error| {
            Error::invalid(
                place,
                format!("this is not the plan of a stage ({error}); submit again"),
            )
        })?;
        match read.format == FORMAT && !read.plan.shards.is_empty() {
            true => Ok(read),
            false => Err(Error::invalid(
                place,
                "this plan is of another version; submit again",
            )),
        }
    }
}
