use std::fmt::Write;
use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::table::{Columns, TableSchema, column, read_table, text_column, write_table};
use crate::{Metadata, Result};

const SUMMARY: TableSchema = TableSchema {
    name: "summary",
    version: 1,
};
const SIMILARITIES: TableSchema = TableSchema {
    name: "similarities",
    version: 1,
};
const PROJECTIONS: TableSchema = TableSchema {
    name: "projections",
    version: 1,
};

/// The similarities of one layer in short. Cosines, so between -1 and 1.
#[derive(Clone, Debug, PartialEq)]
pub struct Summary {
    pub layer: usize,
    pub pooling: String,
    /// The mean of the two within figures.
    pub avg_within_category: f64,
    /// The mean over the whole positive x negative matrix.
    pub avg_cross_category: f64,
    /// Within minus cross.
    pub similarity_difference: f64,
    /// The mean over pairs of different prompts, both in the positive condition.
    pub avg_within_positive: f64,
    pub avg_within_negative: f64,
    /// The contrast vector's norm, and the mean norm of the residuals of both conditions.
    pub contrast_norm: f64,
    pub mean_residual_norm: f64,
}

/// One entry of a cosine matrix.
#[derive(Clone, Debug, PartialEq)]
pub struct Similarity {
    pub layer: usize,
    pub pooling: String,
    pub condition_a: String,
    pub condition_b: String,
    pub prompt_a: String,
    pub prompt_b: String,
    pub cosine: f64,
}

/// How far one residual reaches along the contrast vector: dot(h, v) / ||v||.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub layer: usize,
    pub pooling: String,
    pub condition: String,
    pub prompt: String,
    pub projection: f64,
}

pub fn write_summaries(path: &Path, metadata: &Metadata, rows: &[Summary]) -> Result<()> {
    let number = |name, of: fn(&Summary) -> f64| column::<Float64Type>(name, rows.iter().map(of));
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        number("avg_within_category", |row| row.avg_within_category),
        number("avg_cross_category", |row| row.avg_cross_category),
        number("similarity_difference", |row| row.similarity_difference),
        number("avg_within_positive", |row| row.avg_within_positive),
        number("avg_within_negative", |row| row.avg_within_negative),
        number("contrast_norm", |row| row.contrast_norm),
        number("mean_residual_norm", |row| row.mean_residual_norm),
    ];
    write_table(path, &SUMMARY, metadata, columns)
}

pub fn read_summaries(path: &Path) -> Result<(Vec<Summary>, Metadata)> {
    let (batch, metadata) = read_table(path, &SUMMARY)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let poolings = columns.texts("pooling")?;
    let number = |name: &str| columns.numbers::<Float64Type>(name);
    let (within, cross, difference) = (
        number("avg_within_category")?,
        number("avg_cross_category")?,
        number("similarity_difference")?,
    );
    let (positive, negative) = (number("avg_within_positive")?, number("avg_within_negative")?);
    let (contrast, residual) = (number("contrast_norm")?, number("mean_residual_norm")?);
    let row = |index: usize| Summary {
        layer: layers[index] as usize,
        pooling: poolings[index].clone(),
        avg_within_category: within[index],
        avg_cross_category: cross[index],
        similarity_difference: difference[index],
        avg_within_positive: positive[index],
        avg_within_negative: negative[index],
        contrast_norm: contrast[index],
        mean_residual_norm: residual[index],
    };
    Ok(((0..layers.len()).map(row).collect(), metadata))
}

/// The notebook's table as CSV: the last two columns carry the names of the two conditions.
pub fn write_summary_csv(path: &Path, positive: &str, negative: &str, rows: &[Summary]) -> Result<()> {
    let mut text = format!(
        "layer,avg_within_category,avg_cross_category,similarity_difference,avg_{positive}_{positive},avg_{negative}_{negative}\n"
    );
    for row in rows {
        // Writing into a String can't fail.
        let _ = writeln!(
            text,
            "{},{:?},{:?},{:?},{:?},{:?}",
            row.layer,
            row.avg_within_category,
            row.avg_cross_category,
            row.similarity_difference,
            row.avg_within_positive,
            row.avg_within_negative
        );
    }
    Ok(fs_err::write(path, text)?)
}

pub fn write_similarities(path: &Path, metadata: &Metadata, rows: &[Similarity]) -> Result<()> {
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        text_column("condition_a", rows.iter().map(|row| &row.condition_a)),
        text_column("condition_b", rows.iter().map(|row| &row.condition_b)),
        text_column("prompt_a", rows.iter().map(|row| &row.prompt_a)),
        text_column("prompt_b", rows.iter().map(|row| &row.prompt_b)),
        column::<Float64Type>("cosine", rows.iter().map(|row| row.cosine)),
    ];
    write_table(path, &SIMILARITIES, metadata, columns)
}

pub fn read_similarities(path: &Path) -> Result<(Vec<Similarity>, Metadata)> {
    let (batch, metadata) = read_table(path, &SIMILARITIES)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let poolings = columns.texts("pooling")?;
    let (condition_a, condition_b) = (columns.texts("condition_a")?, columns.texts("condition_b")?);
    let (prompt_a, prompt_b) = (columns.texts("prompt_a")?, columns.texts("prompt_b")?);
    let cosines = columns.numbers::<Float64Type>("cosine")?;
    let row = |index: usize| Similarity {
        layer: layers[index] as usize,
        pooling: poolings[index].clone(),
        condition_a: condition_a[index].clone(),
        condition_b: condition_b[index].clone(),
        prompt_a: prompt_a[index].clone(),
        prompt_b: prompt_b[index].clone(),
        cosine: cosines[index],
    };
    Ok(((0..layers.len()).map(row).collect(), metadata))
}

pub fn write_projections(path: &Path, metadata: &Metadata, rows: &[Projection]) -> Result<()> {
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("prompt_id", rows.iter().map(|row| &row.prompt)),
        column::<Float64Type>("projection", rows.iter().map(|row| row.projection)),
    ];
    write_table(path, &PROJECTIONS, metadata, columns)
}

pub fn read_projections(path: &Path) -> Result<(Vec<Projection>, Metadata)> {
    let (batch, metadata) = read_table(path, &PROJECTIONS)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let (poolings, conditions) = (columns.texts("pooling")?, columns.texts("condition")?);
    let prompts = columns.texts("prompt_id")?;
    let projections = columns.numbers::<Float64Type>("projection")?;
    let row = |index: usize| Projection {
        layer: layers[index] as usize,
        pooling: poolings[index].clone(),
        condition: conditions[index].clone(),
        prompt: prompts[index].clone(),
        projection: projections[index],
    };
    Ok(((0..layers.len()).map(row).collect(), metadata))
}
