use crate::Table;
use crate::contract::{COUNT, LOG_ODDS, NO_UNIT, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// A prompt that was patched: its two unsteered answers, and what the unpatched model says of them.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PatchedPrompt {
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        prompt: String = NO_UNIT, shared!(prompt);
        answer_positive: String = NO_UNIT, "the scored tokens of the model's own greedy answer in the positive condition";
        answer_negative: String = NO_UNIT, "the same in the negative condition";
        log_odds_positive: f64 = LOG_ODDS, "of the first answer against the second, after the positive condition's text";
        log_odds_negative: f64 = LOG_ODDS, "the same after the negative condition's";
        turn_tokens: usize = COUNT, "tokens of the opened turn that both texts have";
        prompt_tokens: usize = COUNT, "tokens before them that are the same in both texts";
        before_tokens: usize = COUNT, "tokens before these that have a counterpart";
    }
}

impl Table for PatchedPrompt {
    const SCHEMA: TableSchema = TableSchema {
        name: "patched_prompts",
        version: 1,
        file: "locate/prompts.parquet",
        row: "one prompt that was patched; none where the stage was left out",
        key: &["prompt_id"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
