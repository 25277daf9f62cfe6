use std::path::Path;

use arrow_array::types::{Float64Type, Int32Type};

use crate::contract::{Column, LOGIT, NUMBER, TableSchema};
use crate::table::{Columns, column, read_table, text_column, write_table};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "lens",
    version: 1,
    file: "steer/lens.parquet",
    row: "one token that the contrast of a layer promotes or suppresses",
    key: &["layer", "side", "rank"],
    is_sorted: true,
    columns: || {
        vec![
            Column::layer(),
            Column::word(
                "side",
                &["promoted", "suppressed"],
                "the largest logits, or the smallest",
            ),
            Column::int32("rank", NUMBER, "0 is the most extreme"),
            Column::int32("token_id", NUMBER, "the token"),
            Column::text("token_text", "as the vocabulary spells it"),
            Column::float64(
                "logit",
                LOGIT,
                "`head(final norm(contrast))`, soft-capped where the model caps",
            ),
        ]
    },
};

/// A token that the contrast vector of a layer promotes or suppresses, by the model's final norm and head.
#[derive(Clone, Debug, PartialEq)]
pub struct LensToken {
    pub layer: usize,
    /// Promoted tokens have the largest logits, suppressed ones the smallest.
    pub is_promoted: bool,
    /// 0 for the most extreme.
    pub rank: usize,
    pub token_id: i32,
    pub token_text: String,
    /// Head(final norm(contrast)) of the token, soft-capped where the model caps.
    pub logit: f64,
}

pub fn write_lens(path: &Path, metadata: &Metadata, rows: &[LensToken]) -> Result<()> {
    let side = |row: &LensToken| if row.is_promoted { "promoted" } else { "suppressed" };
    let columns = vec![
        column::<Int32Type>("layer", rows.iter().map(|row| row.layer as i32)),
        text_column("side", rows.iter().map(side)),
        column::<Int32Type>("rank", rows.iter().map(|row| row.rank as i32)),
        column::<Int32Type>("token_id", rows.iter().map(|row| row.token_id)),
        text_column("token_text", rows.iter().map(|row| &row.token_text)),
        column::<Float64Type>("logit", rows.iter().map(|row| row.logit)),
    ];
    write_table(path, &SCHEMA, metadata, columns)
}

pub fn read_lens(path: &Path) -> Result<(Vec<LensToken>, Metadata)> {
    let (batch, metadata) = read_table(path, &SCHEMA)?;
    let columns = Columns { path, batch: &batch };
    let layers = columns.numbers::<Int32Type>("layer")?;
    let sides = columns.texts("side")?;
    let ranks = columns.numbers::<Int32Type>("rank")?;
    let ids = columns.numbers::<Int32Type>("token_id")?;
    let logits = columns.numbers::<Float64Type>("logit")?;
    let texts = columns.texts("token_text")?.into_iter().enumerate();
    let row = |(index, token_text): (usize, String)| LensToken {
        layer: layers[index] as usize,
        is_promoted: sides[index] == "promoted",
        rank: ranks[index] as usize,
        token_id: ids[index],
        token_text,
        logit: logits[index],
    };
    Ok((texts.map(row).collect(), metadata))
}
