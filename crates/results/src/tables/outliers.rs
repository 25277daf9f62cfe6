use terms::Pooling;

use crate::Table;
use crate::contract::{LAYER, NO_UNIT, NUMBER, SHARE, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// A dimension of the residual stream that carries far more than its part of the rows' squared
    /// norm.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Outlier {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        dimension: usize = NUMBER, "its place in the vectors";
        share: f64 = SHARE, "its part of the squared norm of all rows";
    }
}

impl Table for Outlier {
    const SCHEMA: TableSchema = TableSchema {
        name: "outliers",
        version: 1,
        file: "analyze/outliers.parquet",
        row: "one dimension of the residual stream that carries far more than its part of the squared norm",
        key: &["layer", "pooling", "dimension"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
