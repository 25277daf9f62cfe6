use std::path::Path;

use arrow_array::ArrayRef;
use arrow_array::types::{Float64Type, Int32Type};
use arrow_schema::Field;

use crate::contract::{COSINE, Column, TableSchema};
use crate::table::{Columns, TableWriter, column, read_batches, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "similarities",
    version: 1,
    file: "analyze/similarities.parquet",
    row: "one entry of a cosine matrix; none where there are many prompts and `contrast.cosine_matrices` does not ask for them",
    key: &[
        "layer",
        "pooling",
        "condition_a",
        "condition_b",
        "prompt_a",
        "prompt_b",
    ],
    is_sorted: true,
    columns: || {
        vec![
            Column::layer(),
            Column::pooling(),
            Column::text(
                "condition_a",
                "the condition of the matrix's rows; pairs of conditions come once",
            ),
            Column::text("condition_b", "the condition of its columns"),
            Column::text("prompt_a", "the id of the row's prompt"),
            Column::text("prompt_b", "the id of the column's prompt"),
            Column::float64("cosine", COSINE, "of the two activations"),
        ]
    },
};

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

/// A table of similarities that is written piece by piece; it is one once it is finished.
pub struct SimilarityWriter(TableWriter);

impl SimilarityWriter {
    pub fn create(path: &Path, metadata: &Metadata) -> Result<Self> {
        TableWriter::create(path, &SCHEMA, metadata, &columns_of(&[])).map(Self)
    }

    pub fn append(&mut self, rows: &[Similarity]) -> Result<()> {
        self.0.append(columns_of(rows))
    }

    pub fn finish(self) -> Result<()> {
        self.0.finish()
    }
}

pub fn write_similarities(path: &Path, metadata: &Metadata, rows: &[Similarity]) -> Result<()> {
    write_table(path, &SCHEMA, metadata, columns_of(rows))
}

/// Reads the table in batches, in the memory of one batch.
pub fn read_similarity_batches(
    path: &Path,
) -> Result<(impl Iterator<Item = Result<Vec<Similarity>>> + use<>, Metadata)> {
    let rows = |columns: &Columns<'_>, _: usize| rows_of(columns, |_, _, _| true);
    read_batches(path.to_owned(), &SCHEMA, BATCH_ROWS, rows)
}

/// Reads the table at once.
pub fn read_similarities(path: &Path) -> Result<(Vec<Similarity>, Metadata)> {
    read_similarities_where(path, |_, _, _| true)
}

/// Reads the rows whose pooling and two prompts are wanted; of the others, of which there may be millions, nothing is
/// kept in memory.
pub fn read_similarities_where(
    path: &Path,
    is_wanted: impl Fn(&str, &str, &str) -> bool,
) -> Result<(Vec<Similarity>, Metadata)> {
    let rows = |columns: &Columns<'_>, _: usize| rows_of(columns, &is_wanted);
    let (batches, metadata) = read_batches(path.to_owned(), &SCHEMA, BATCH_ROWS, rows)?;
    let batches = batches.collect::<Result<Vec<_>>>()?;
    Ok((batches.into_iter().flatten().collect(), metadata))
}

const BATCH_ROWS: usize = 8192;

fn columns_of(rows: &[Similarity]) -> Vec<(Field, ArrayRef)> {
    vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("pooling", rows.iter().map(|row| &row.pooling)),
        text_column("condition_a", rows.iter().map(|row| &row.condition_a)),
        text_column("condition_b", rows.iter().map(|row| &row.condition_b)),
        text_column("prompt_a", rows.iter().map(|row| &row.prompt_a)),
        text_column("prompt_b", rows.iter().map(|row| &row.prompt_b)),
        column::<Float64Type>("cosine", rows.iter().map(|row| row.cosine)),
    ]
}

fn rows_of(columns: &Columns<'_>, is_wanted: impl Fn(&str, &str, &str) -> bool) -> Result<Vec<Similarity>> {
    let layers = columns.numbers::<Int32Type>("layer")?;
    let pooling = columns.text("pooling")?;
    let (condition_a, condition_b) = (columns.text("condition_a")?, columns.text("condition_b")?);
    let (prompt_a, prompt_b) = (columns.text("prompt_a")?, columns.text("prompt_b")?);
    let cosines = columns.numbers::<Float64Type>("cosine")?;
    let row = |index: usize| Similarity {
        layer: layers[index] as usize,
        pooling: pooling.value(index).to_owned(),
        condition_a: condition_a.value(index).to_owned(),
        condition_b: condition_b.value(index).to_owned(),
        prompt_a: prompt_a.value(index).to_owned(),
        prompt_b: prompt_b.value(index).to_owned(),
        cosine: cosines[index],
    };
    let is_own =
        |&index: &usize| is_wanted(pooling.value(index), prompt_a.value(index), prompt_b.value(index));
    Ok((0..layers.len()).filter(is_own).map(row).collect())
}
