use std::path::{Path, PathBuf};

use results::{Counts, Layout, RenderedPrompt, Result, Table, read_activations};
use terms::Pooling;

use crate::problem::Problem;

/// How many of everything a run has: what the numbers of rows follow from.
#[derive(Debug)]
pub struct Shape {
    pub layers: usize,
    pub prompts: Vec<String>,
    pub conditions: Vec<String>,
    pub poolings: Vec<Pooling>,
    root: PathBuf,
}

impl Shape {
    pub fn read(layout: &Layout) -> Result<Self> {
        let path = layout.table::<RenderedPrompt>();
        let (rendered, metadata) = RenderedPrompt::read(&path)?;
        let (activations, _) = read_activations(&layout.activations(), 0)?;
        let poolings = activations.iter().map(|row| row.pooling);
        Ok(Shape {
            layers: metadata.number(&path, "layers")?,
            prompts: distinct(rendered.iter().map(|row| row.prompt_id.clone())),
            conditions: distinct(rendered.iter().map(|row| row.condition.clone())),
            poolings: distinct(poolings),
            root: layout.root().to_owned(),
        })
    }

    /// The path inside of the run's folder.
    pub fn inside(&self, path: &Path) -> PathBuf {
        path.strip_prefix(&self.root).unwrap_or(path).to_owned()
    }

    /// How many of everything there are.
    pub fn counts(&self) -> Counts {
        Counts {
            layers: self.layers,
            prompts: self.prompts.len(),
            conditions: self.conditions.len(),
            poolings: self.poolings.len(),
        }
    }

    /// Says so where a table has another number of rows than one of `allowed`.
    pub fn require_rows(
        &self,
        path: &Path,
        rows: usize,
        allowed: &[usize],
        why: &str,
        problems: &mut Vec<Problem>,
    ) {
        if !allowed.contains(&rows) {
            let words: Vec<String> = allowed.iter().map(usize::to_string).collect();
            let message = format!("{rows} rows, not {} ({why})", words.join(" or "));
            problems.push(Problem::of_file(&self.inside(path), message));
        }
    }
}

fn distinct<T: PartialEq>(values: impl Iterator<Item = T>) -> Vec<T> {
    let mut all = Vec::new();
    for value in values {
        if !all.contains(&value) {
            all.push(value);
        }
    }
    all
}

/// Two numbers that differ by rounding only: `tolerance` is relative to the larger one, or to 1 for small ones.
pub fn are_near(a: f64, b: f64, tolerance: f64) -> bool {
    (a - b).abs() <= tolerance * a.abs().max(b.abs()).max(1.0)
}
