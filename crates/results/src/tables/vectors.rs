use pipeline::VectorKind;
use terms::Pooling;

use crate::Table;
use crate::contract::{LAYER, NO_UNIT, NORM, REACH, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// One vector at one layer.
    #[derive(Clone, Debug, PartialEq)]
    pub struct VectorRow {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        vector_name: VectorKind = NO_UNIT, "`contrast` (mean(positive) - mean(negative)), `pca`, `probe`, `lda`, `contrast.cleaned`, \
            `effect.speaker`, `effect.transcript`, `effect.interaction`, `mean.CONDITION`, or a name of `[[vectors]]`";
        norm: f64 = NORM, "the Euclidean norm of `vector`, summed in f64 before rounding";
        vector: Vec<f32> = REACH, "the vector";
    }
}

impl Table for VectorRow {
    const SCHEMA: TableSchema = TableSchema {
        name: "vectors",
        version: 1,
        file: "analyze/vectors.parquet",
        row: "one vector at one layer under one pooling",
        key: &["layer", "pooling", "vector_name"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
