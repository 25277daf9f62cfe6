use std::fmt;
use std::path::{Path, PathBuf};

use results::Error;
use serde::Serialize;

/// One violation of the contract.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// Relative to the folder of the run.
    pub file: PathBuf,
    /// None where the whole file or row is meant.
    pub column: Option<String>,
    /// 0-based, in the order of the file.
    pub row: Option<usize>,
    pub problem: String,
}

impl Problem {
    pub fn of_file(file: &Path, problem: impl Into<String>) -> Self {
        Problem {
            file: file.to_owned(),
            column: None,
            row: None,
            problem: problem.into(),
        }
    }

    pub fn of_column(file: &Path, column: &str, problem: impl Into<String>) -> Self {
        Problem {
            column: Some(column.to_owned()),
            ..Problem::of_file(file, problem)
        }
    }

    pub fn of_value(file: &Path, column: &str, row: usize, problem: impl Into<String>) -> Self {
        Problem {
            row: Some(row),
            ..Problem::of_column(file, column, problem)
        }
    }

    /// A reader's error; its message names the file.
    pub fn of_reading(file: &Path, error: &Error) -> Self {
        Problem::of_file(file, error.to_string())
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.file.display())?;
        if let Some(column) = &self.column {
            write!(f, ", column `{column}`")?;
        }
        if let Some(row) = self.row {
            write!(f, ", row {row}")?;
        }
        write!(f, ": {}", self.problem)
    }
}
