//! `--set table.key=value`: one parameter from the command line, laid over the pipeline file.

use anyhow::{Result, bail, ensure};
use toml::{Table, Value};

use crate::stage::TABLES;

/// Applies one assignment. Tables on the way to the key are made where they are absent.
pub fn apply(tables: &mut Table, assignment: &str) -> Result<()> {
    let (keys, value) = parse(assignment)?;
    let Some((last, way)) = keys.split_last() else {
        bail!("--set {assignment}: names no key; write --set table.key=value");
    };
    let mut table = tables;
    for key in way {
        let next = table.entry(*key).or_insert_with(|| Value::Table(Table::new()));
        match next.as_table_mut() {
            Some(next) => table = next,
            None => bail!("--set {assignment}: `{key}` is not a table in the pipeline file"),
        }
    }
    table.insert((*last).to_owned(), value);
    Ok(())
}

fn parse(assignment: &str) -> Result<(Vec<&str>, Value)> {
    let Some((path, text)) = assignment.split_once('=') else {
        bail!("--set {assignment}: there is no `=`; write --set table.key=value");
    };
    let keys: Vec<&str> = path.trim().split('.').collect();
    ensure!(
        keys.len() >= 2,
        "--set {assignment}: names no key of a table; write --set table.key=value"
    );
    for key in &keys {
        let bare = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        ensure!(
            !key.is_empty() && key.chars().all(bare),
            "--set {assignment}: `{key}` is not a plain key (letters, digits, _, -); \
             change it in the pipeline file"
        );
    }
    ensure!(
        TABLES.contains(&keys[0]),
        "--set {assignment}: unknown table `{}`; the tables are {}",
        keys[0],
        TABLES.join(", ")
    );
    Ok((keys, value(text.trim())))
}

/// TOML where it is TOML; anything else is a string, so that `--set prompts.file=data/x.jsonl` needs no
/// quotes.
fn value(text: &str) -> Value {
    text.parse().unwrap_or_else(|_| Value::String(text.to_owned()))
}
