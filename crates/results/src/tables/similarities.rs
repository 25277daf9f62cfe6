use std::path::Path;

use arrow_array::RecordBatch;
use arrow_array::cast::AsArray;
use terms::Pooling;

use crate::contract::{COSINE, LAYER, NO_UNIT, RowCount, TableSchema, shared};
use crate::row::{Row, rows};
use crate::table::{BATCH_ROWS, read_selected};
use crate::{Metadata, Result, Table};

rows! {
    /// One entry of a cosine matrix.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Similarity {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        condition_a: String = NO_UNIT, "the condition of the matrix's rows; pairs of conditions come once";
        condition_b: String = NO_UNIT, "the condition of its columns";
        prompt_a: String = NO_UNIT, "the id of the row's prompt";
        prompt_b: String = NO_UNIT, "the id of the column's prompt";
        cosine: f64 = COSINE, "of the two activations";
    }
}

impl Table for Similarity {
    const SCHEMA: TableSchema = TableSchema {
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
        count: Some(RowCount {
            words: "layers x poolings x pairs of conditions x prompts x prompts, where they were asked for",
            allowed: |run| {
                let matrices = run.conditions * (run.conditions + 1) / 2;
                vec![
                    0,
                    run.layers * run.poolings * matrices * run.prompts * run.prompts,
                ]
            },
        }),
        columns: Self::columns,
    };
}

impl Similarity {
    /// Reads the rows whose pooling and two prompts are wanted; of the others, of which there may
    /// be millions, nothing is kept in memory.
    ///
    /// # Errors
    /// As for [`Table::read`].
    pub fn read_where(
        path: &Path,
        is_wanted: impl Fn(&str, &str, &str) -> bool,
    ) -> Result<(Vec<Similarity>, Metadata)> {
        let select = |batch: &RecordBatch| {
            let texts = |name: &str| {
                batch
                    .column_by_name(name)
                    .and_then(|column| column.as_string_opt::<i32>())
            };
            match (texts("pooling"), texts("prompt_a"), texts("prompt_b")) {
                (Some(pooling), Some(a), Some(b)) => (0..batch.num_rows())
                    .filter(|row| is_wanted(pooling.value(*row), a.value(*row), b.value(*row)))
                    .collect(),
                // The reader says what is wrong with the columns.
                _ => (0..batch.num_rows()).collect(),
            }
        };
        let (batches, metadata) = read_selected::<Similarity, Similarity, _>(path, BATCH_ROWS, None, select)?;
        let batches = batches.collect::<Result<Vec<_>>>()?;
        Ok((batches.into_iter().flatten().collect(), metadata))
    }
}
