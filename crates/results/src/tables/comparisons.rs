use crate::Table;
use crate::contract::{COSINE, LAYER, NO_UNIT, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// The cosine of someone else's vector with one of ours.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VectorComparison {
        vector_name: String = NO_UNIT, "the vector, by its name in the pipeline file";
        other_name: String = NO_UNIT, "the other, under the contrast's pooling: a name of `vectors.parquet`";
        layer: usize = LAYER, shared!(layer);
        cosine: f64 = COSINE, "of the two; null where one of them is zero" => nullable;
    }
}

impl Table for VectorComparison {
    const SCHEMA: TableSchema = TableSchema {
        name: "comparisons",
        version: 2,
        file: "analyze/comparisons.parquet",
        row: "a vector of `[[vectors]]` and another vector of the same layer; none where the pipeline names no files",
        key: &["vector_name", "other_name", "layer"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
