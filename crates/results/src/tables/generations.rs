use terms::{FinishReason, GenerationStyle};

use crate::Table;
use crate::contract::{COUNT, NO_UNIT, NUMBER, SIGNED_RATIO, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// One generated text.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Generation {
        set: String = NO_UNIT, "the generation set, by its name in the pipeline file";
        prompt_id: String = NO_UNIT, shared!(prompt_id);
        prompt: String = NO_UNIT, shared!(prompt);
        condition: String = NO_UNIT, shared!(condition);
        coefficient: Option<f64> = SIGNED_RATIO, "what the set's interventions were multiplied by; null for sets without";
        sample: usize = NUMBER, "which text of the same set, prompt and coefficient";
        seed: u64 = NO_UNIT, "of the row's own random generator (the bits of an unsigned number)";
        decoding: GenerationStyle = NO_UNIT, "how tokens were chosen";
        /// Such as `addition of 0.7 contrast at layer 4, all positions`; several are separated by
        /// `; `.
        interventions: String = NO_UNIT, "what was done to the residual stream, in words";
        text: String = NO_UNIT, "special tokens kept, white space at both ends stripped";
        n_tokens: usize = COUNT, "generated tokens, an end token included";
        finish_reason: FinishReason = NO_UNIT, "an end token, or `steer.max_new_tokens`";
    }
}

impl Table for Generation {
    const SCHEMA: TableSchema = TableSchema {
        name: "generations",
        version: 1,
        file: "steer/generations.parquet",
        row: "one generated text",
        key: &["set", "prompt_id", "coefficient", "sample"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
