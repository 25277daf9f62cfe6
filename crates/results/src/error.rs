use std::io;
use std::path::{Path, PathBuf};

/// What is done here, or why it can't be.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Everything that can be wrong with a file. Each message names the file, the place in it, and what
/// to do.
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
    /// A Parquet or Arrow file could not be written or read.
    #[error("{}: {source}", path.display())]
    Parquet {
        /// The file.
        path: PathBuf,
        /// What the library says.
        source: parquet::errors::ParquetError,
    },
    /// The pipeline file can't be used.
    #[error(transparent)]
    Pipeline(#[from] pipeline::Error),
}

impl Error {
    /// An error about what a file says.
    pub fn invalid(path: impl AsRef<Path>, message: impl Into<String>) -> Self {
        Error::Invalid {
            path: path.as_ref().to_owned(),
            message: message.into(),
        }
    }

    pub(crate) fn parquet<E: Into<parquet::errors::ParquetError>>(path: &Path) -> impl FnOnce(E) -> Error {
        let path = path.to_owned();
        move |source| Error::Parquet {
            path,
            source: source.into(),
        }
    }
}
