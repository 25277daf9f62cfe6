use std::path::Path;

use arrow_array::types::Int32Type;

use crate::contract::{COSINE, Column, TableSchema};
use crate::table::{Columns, column, defined_column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "comparisons",
    version: 2,
    file: "analyze/comparisons.parquet",
    row: "a vector of `[[vectors]]` and another vector of the same layer; none where the pipeline names no files",
    key: &["vector_name", "other_name", "layer"],
    is_sorted: true,
    columns: || {
        vec![
            Column::text("vector_name", "the vector, by its name in the pipeline file"),
            Column::text(
                "other_name",
                "the other, under the contrast's pooling: a name of `vectors.parquet`",
            ),
            Column::layer(),
            Column::float64("cosine", COSINE, "of the two; null where one of them is zero").nullable(),
        ]
    },
};

/// The cosine of someone else's vector with one of ours; NaN where one of them is zero.
#[derive(Clone, Debug, PartialEq)]
pub struct VectorComparison {
    pub vector: String,
    pub other: String,
    pub layer: usize,
    pub cosine: f64,
}

pub fn write_comparisons(path: &Path, metadata: &Metadata, rows: &[VectorComparison]) -> Result<()> {
    let columns = vec![
        text_column("vector_name", rows.iter().map(|row| &row.vector)),
        text_column("other_name", rows.iter().map(|row| &row.other)),
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        defined_column("cosine", rows.iter().map(|row| row.cosine)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_comparisons(path: &Path) -> Result<(Vec<VectorComparison>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let (vectors, others) = (columns.texts("vector_name")?, columns.texts("other_name")?);
    let layers = columns.numbers::<Int32Type>("layer")?;
    let cosines = columns.defined("cosine")?;
    let row = |index: usize| VectorComparison {
        vector: vectors[index].clone(),
        other: others[index].clone(),
        layer: layers[index] as usize,
        cosine: cosines[index],
    };
    Ok(((0..layers.len()).map(row).collect(), metadata))
}
