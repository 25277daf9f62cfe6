use std::path::Path;

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_schema::Field;

use crate::contract::{Column, REACH, TableSchema};
use crate::table::{Columns, TableWriter, column, read_batches, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "projections",
    version: 1,
    file: "analyze/projections.parquet",
    row: "one activation: how far it reaches along the contrast of its layer and pooling",
    key: &["layer", "pooling", "condition", "prompt_id"],
    is_sorted: true,
    columns: || {
        vec![
            Column::layer(),
            Column::pooling(),
            Column::condition(),
            Column::prompt_id(),
            Column::float64("projection", REACH, "`dot(h, v) / norm(v)`"),
        ]
    },
};

/// How far one residual reaches along the contrast vector: dot(h, v) / ||v||.
#[derive(Clone, Debug, PartialEq)]
pub struct Projection {
    pub layer: usize,
    pub pooling: String,
    pub condition: String,
    pub prompt: String,
    pub projection: f64,
}

/// A table of projections that is written piece by piece; it is one once it is finished.
pub struct ProjectionWriter(TableWriter);

impl ProjectionWriter {
    pub fn create(path: &Path, metadata: &Metadata) -> Result<Self> {
        TableWriter::create(path, &SCHEMA, metadata, &columns_of(&[])).map(Self)
    }

    pub fn append(&mut self, rows: &[Projection]) -> Result<()> {
        self.0.append(columns_of(rows))
    }

    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

pub fn write_projections(path: &Path, metadata: &Metadata, rows: &[Projection]) -> Result<()> {
    write_table(path, &SCHEMA, metadata, columns_of(rows))
}

/// Reads the table in batches, in the memory of one batch.
pub fn read_projection_batches(
    path: &Path,
) -> Result<(impl Iterator<Item = Result<Vec<Projection>>> + use<>, Metadata)> {
    read_batches(path.to_owned(), &SCHEMA, BATCH_ROWS, rows_of)
}

/// Reads the table at once.
pub fn read_projections(path: &Path) -> Result<(Vec<Projection>, Metadata)> {
    let (batches, metadata) = read_projection_batches(path)?;
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok((batches.into_iter().flatten().collect(), metadata))
}

const BATCH_ROWS: usize = 8192;

fn columns_of(rows: &[Projection]) -> Vec<(Field, ArrayRef)> {
    vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        text_column("condition", rows.iter().map(|row| &row.condition)),
        text_column("prompt_id", rows.iter().map(|row| &row.prompt)),
        column::<Float64Type>("projection", rows.iter().map(|row| row.projection)),
    ]
}

fn rows_of(columns: &Columns<'_>, _: usize) -> Result<Vec<Projection>> {
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
    Ok((0..layers.len()).map(row).collect())
}
