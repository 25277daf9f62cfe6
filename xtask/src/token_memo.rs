//! Remembers the hash of the tokens of each source file by the hash of its bytes, since lexing all
//! of them takes longer than a run that has nothing to do. Files are read every time: what is
//! remembered follows from the content alone and cannot be out of date.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use anyhow::Result;
use serde::{Deserialize, Serialize};

use files::write_atomically;

#[derive(Debug, Default)]
pub struct TokenMemo {
    file: PathBuf,
    /// The version of what makes a hash of tokens.
    rules: u32,
    known: BTreeMap<String, String>,
    /// What was asked for, which is all that is kept.
    used: BTreeMap<String, String>,
}

/// The file: hash of the bytes -> hash of the tokens, by one version of the rules.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Saved {
    rules: u32,
    tokens: BTreeMap<String, String>,
}

impl TokenMemo {
    /// A memo that is absent, cannot be read or follows other rules is empty: it only saves time.
    pub fn load(file: PathBuf, rules: u32) -> TokenMemo {
        let text = fs_err::read_to_string(&file).unwrap_or_default();
        let saved: Saved = toml::from_str(&text).unwrap_or_default();
        TokenMemo {
            file,
            rules,
            known: if saved.rules == rules {
                saved.tokens
            } else {
                BTreeMap::new()
            },
            used: BTreeMap::new(),
        }
    }

    /// The hash of the tokens of the file with these bytes, computed where it is not known.
    pub fn recall_or(&mut self, bytes: String, compute: impl FnOnce(&str) -> String) -> String {
        let tokens = match self.known.get(&bytes) {
            Some(known) => known.clone(),
            None => compute(&bytes),
        };
        self.used.insert(bytes, tokens.clone());
        tokens
    }

    /// Failing to save costs time at the next call and has no other effect, so it is not an error.
    /// Before the first run there is no folder of results, and `status` makes none.
    pub fn save(self) {
        let has_folder = self.file.parent().is_some_and(Path::is_dir);
        if has_folder && self.used != self.known {
            let _ = self.try_save();
        }
    }

    fn try_save(self) -> Result<()> {
        let saved = Saved {
            rules: self.rules,
            tokens: self.used,
        };
        Ok(write_atomically(&self.file, &toml::to_string(&saved)?)?)
    }
}
