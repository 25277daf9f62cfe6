use terms::FinishReason;

use crate::contract::{COUNT, LOG_ODDS, NO_UNIT, REACH, SHARE, SURPRISE, TableSchema, shared};
use crate::row::{Row, rows};
use crate::{Dose, Table};

rows! {
    /// A text that was generated under a dose, and what the unsteered model makes of it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DoseText {
        /// The dose.
        dose: Dose;
        condition: String = NO_UNIT, shared!(condition);
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        prompt: String = NO_UNIT, shared!(prompt);
        text: String = NO_UNIT, "special tokens kept, white space at both ends stripped";
        n_tokens: usize = COUNT, "the length of `token_ids`";
        token_ids: Vec<i32> = NO_UNIT, "the generated tokens, an end token included";
        finish_reason: FinishReason = NO_UNIT, "an end token, or `dose.max_new_tokens`";
        log_odds: f64 = LOG_ODDS, "`surprise_negative - surprise_positive`: above 0 it sounds like the positive condition's speaker";
        surprise_positive: f64 = SURPRISE, "-log p(text) under the unsteered model, after the prompt in the positive condition";
        surprise_negative: f64 = SURPRISE, "the same in the negative condition";
        projection_positive: f64 = REACH, "the unsteered model reads it after the prompt in the positive condition: the mean projection of the \
            text's tokens, but for the last one, on the contrast after the last layer";
        projection_negative: f64 = REACH, "the same in the negative condition";
        distinct_2: f64 = SHARE, "different pairs of neighbouring tokens over all pairs; 1 for fewer than two tokens";
    }
}

impl Table for DoseText {
    const SCHEMA: TableSchema = TableSchema {
        name: "dose_texts",
        version: 1,
        file: "dose/texts.parquet",
        row: "one text that was generated under a dose; none where the sweep was left out",
        key: &[
            "layer",
            "operation",
            "direction",
            "direction_number",
            "coefficient",
            "percentile",
            "condition",
            "prompt_id",
        ],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
