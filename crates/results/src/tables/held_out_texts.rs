use crate::contract::{NUMBER, TableSchema};
use crate::row::{Row, rows};
use crate::{DoseText, Table};

rows! {
    /// A text of a prompt that neither chose its dose nor made its vector.
    #[derive(Clone, Debug, PartialEq)]
    pub struct HeldOutText {
        fold: usize = NUMBER, "the part of the prompts that was set aside";
        /// The text. Its dose was chosen on the prompts of the other folds; where none passed there, nothing was done.
        text: DoseText;
    }
}

impl Table for HeldOutText {
    const SCHEMA: TableSchema = TableSchema {
        name: "held_out_texts",
        version: 1,
        file: "dose/held_out_texts.parquet",
        row: "one text of a prompt that was set aside when its dose was chosen; none where the sweep was left out",
        key: &["direction", "condition", "prompt_id"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
