//! A folder for the cache of one test, and what is found in it.

use std::path::{Path, PathBuf};
use std::time::Duration;

use hub::{Environment, Progress, Request, Result, Token, fetch};
use tempfile::TempDir;

use crate::hub::{Hub, NAME};

pub struct Place {
    pub home: TempDir,
    pub environment: Environment,
}

impl Place {
    pub fn new(endpoint: &str) -> Self {
        let home = tempfile::tempdir().unwrap();
        let environment = Environment {
            cache: home.path().join("hub"),
            endpoint: endpoint.to_owned(),
            token: None,
            offline: false,
            timeout: Duration::from_secs(20),
            pause: Duration::from_millis(1),
        };
        Place { home, environment }
    }

    pub fn of(hub: &Hub) -> Self {
        Self::new(&hub.server.address)
    }

    pub fn with_token(hub: &Hub, token: &str) -> Self {
        let mut place = Self::of(hub);
        place.environment.token = Token::new(token);
        place
    }

    pub fn fetch(&self) -> Result<PathBuf> {
        fetch(&self.environment, &Request::new(NAME), &mut ())
    }

    pub fn error(&self) -> String {
        self.fetch().unwrap_err().to_string()
    }

    pub fn repository(&self) -> PathBuf {
        self.environment.cache.join("models--owner--name")
    }

    pub fn blob(&self, name: &str) -> PathBuf {
        self.repository().join("blobs").join(name)
    }

    pub fn blobs(&self) -> Vec<String> {
        names(&self.repository().join("blobs"))
    }
}

/// What a fetch said.
#[derive(Debug, Default)]
pub struct Heard {
    pub bytes: Vec<(u64, u64)>,
    pub warnings: Vec<String>,
}

impl Progress for Heard {
    fn bytes(&mut self, done: u64, total: u64) {
        self.bytes.push((done, total));
    }

    fn warning(&mut self, message: &str) {
        self.warnings.push(message.to_owned());
    }
}

/// In a folder, sorted; a folder that isn't there has none.
pub fn names(folder: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(folder).into_iter().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

pub fn assert_says(error: &str, parts: &[&str]) {
    for part in parts {
        assert!(error.contains(part), "{part:?} is missing in {error:?}");
    }
}
