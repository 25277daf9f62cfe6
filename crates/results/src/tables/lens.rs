use terms::LensSide;

use crate::Table;
use crate::contract::{LAYER, LOGIT, NO_UNIT, NUMBER, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// A token that the contrast vector of a layer promotes or suppresses, by the model's final
    /// norm and head.
    #[derive(Clone, Debug, PartialEq)]
    pub struct LensToken {
        layer: usize = LAYER, shared!(layer);
        side: LensSide = NO_UNIT, "the largest logits, or the smallest";
        rank: usize = NUMBER, "0 is the most extreme";
        token_id: i32 = NUMBER, "the token";
        token_text: String = NO_UNIT, "as the vocabulary spells it, or what that stands for if it is byte-level";
        logit: f64 = LOGIT, "`head(final norm(contrast))`, soft-capped where the model caps";
    }
}

impl Table for LensToken {
    const SCHEMA: TableSchema = TableSchema {
        name: "lens",
        version: 1,
        file: "steer/lens.parquet",
        row: "one token that the contrast of a layer promotes or suppresses",
        key: &["layer", "side", "rank"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
