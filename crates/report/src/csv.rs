//! A small reader of CSV tables, for numbers in named columns. Cells hold no comma and no line
//! break.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail, ensure};
use files::read_text;

/// The text of a table, with the line of each row.
#[derive(Debug)]
pub struct Csv {
    path: PathBuf,
    header: Vec<String>,
    rows: Vec<(usize, Vec<String>)>,
}

impl Csv {
    pub fn read(path: &Path) -> Result<Self> {
        let text = read_text(path)?;
        let mut lines = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| (index + 1, cells(line)));
        let (_, header) = lines
            .next()
            .with_context(|| format!("{}: the file is empty", path.display()))?;
        let table = Csv {
            path: path.to_owned(),
            header,
            rows: lines.collect(),
        };
        for (line, row) in &table.rows {
            ensure!(
                row.len() == table.header.len(),
                "{}, line {line}: {} values under {} columns",
                path.display(),
                row.len(),
                table.header.len()
            );
        }
        Ok(table)
    }

    pub fn has(&self, name: &str) -> bool {
        self.header.iter().any(|column| column == name)
    }

    /// The line of each row and its number under `name`.
    pub fn numbers(&self, name: &str) -> Result<Vec<(usize, f64)>> {
        let path = self.path.display();
        let Some(column) = self.header.iter().position(|column| column == name) else {
            bail!(
                "{path}: there is no column `{name}` among {}; rename the columns of the file as its first line should have them",
                self.header.join(", ")
            );
        };
        let number = |(line, row): &(usize, Vec<String>)| {
            let cell = &row[column];
            match cell.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok((*line, number)),
                _ => bail!("{path}, line {line}, column `{name}`: \"{cell}\" is not a number"),
            }
        };
        self.rows.iter().map(number).collect()
    }
}

fn cells(line: &str) -> Vec<String> {
    line.split(',')
        .map(|cell| cell.trim().trim_matches('"').to_owned())
        .collect()
}
