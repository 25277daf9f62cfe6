//! `--set table.key=value`: one parameter from the command line, put over the pipeline file.

use toml::{Table, Value};

use crate::{Error, Result, TABLES};

/// Applies one assignment. Tables on the way to the key are made where they are absent.
///
/// Blanks around the path and around the value don't count. The value is read as TOML; what isn't
/// TOML is a text, so that `--set prompts.file=data/x.jsonl` needs no quotes.
///
/// # Errors
/// A path that names no key of a known table, or leads through a value that is not a table.
pub fn assign(tables: &mut Table, assignment: &str) -> Result<()> {
    let (parents, key, value) = parse(assignment).map_err(|problem| refused(assignment, &problem))?;
    let mut table = tables;
    for name in parents {
        let next = table.entry(name).or_insert_with(|| Value::Table(Table::new()));
        table = next.as_table_mut().ok_or_else(|| {
            refused(
                assignment,
                &format!("`{name}` is not a table in the pipeline file"),
            )
        })?;
    }
    table.insert(key.to_owned(), value);
    Ok(())
}

fn refused(assignment: &str, problem: &str) -> Error {
    Error::Usage(format!("--set {assignment}: {problem}"))
}

/// The tables on the way, the key, and its value.
fn parse(assignment: &str) -> Result<(Vec<&str>, &str, Value), String> {
    let (path, text) = assignment
        .split_once('=')
        .ok_or("there is no `=`; write --set table.key=value")?;
    let mut keys: Vec<&str> = path.trim().split('.').collect();
    let is_bare = |key: &&str| {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !key.is_empty() && key.chars().all(bare)
    };
    if keys.len() < 2 {
        return Err("names no key of a table; write --set table.key=value".to_owned());
    }
    if let Some(key) = keys.iter().find(|key| !is_bare(key)) {
        return Err(format!(
            "`{key}` is not a plain key (letters, digits, _, -); change it in the pipeline file"
        ));
    }
    if !TABLES.contains(&keys[0]) {
        let (table, tables) = (keys[0], TABLES.join(", "));
        return Err(format!("unknown table `{table}`; the tables are {tables}"));
    }
    let key = keys.pop().unwrap_or_default();
    Ok((keys, key, value(text.trim())))
}

fn value(text: &str) -> Value {
    text.parse().unwrap_or_else(|_| Value::String(text.to_owned()))
}
