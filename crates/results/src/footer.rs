use std::collections::BTreeMap;
use std::path::Path;

use parquet::file::metadata::{FileMetaData, KeyValue};

use crate::{Error, Result};

/// The footer of every table: what the rows are of, and which version of the schema they follow.
///
/// Keys are written with the prefix `roleswap.`. No clock and no path goes in here: the same inputs
/// give the same bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata(BTreeMap<String, String>);

const PREFIX: &str = "roleswap.";

/// What all tables of a run have in common.
const OF_THE_MODEL: &[&str] = &[
    "model_fingerprint",
    "weights_fingerprint",
    "template_hash",
    "layers",
    "hidden_size",
];

/// An entry of a footer that is another one in the first table of the run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disagreement {
    /// The entry's key.
    pub key: &'static str,
    /// What this footer says.
    pub found: String,
    /// What the other one says.
    pub expected: String,
}

impl Disagreement {
    /// What is wrong; `first` is the first table's file.
    pub fn in_words(&self, first: &Path) -> String {
        let Disagreement { key, found, expected } = self;
        format!(
            "the footer says `{key}` = {found}, but {} says {expected}",
            first.display()
        )
    }
}

impl Metadata {
    /// The same with one more entry.
    pub fn with(mut self, key: &str, value: impl ToString) -> Self {
        self.0.insert(key.to_owned(), value.to_string());
        self
    }

    /// The same with these entries.
    pub fn with_all<'a>(self, entries: impl IntoIterator<Item = (&'a str, String)>) -> Self {
        let with = |all: Self, (key, value): (&str, String)| all.with(key, value);
        entries.into_iter().fold(self, with)
    }

    /// The entry under a key.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    /// All entries, in the order of their keys.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(key, value)| (key.as_str(), value.as_str()))
    }

    /// All entries but those of the table itself, to hand on to the tables that are made from this
    /// one.
    pub fn inherited(&self) -> Self {
        let own = ["schema", "schema_version", "layer"];
        Metadata(
            self.0
                .iter()
                .filter(|(key, _)| !own.contains(&key.as_str()))
                .map(|(k, v)| (k.clone(), v.clone()))
                .collect(),
        )
    }

    /// The entries in which this footer is of another model than `first`, which all tables of a run
    /// agree on.
    pub fn disagreements(&self, first: &Metadata) -> Vec<Disagreement> {
        let value = |footer: &Metadata, key: &str| footer.get(key).unwrap_or("none").to_owned();
        let all = OF_THE_MODEL.iter().map(|key| Disagreement {
            key,
            found: value(self, key),
            expected: value(first, key),
        });
        all.filter(|entry| entry.found != entry.expected).collect()
    }

    /// The number under `key`, for the readers that need it; `path` is for the message.
    pub fn number(&self, path: &Path, key: &str) -> Result<usize> {
        self.get(key).and_then(|text| text.parse().ok()).ok_or_else(|| {
            Error::invalid(
                path,
                format!("the footer has no number `{PREFIX}{key}`; make the table again with this version"),
            )
        })
    }
}

impl Metadata {
    /// What the footer of a file says.
    pub(crate) fn of_file(file: &FileMetaData) -> Self {
        let entries = file.key_value_metadata().cloned().unwrap_or_default();
        let own = entries.into_iter().filter_map(|entry| {
            let key = entry.key.strip_prefix(PREFIX)?.to_owned();
            Some((key, entry.value.unwrap_or_default()))
        });
        Metadata(own.collect())
    }

    /// The same as Parquet has it.
    pub(crate) fn entries(&self) -> Vec<KeyValue> {
        self.iter()
            .map(|(key, value)| KeyValue::new(format!("{PREFIX}{key}"), value.to_owned()))
            .collect()
    }
}
