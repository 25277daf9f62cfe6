use crate::{Error, Result};

/// What to bring.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `owner/name`.
    pub repository: String,
    /// A branch, a tag or a commit hash.
    pub revision: String,
    /// Only this file instead of what a safetensors model consists of.
    pub file: Option<String>,
}

impl Request {
    /// The model on the main branch.
    pub fn new(repository: impl Into<String>) -> Self {
        Request {
            repository: repository.into(),
            revision: "main".to_owned(),
            file: None,
        }
    }

    /// Names become parts of paths and addresses, and must not lead elsewhere.
    ///
    /// # Errors
    /// [`Error::Invalid`]: a name that the hub can't have.
    pub(crate) fn check(&self) -> Result<()> {
        let Request {
            repository,
            revision,
            file,
        } = self;
        if repository.split('/').count() != 2 || !is_safe(repository) || repository.contains("--") {
            return Err(Error::Invalid(format!(
                "{repository:?} is no model of the hub; its name has the form owner/name, as in google/gemma-3-1b-it"
            )));
        }
        if !is_safe(revision) {
            return Err(Error::Invalid(format!(
                "{repository}: {revision:?} is no revision; name a branch, a tag or a commit hash"
            )));
        }
        match file {
            Some(file) if !is_safe_path(file) => Err(Error::Invalid(format!(
                "{repository}: {file:?} is no file of a repository; name it as the hub lists it"
            ))),
            _ => Ok(()),
        }
    }

    /// A commit never changes, so that the cache alone can answer.
    pub(crate) fn names_a_commit(&self) -> bool {
        is_commit(&self.revision)
    }
}

pub(crate) fn is_commit(text: &str) -> bool {
    text.len() == 40 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// A relative path below the folder that it is joined to.
pub(crate) fn is_safe_path(path: &str) -> bool {
    path.split('/').all(|part| !matches!(part, "" | "." | ".."))
        && !path.chars().any(|c| c.is_control() || matches!(c, '\\' | ':'))
}

fn is_safe(name: &str) -> bool {
    is_safe_path(name)
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-+@=".contains(c))
}
