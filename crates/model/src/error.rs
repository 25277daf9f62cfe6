use std::path::{Path, PathBuf};

/// A result with an [`Error`] of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a model folder, a device, or what is asked of the model.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The message of the operating system, with the path (every call goes through `fs_err`).
    #[error(transparent)]
    Io(#[from] std::io::Error),
    /// A file of the model folder can't be used; the message names the key or tensor and says what
    /// to do.
    #[error("{}: {message}", path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What is wrong with it, and what to do: `what; advice`.
        message: String,
    },
    /// The model can't do what was asked.
    #[error("{0}")]
    Request(String),
}

impl Error {
    /// [`Error::File`]: a file that can't be used, and why.
    pub fn file(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::File {
            path: path.as_ref().to_owned(),
            message: message.into(),
        }
    }
}
