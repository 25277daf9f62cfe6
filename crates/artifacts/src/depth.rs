use std::path::Path;

use arrow_array::types::Int32Type;

use crate::contract::{COSINE, Column, LAYER, TableSchema};
use crate::table::{Columns, column, defined_column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "depth",
    version: 2,
    file: "analyze/depth.parquet",
    row: "the contrast vectors of two layers",
    key: &["pooling", "layer_a", "layer_b"],
    is_sorted: true,
    columns: || {
        vec![
            Column::pooling(),
            Column::int32("layer_a", LAYER, "the one layer"),
            Column::int32("layer_b", LAYER, "the other"),
            Column::float64(
                "cosine",
                COSINE,
                "of their contrast vectors; null where one of them is zero",
            )
            .nullable(),
        ]
    },
};

/// The cosine of the contrast vectors of two layers; NaN where one of them is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct DepthCosine {
    pub pooling: String,
    pub layer_a: usize,
    pub layer_b: usize,
    pub cosine: f64,
}

pub fn write_depth(path: &Path, metadata: &Metadata, rows: &[DepthCosine]) -> Result<()> {
    let columns = vec![
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        column::<Int32Type>("layer_a", rows.iter().map(|row| row.layer_a as i32)),
        column::<Int32Type>("layer_b", rows.iter().map(|row| row.layer_b as i32)),
        defined_column("cosine", rows.iter().map(|row| row.cosine)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_depth(path: &Path) -> Result<(Vec<DepthCosine>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let first = columns.numbers::<Int32Type>("layer_a")?;
    let second = columns.numbers::<Int32Type>("layer_b")?;
    let cosines = columns.defined("cosine")?;
    let rows = columns.texts("pooling")?.into_iter().enumerate();
    let row = |(index, pooling): (usize, String)| DepthCosine {
        pooling,
        layer_a: first[index] as usize,
        layer_b: second[index] as usize,
        cosine: cosines[index],
    };
    Ok((rows.map(row).collect(), metadata))
}
