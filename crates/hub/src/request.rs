use crate::{Error, Result};
use files::hub_cache::is_commit;
use files::model_folder::{GgufPart, is_inside};

/// What to download.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `owner/name`.
    pub repository: String,
    /// A branch, a tag or a commit hash.
    pub revision: String,
    /// Only this file instead of what a safetensors model consists of; a GGUF file in parts, by its
    /// first, comes with all of them.
    pub file: Option<String>,
    /// An adapter of PEFT instead of a model.
    pub is_adapter: bool,
}

impl Request {
    /// The branch that is meant when none is named.
    pub const MAIN: &str = "main";

    /// The model on the main branch.
    pub fn new(repository: impl Into<String>) -> Self {
        Request {
            repository: repository.into(),
            revision: Request::MAIN.to_owned(),
            file: None,
            is_adapter: false,
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
            ..
        } = self;
        if repository.split('/').count() != 2 || !is_safe(repository) || repository.contains("--") {
            return Err(Error::Invalid(format!(
                "{repository:?} is not a model of the hub; its name has the form owner/name, as in google/gemma-3-1b-it"
            )));
        }
        if !is_safe(revision) {
            return Err(Error::Invalid(format!(
                "{repository}: {revision:?} is not a revision; name a branch, a tag or a commit hash"
            )));
        }
        let part = file.as_deref().and_then(GgufPart::of);
        if let Some(problem) = part.and_then(|part| part.problem()) {
            return Err(Error::Invalid(format!("{repository}: {problem}")));
        }
        match file {
            Some(file) if !is_inside(file) => Err(Error::Invalid(format!(
                "{repository}: {file:?} is not a file of a repository; name it as the hub lists it"
            ))),
            _ => Ok(()),
        }
    }

    /// A commit never changes, so that the cache alone can answer.
    pub(crate) fn names_a_commit(&self) -> bool {
        is_commit(&self.revision)
    }
}

fn is_safe(name: &str) -> bool {
    is_inside(name)
        && name
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || "/._-+@=".contains(c))
}
