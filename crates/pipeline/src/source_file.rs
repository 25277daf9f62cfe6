use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use files::read_text;
use toml::{Table, Value};

use crate::assignment::assign;
use crate::toml_words::{parsed, parsed_table};
use crate::{Error, Pipeline, Result, TABLES};

/// A pipeline file with the assignments of the command line put over it, before anything is known
/// of what its keys mean.
///
/// Both who decides whether a result is stale and who makes it start from here, so that the
/// parameters of a key are the values that are used.
#[derive(Clone, Debug)]
pub struct PipelineFile {
    path: PathBuf,
    text: String,
    tables: Table,
    assignments: Vec<String>,
}

impl PipelineFile {
    /// Reads the file and applies the assignments in their order.
    ///
    /// # Errors
    /// A file that can't be read, is not TOML or has unknown tables, and an assignment that can't
    /// be applied.
    pub fn read(path: &Path, assignments: &[String]) -> Result<Self> {
        Self::of_text(path, read_text(path)?, assignments)
    }

    /// The same for a text that was read already; `path` is where it comes from.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn of_text(path: &Path, text: String, assignments: &[String]) -> Result<Self> {
        let mut tables: Table =
            parsed(&text).map_err(|problem| Error::invalid(path, format!("not valid TOML: {problem}")))?;
        if let Some(problem) = table_problem(&tables) {
            return Err(Error::invalid(path, problem));
        }
        for assignment in assignments {
            assign(&mut tables, assignment)?;
        }
        Ok(PipelineFile {
            path: path.to_owned(),
            text,
            tables,
            assignments: assignments.to_vec(),
        })
    }

    /// The text of the file as it was read.
    pub fn source(&self) -> &str {
        &self.text
    }

    /// The assignments that were put over the file.
    pub fn assignments(&self) -> &[String] {
        &self.assignments
    }

    /// Puts one more assignment over the rest.
    ///
    /// # Errors
    /// As for [`read`](Self::read).
    pub fn assign(&mut self, assignment: &str) -> Result<()> {
        assign(&mut self.tables, assignment)?;
        self.assignments.push(assignment.to_owned());
        Ok(())
    }

    /// The text under a dotted key; none where there is none, or another kind of value.
    pub fn text(&self, key: &str) -> Option<&str> {
        let (table, key) = key.split_once('.')?;
        self.tables.get(table)?.get(key)?.as_str()
    }

    /// The value under a dotted key.
    pub fn value(&self, key: &str) -> Option<&Value> {
        let (table, key) = key.split_once('.')?;
        self.tables.get(table)?.get(key)
    }

    /// The texts under a key in each table of a list of tables: the place of each and its text.
    pub fn texts(&self, list: &str, key: &str) -> Vec<(String, &str)> {
        let items = self.tables.get(list).and_then(Value::as_array);
        let items = items.map(Vec::as_slice).unwrap_or_default().iter().enumerate();
        items
            .filter_map(|(place, item)| Some((format!("{list}[{place}].{key}"), item.get(key)?.as_str()?)))
            .collect()
    }

    /// The parameters in these tables: dotted key -> printed TOML value. Tables become dotted keys
    /// and lists of tables numbered ones, so that a difference names what changed and not the
    /// whole. An empty table says no more than an absent one.
    pub fn parameters(&self, tables: &[&str]) -> BTreeMap<String, String> {
        let mut parameters = BTreeMap::new();
        for name in tables {
            match self.tables.get(*name) {
                Some(Value::Table(table)) => flatten_table(name, table, &mut parameters),
                Some(list) => flatten(name, list, &mut parameters),
                None => {}
            }
        }
        parameters
    }

    /// The pipeline that the tables say, checked as far as it can be without its model.
    ///
    /// # Errors
    /// An unknown or missing key, a value of another type, and parts that don't fit together; each
    /// is named.
    pub fn pipeline(self) -> Result<Pipeline> {
        let PipelineFile {
            path,
            text,
            tables,
            assignments,
        } = self;
        let invalid = |problem: String| Error::invalid(&path, problem);
        // The text itself, where it is wrong without the assignments too, says in which line.
        let of_text = || parsed::<Pipeline>(&text);
        let mut pipeline = if assignments.is_empty() {
            of_text().map_err(invalid)?
        } else {
            parsed_table(tables).map_err(|problem| match of_text() {
                Err(problem) => invalid(problem),
                Ok(_) => invalid(format!("--set: {problem}")),
            })?
        };
        pipeline.name = path
            .file_stem()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        pipeline.overrides = assignments;
        if let Some(problem) = pipeline.problem() {
            return Err(Error::invalid(&path, problem));
        }
        pipeline.path = path;
        Ok(pipeline)
    }
}

impl Pipeline {
    /// Reads a pipeline file, puts `table.key=value` assignments over it, and checks that its parts
    /// fit together.
    ///
    /// # Errors
    /// Those of [`PipelineFile::read`] and [`PipelineFile::pipeline`].
    pub fn read(path: &Path, overrides: &[String]) -> Result<Self> {
        PipelineFile::read(path, overrides)?.pipeline()
    }
}

fn table_problem(tables: &Table) -> Option<String> {
    tables.iter().find_map(|(key, value)| {
        if !TABLES.contains(&key.as_str()) {
            let tables = TABLES.join(", ");
            return Some(format!(
                "unknown top-level key `{key}`; the known tables are {tables}"
            ));
        }
        let is_table = value.is_table() || is_list_of_tables(value);
        (!is_table).then(|| format!("`{key}` must be a table; write [{key}] or [[{key}]] and its keys below"))
    })
}

fn flatten_table(prefix: &str, table: &Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        flatten(&format!("{prefix}.{}", printed_key(key)), value, into);
    }
}

fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Table(table) if !table.is_empty() => flatten_table(key, table, into),
        Value::Array(items) if is_list_of_tables(value) => {
            for (position, item) in items.iter().enumerate() {
                flatten(&format!("{key}[{position}]"), item, into);
            }
        }
        _ => {
            into.insert(key.to_owned(), value.to_string());
        }
    }
}

fn is_list_of_tables(value: &Value) -> bool {
    let items = value.as_array().map(Vec::as_slice).unwrap_or_default();
    !items.is_empty() && items.iter().all(Value::is_table)
}

/// A key with a dot in it is quoted, or it would look like two.
fn printed_key(key: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !key.is_empty() && key.chars().all(bare) {
        key.to_owned()
    } else {
        Value::String(key.to_owned()).to_string()
    }
}
