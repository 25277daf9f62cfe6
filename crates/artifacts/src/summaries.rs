use std::fmt::Write;
use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::contract::{COSINE, COSINES, Column, NORM, TableSchema};
use crate::table::{Columns, column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "summary",
    version: 1,
    file: "analyze/summary.parquet",
    row: "one layer under one pooling: the similarities in short",
    key: &["layer", "pooling"],
    is_sorted: true,
    columns: || {
        vec![
            Column::layer(),
            Column::pooling(),
            Column::float64(
                "avg_within_category",
                COSINE,
                "the mean of the two within figures",
            ),
            Column::float64(
                "avg_cross_category",
                COSINE,
                "the mean over the whole positive x negative matrix, a prompt with itself included",
            ),
            Column::float64("similarity_difference", COSINES, "within minus cross"),
            Column::float64(
                "avg_within_positive",
                COSINE,
                "the mean over pairs of different prompts in the positive condition",
            ),
            Column::float64(
                "avg_within_negative",
                COSINE,
                "the same in the negative condition",
            ),
            Column::float64("contrast_norm", NORM, "the norm of the contrast vector"),
            Column::float64(
                "mean_residual_norm",
                NORM,
                "the mean norm of the residuals of both conditions",
            ),
        ]
    },
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
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_summaries(path: &Path) -> Result<(Vec<Summary>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
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
