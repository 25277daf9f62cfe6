//! A table that was published for the same experiment, next to the run's own.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use pages::format::{layer_list, number};
use pipeline::{Condition, Pipeline};
use results::Summary;

use crate::conditions::contrast_conditions;
use crate::csv::Csv;

/// The largest difference that counts as no difference. Published tables were computed in bf16,
/// whose steps between 0.5 and 1 are 2^-8 = 0.0039: this is two of them, with room for the rounding
/// of the printed digits.
pub const GRID: f64 = 0.008;

/// What both tables hold, by layer.
#[derive(Debug)]
pub struct Published {
    pub file: String,
    pub layers: usize,
    pub measures: Vec<Measure>,
}

/// One column of both tables, a value a layer.
#[derive(Debug)]
pub struct Measure {
    pub name: String,
    pub ours: Vec<f64>,
    pub published: Vec<f64>,
}

impl Published {
    /// Reads the table at `path` and puts it next to `rows`, which are in layer order.
    pub fn read(path: &Path, pipeline: &Pipeline, rows: &[Summary]) -> Result<Self> {
        let table = Csv::read(path).context(
            "report.published can't be read; correct the path in the pipeline, or take the key out if there is no such table",
        )?;
        check_layers(&table, path, rows.len())?;
        let published = Published {
            file: path.display().to_string(),
            layers: rows.len(),
            measures: measures(&table, pipeline, rows)?,
        };
        Ok(published)
    }

    /// The layers at which some value is farther from the published one than `GRID`.
    pub fn differing(&self) -> Vec<usize> {
        (0..self.layers)
            .filter(|layer| self.measures.iter().any(|measure| !measure.agrees(*layer)))
            .collect()
    }

    /// Whether the tables agree, and where they don't.
    pub fn sentence(&self) -> String {
        let (measure, layer, difference) = self.largest();
        let largest = number(difference, 4);
        let differing = self.differing();
        if differing.is_empty() {
            return format!(
                "All {} layers agree within {GRID}; the largest difference is {largest} (“{measure}”, layer {layer}).",
                self.layers
            );
        }
        format!(
            "{} of {} layers do not agree within {GRID}: {}. The largest difference is {largest} (“{measure}”, layer {layer}).",
            differing.len(),
            self.layers,
            layer_list(&differing)
        )
    }

    /// The largest absolute difference, with the measure and the layer that have it.
    fn largest(&self) -> (&str, usize, f64) {
        let all = self.measures.iter().flat_map(|measure| {
            (0..self.layers).map(|layer| (measure.name.as_str(), layer, measure.difference(layer).abs()))
        });
        all.max_by(|a, b| a.2.total_cmp(&b.2)).unwrap_or_default()
    }
}

impl Measure {
    /// Ours less the published.
    pub fn difference(&self, layer: usize) -> f64 {
        self.ours[layer] - self.published[layer]
    }

    /// Whether the difference at this layer is at most `GRID`.
    pub fn agrees(&self, layer: usize) -> bool {
        self.difference(layer).abs() <= GRID
    }
}

/// Rows in another order or number would be matched with the wrong ones.
fn check_layers(table: &Csv, path: &Path, layers: usize) -> Result<()> {
    let path = path.display();
    let found = table.numbers("layer")?;
    for (expected, (line, layer)) in found.iter().enumerate() {
        ensure!(
            *layer == expected as f64,
            "{path}, line {line}: layer {layer} is where layer {expected} should be; sort the rows by layer: 0, 1, 2, …"
        );
    }
    ensure!(
        found.len() == layers,
        "{path}: the published table has {} layers, this run {layers}; is it another model's?",
        found.len()
    );
    Ok(())
}

/// A column of the published table, and which of ours is compared with it.
struct Column {
    name: String,
    measure: String,
    is_needed: bool,
    value: fn(&Summary) -> f64,
}

fn measures(table: &Csv, pipeline: &Pipeline, rows: &[Summary]) -> Result<Vec<Measure>> {
    let measure = |column: Column| {
        let published = table.numbers(&column.name)?;
        Ok(Measure {
            name: column.measure,
            ours: rows.iter().map(column.value).collect(),
            published: published.into_iter().map(|(_, value)| value).collect(),
        })
    };
    columns(pipeline)?
        .into_iter()
        .filter(|column| column.is_needed || table.has(&column.name))
        .map(measure)
        .collect()
}

/// Means and difference must be there. The last two columns carry the names of the conditions, so
/// that a table of other names has none that could be compared.
fn columns(pipeline: &Pipeline) -> Result<Vec<Column>> {
    let needed = |name: &str, measure: &str, value| Column {
        name: name.to_owned(),
        measure: measure.to_owned(),
        is_needed: true,
        value,
    };
    let own = |condition: &Condition, value| Column {
        name: format!("avg_{0}_{0}", condition.name),
        measure: format!("Within {}", condition.label),
        is_needed: false,
        value,
    };
    let [positive, negative] = contrast_conditions(pipeline)?;
    Ok(vec![
        needed("avg_within_category", "Within", |row| row.avg_within_category),
        needed("avg_cross_category", "Across", |row| row.avg_cross_category),
        needed("similarity_difference", "Difference", |row| {
            row.similarity_difference
        }),
        own(positive, |row| row.avg_within_positive),
        own(negative, |row| row.avg_within_negative),
    ])
}
