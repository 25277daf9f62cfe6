use terms::HiddenTokens;

use crate::Table;
use crate::contract::{COUNT, DIVERGENCE, LAYER, LOG_ODDS, NO_UNIT, SIGNED_RATIO, TableSchema, shared};
use crate::row::{Row, rows};

rows! {
    /// What happens to the answer where the last tokens don't see a part of the text, in some layers. Names end in
    /// `_low` and `_high` for the ends of a 95 % interval.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Knockout {
        condition: String = NO_UNIT, shared!(condition);
        hidden: HiddenTokens = NO_UNIT, "what the tokens of the opened turn after it, and those of the answer, don't see";
        first_layer: usize = LAYER, "the first layer in which they don't";
        last_layer: usize = LAYER, "the last one";
        prompts: usize = COUNT, "how many prompts the figures come from";
        effect: f64 = SIGNED_RATIO, "`moved` over the whole way between the conditions; null where the conditions don't differ" => nullable;
        effect_low: f64 = SIGNED_RATIO, "the lower end of the 95 % interval of `effect`" => nullable;
        effect_high: f64 = SIGNED_RATIO, "its upper end" => nullable;
        moved: f64 = LOG_ODDS, "how far the log-odds of the two answers moved toward the other condition's, mean over the prompts";
        moved_low: f64 = LOG_ODDS, "the lower end of the 95 % interval of `moved`";
        moved_high: f64 = LOG_ODDS, "its upper end";
        kl: f64 = DIVERGENCE, "mean KL(unchanged, changed) of the answer's first token";
    }
}

impl Table for Knockout {
    const SCHEMA: TableSchema = TableSchema {
        name: "knockouts",
        version: 1,
        file: "locate/knockouts.parquet",
        row: "one part of the text that is hidden in some layers, in one condition; none where the stage was left out",
        key: &["condition", "hidden", "first_layer", "last_layer"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
