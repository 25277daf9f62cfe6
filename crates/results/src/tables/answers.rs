use crate::Table;
use crate::contract::{COUNT, NO_UNIT, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// What the model says after one prompt in one condition, as far as it is read.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Answer {
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        condition: String = NO_UNIT, shared!(condition);
        text: String = NO_UNIT, "the answer's first tokens as text, without what ends a turn";
        n_tokens: usize = COUNT, "the length of `token_ids`, at least 1";
        token_ids: Vec<i32> = NO_UNIT, "the tokens of the answer, which the model was given after those of the prompt";
    }
}

impl Table for Answer {
    const SCHEMA: TableSchema = TableSchema {
        name: "answers",
        version: 1,
        file: "extract/answers.parquet",
        row: "the answer to one prompt in one condition; there is no such file where no pooling reads answers",
        key: &["condition", "prompt_id"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
