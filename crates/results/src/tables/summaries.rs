use std::fmt::Write;
use std::path::Path;

use terms::Pooling;

use crate::Table;
use crate::contract::{COSINE, COSINES, LAYER, LAYERS_AND_POOLINGS, NO_UNIT, NORM, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// The similarities of one layer in short.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Summary {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        avg_within_category: f64 = COSINE, "the mean of the two within figures";
        avg_cross_category: f64 = COSINE, "the mean over the whole positive x negative matrix, a prompt with itself included";
        similarity_difference: f64 = COSINES, "within minus cross";
        avg_within_positive: f64 = COSINE, "the mean over pairs of different prompts in the positive condition";
        avg_within_negative: f64 = COSINE, "the same in the negative condition";
        contrast_norm: f64 = NORM, "the norm of the contrast vector";
        mean_residual_norm: f64 = NORM, "the mean norm of the residuals of both conditions";
    }
}

impl Table for Summary {
    const SCHEMA: TableSchema = TableSchema {
        name: "summary",
        version: 1,
        file: "analyze/summary.parquet",
        row: "one layer under one pooling: the similarities in short",
        key: &["layer", "pooling"],
        is_sorted: true,
        count: LAYERS_AND_POOLINGS,
        columns: Self::columns,
    };
}

/// The notebook's table as CSV: the last two columns carry the names of the two conditions.
///
/// # Errors
/// What the file system says.
pub fn write_summary_csv(path: &Path, positive: &str, negative: &str, rows: &[Summary]) -> crate::Result<()> {
    let mut text = format!(
        "layer,avg_within_category,avg_cross_category,similarity_difference,avg_{positive}_{positive},avg_{negative}_{negative}\n"
    );
    for row in rows {
        // Writing into a String can't fail.
        let _ = writeln!(
            text,
            "{},{:?},{:?},{:?},{:?},{:?}",
            row.layer,
            row.avg_within_category,
            row.avg_cross_category,
            row.similarity_difference,
            row.avg_within_positive,
            row.avg_within_negative
        );
    }
    Ok(fs_err::write(path, text)?)
}
