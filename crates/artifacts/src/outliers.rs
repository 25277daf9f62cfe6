use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::contract::{Column, NUMBER, SHARE, TableSchema};
use crate::table::{Columns, column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "outliers",
    version: 1,
    file: "analyze/outliers.parquet",
    row: "one dimension of the residual stream that carries far more than its part of the squared norm",
    key: &["layer", "pooling", "dimension"],
    is_sorted: false,
    columns: || {
        vec![
            Column::layer(),
            Column::pooling(),
            Column::int32("dimension", NUMBER, "its place in the vectors"),
            Column::float64("share", SHARE, "its part of the squared norm of all rows"),
        ]
    },
};

/// A dimension of the residual stream that carries far more than its part of the rows' squared norm.
#[derive(Clone, Debug, PartialEq)]
pub struct Outlier {
    pub layer: usize,
    pub pooling: String,
    pub dimension: usize,
    /// Of the squared norm of all rows, between 0 and 1.
    pub share: f64,
}

pub fn write_outliers(path: &Path, metadata: &Metadata, rows: &[Outlier]) -> Result<()> {
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        column::<Int32Type>("dimension", rows.iter().map(|row| row.dimension as i32)),
        column::<Float64Type>("share", rows.iter().map(|row| row.share)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_outliers(path: &Path) -> Result<(Vec<Outlier>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let dimensions = columns.numbers::<Int32Type>("dimension")?;
    let shares = columns.numbers::<Float64Type>("share")?;
    let rows = columns.texts("pooling")?.into_iter().enumerate();
    let row = |(index, pooling): (usize, String)| Outlier {
        layer: layers[index] as usize,
        pooling,
        dimension: dimensions[index] as usize,
        share: shares[index],
    };
    Ok((rows.map(row).collect(), metadata))
}
