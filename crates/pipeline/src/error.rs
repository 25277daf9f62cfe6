use std::io;
use std::path::{Path, PathBuf};

/// What is done here, or why it can't be.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What can be wrong with a pipeline file, an override or a file of prompts. Each message names the
/// place and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message of the operating system, with the path (every call goes through `fs_err`).
    #[error(transparent)]
    Io(#[from] io::Error),
    /// The file was read, but what it says can't be used.
    #[error("{}: {message}", path.display())]
    Invalid {
        /// The file.
        path: PathBuf,
        /// What is wrong, and what to do.
        message: String,
    },
    /// The command line can't be used.
    #[error("{0}")]
    Usage(String),
}

impl Error {
    pub(crate) fn invalid(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Invalid {
            path: path.as_ref().to_owned(),
            message: message.into(),
        }
    }
}
