use terms::Pooling;

use crate::Table;
use crate::contract::{COSINE, LAYER, NO_UNIT, RowCount, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// The cosine of the contrast vectors of two layers.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DepthCosine {
        pooling: Pooling = NO_UNIT, shared!(pooling);
        layer_a: usize = LAYER, "the one layer";
        layer_b: usize = LAYER, "the other";
        cosine: f64 = COSINE, "of their contrast vectors; null where one of them is zero" => nullable;
    }
}

impl Table for DepthCosine {
    const SCHEMA: TableSchema = TableSchema {
        name: "depth",
        version: 2,
        file: "analyze/depth.parquet",
        row: "the contrast vectors of two layers",
        key: &["pooling", "layer_a", "layer_b"],
        is_sorted: true,
        count: Some(RowCount {
            words: "poolings x layers x layers",
            allowed: |run| vec![run.layers * run.poolings * run.layers],
        }),
        columns: Self::columns,
    };
}
