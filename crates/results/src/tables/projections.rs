use terms::Pooling;

use crate::Table;
use crate::contract::{LAYER, NO_UNIT, REACH, RowCount, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// How far one residual reaches along the contrast vector.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Projection {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        condition: String = NO_UNIT, shared!(condition);
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        projection: f64 = REACH, "`dot(h, v) / norm(v)`";
    }
}

impl Table for Projection {
    const SCHEMA: TableSchema = TableSchema {
        name: "projections",
        version: 1,
        file: "analyze/projections.parquet",
        row: "one activation: how far it reaches along the contrast of its layer and pooling",
        key: &["layer", "pooling", "condition", "prompt_id"],
        is_sorted: true,
        count: Some(RowCount {
            words: "layers x poolings x conditions x prompts",
            allowed: |run| vec![run.layers * run.poolings * run.conditions * run.prompts],
        }),
        columns: Self::columns,
    };
}
