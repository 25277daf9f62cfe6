use crate::Table;
use crate::contract::{COUNT, NO_UNIT, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// One prompt in one condition as the model sees it.
    #[derive(Clone, Debug, PartialEq)]
    pub struct RenderedPrompt {
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        prompt: String = NO_UNIT, shared!(prompt);
        condition: String = NO_UNIT, shared!(condition);
        text: String = NO_UNIT, "the chat template's text, `<bos>` included";
        n_tokens: usize = COUNT, "the length of `token_ids`";
        token_ids: Vec<i32> = NO_UNIT, "the tokens of `text`, which the model was given";
        token_texts: Vec<String> = NO_UNIT, "the same tokens as text";
        opening: i32 = NO_UNIT, "the position of the first token of the opened turn's header";
    }
}

impl Table for RenderedPrompt {
    const SCHEMA: TableSchema = TableSchema {
        name: "prompts",
        version: 3,
        file: "extract/prompts.parquet",
        row: "one prompt in one condition, as the model sees it",
        key: &["condition", "prompt_id"],
        is_sorted: true,
        count: None,
        columns: Self::columns,
    };
}
