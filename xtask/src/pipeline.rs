//! A pipeline file: every parameter of a run, with the command line laid over it.

use std::{
    collections::BTreeMap,
    io::ErrorKind,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result, bail, ensure};
use toml::{Table, Value};

use crate::{
    device::Device,
    nearest::nearest,
    owner,
    project::Project,
    set,
    stage::{Stage, TABLES},
    text::read_text,
};

#[derive(Debug)]
pub struct Pipeline {
    /// Names the folder of the results.
    pub name: String,
    /// The pipeline file, as stages are told it.
    pub file: String,
    pub device: Device,
    /// The file with the assignments applied and `model.device` resolved.
    tables: Table,
    assignments: Vec<String>,
}

impl Pipeline {
    /// `present` is what a device of `auto` resolves to.
    pub fn load(
        project: &Project,
        name_or_path: &str,
        assignments: &[String],
        present: Device,
    ) -> Result<Pipeline> {
        let name = name_of(name_or_path)?;
        let path = path_of(project, name_or_path);
        let file = project.display(&path);
        let text = match read_text(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => bail!("{}", missing(project, &file)),
            Err(error) => return Err(error).context("cannot read the pipeline file"),
        };
        let mut tables = parse(&file, &text)?;
        owner::require(project, &name, &file, &text)?;
        for assignment in assignments {
            set::apply(&mut tables, assignment)?;
        }
        let device = resolve_device(&file, &mut tables, present)?;
        Ok(Pipeline {
            name,
            file,
            device,
            tables,
            assignments: assignments.to_vec(),
        })
    }

    /// The parameters of a stage: dotted key -> printed TOML value.
    pub fn parameters(&self, stage: &Stage) -> BTreeMap<String, String> {
        let mut parameters = BTreeMap::new();
        for name in stage.tables() {
            match self.tables.get(*name) {
                // An empty table says no more than an absent one.
                Some(Value::Table(table)) => flatten_table(name, table, &mut parameters),
                Some(list) => flatten(name, list, &mut parameters),
                None => {}
            }
        }
        parameters
    }

    /// The text under a dotted key.
    pub fn text(&self, key: &str) -> Option<&str> {
        let (table, key) = key.split_once('.')?;
        self.tables.get(table)?.get(key)?.as_str()
    }

    /// The texts under a key in each table of a list of tables: the place of each and its text.
    pub fn texts(&self, list: &str, key: &str) -> Vec<(String, &str)> {
        let items = self.tables.get(list).and_then(Value::as_array);
        let items = items.map(Vec::as_slice).unwrap_or_default().iter().enumerate();
        items
            .filter_map(|(place, item)| Some((format!("{list}[{place}].{key}"), item.get(key)?.as_str()?)))
            .collect()
    }

    /// What was laid over the file, as it was typed.
    pub fn assignments(&self) -> &[String] {
        &self.assignments
    }
}

/// The name of a pipeline, given as such or as the path of its file. It names a folder that `clean` removes,
/// so it must be one plain component.
pub fn name_of(name_or_path: &str) -> Result<String> {
    let name = if name_or_path.ends_with(".toml") {
        let file_name = Path::new(name_or_path).file_name().and_then(|name| name.to_str());
        file_name
            .and_then(|name| name.strip_suffix(".toml"))
            .unwrap_or_default()
    } else {
        name_or_path
    };
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.');
    ensure!(
        !name.is_empty() && !name.starts_with('.') && name.chars().all(plain),
        "--pipeline {name_or_path}: neither a plain name \
         (letters, digits, _ - .) nor the path of a .toml file"
    );
    Ok(name.to_owned())
}

fn path_of(project: &Project, name_or_path: &str) -> PathBuf {
    if !name_or_path.ends_with(".toml") {
        return project.pipelines().join(format!("{name_or_path}.toml"));
    }
    // A path is relative to where the command was typed, like every other argument.
    match std::path::absolute(name_or_path) {
        Ok(path) if path.is_file() => path,
        _ => project.resolve(name_or_path),
    }
}

fn missing(project: &Project, file: &str) -> String {
    let mut existing: Vec<String> = match fs_err::read_dir(project.pipelines()) {
        Ok(entries) => entries
            .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
            .filter_map(|name| name.strip_suffix(".toml").map(str::to_owned))
            .collect(),
        Err(_) => Vec::new(),
    };
    existing.sort();
    let typed = file.rsplit('/').next().unwrap_or(file).trim_end_matches(".toml");
    let meant = nearest(typed, existing.iter().map(String::as_str));
    let meant = meant.map_or(String::new(), |meant| format!("did you mean `{meant}`? "));
    let existing = if existing.is_empty() {
        "none".to_owned()
    } else {
        existing.join(", ")
    };
    format!("there is no pipeline file {file}; {meant}existing pipelines: {existing}")
}

fn parse(file: &str, text: &str) -> Result<Table> {
    let tables: Table = match toml::from_str(text) {
        Ok(tables) => tables,
        Err(error) => {
            let start = error.span().map_or(0, |span| span.start);
            let line = 1 + text.bytes().take(start).filter(|byte| *byte == b'\n').count();
            bail!(
                "{file}:{line}: not valid TOML: {}",
                error.message().trim().replace('\n', " ")
            );
        }
    };
    for (key, value) in &tables {
        ensure!(
            TABLES.contains(&key.as_str()),
            "{file}: unknown top-level key `{key}`; the known tables are {}",
            TABLES.join(", ")
        );
        ensure!(
            value.is_table() || is_list_of_tables(value),
            "{file}: `{key}` must be a table; write [{key}] or [[{key}]] and its keys below"
        );
    }
    Ok(tables)
}

fn resolve_device(file: &str, tables: &mut Table, present: Device) -> Result<Device> {
    let model = tables
        .entry("model")
        .or_insert_with(|| Value::Table(Table::new()));
    let Value::Table(model) = model else {
        bail!("{file}: `model` must be a table")
    };
    let device = match model.get("device") {
        None => Some(present),
        Some(Value::String(setting)) => Device::resolve(setting, present),
        Some(_) => None,
    };
    let Some(device) = device else {
        bail!(
            "{file}: model.device = {} is none of {}",
            model["device"],
            Device::SETTINGS
        );
    };
    model.insert("device".into(), Value::String(device.to_string()));
    Ok(device)
}

fn flatten_table(prefix: &str, table: &Table, into: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        flatten(&format!("{prefix}.{}", printed_key(key)), value, into);
    }
}

/// Tables become dotted keys and lists of tables numbered ones, so that a reason names what changed and not
/// the whole.
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
