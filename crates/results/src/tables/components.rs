use terms::Pooling;

use crate::Table;
use crate::contract::{LAYER, NO_UNIT, REACH, SHARE, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// The position of one residual in the plane of its layer's two first principal components,
    /// about the mean of all rows.
    #[derive(Clone, Debug, PartialEq)]
    pub struct ComponentPlace {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        condition: String = NO_UNIT, shared!(condition);
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        pc1: f64 = REACH, "along the first component, from the mean of all rows";
        pc2: f64 = REACH, "along the second";
        pc1_share: f64 = SHARE, "of the variance, the same in all rows of a layer";
        pc2_share: f64 = SHARE, "the same of the second";
    }
}

impl Table for ComponentPlace {
    const SCHEMA: TableSchema = TableSchema {
        name: "principal_components",
        version: 1,
        file: "analyze/principal_components.parquet",
        row: "one residual, under the contrast's pooling, in the plane of its layer's two first principal components",
        key: &["layer", "pooling", "condition", "prompt_id"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
