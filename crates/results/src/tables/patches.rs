use terms::{Patch, PatchedPositions, Site};

use crate::Table;
use crate::contract::{
    COUNT, DIVERGENCE, LAYER, LOG_ODDS, NO_UNIT, NUMBER, PROBABILITY, SIGNED_RATIO, TableSchema,
};
use crate::row::{Row, rows};

rows! {
    /// What other activations at one place do to the answer. Names end in `_low` and `_high` for the ends
    /// of a 95 % interval.
    #[derive(Clone, Debug, PartialEq)]
    pub struct PatchEffect {
        patch: Patch = NO_UNIT, "what is put in the place of the activations";
        site: Site = NO_UNIT, "where: the residual stream after a layer, what attention or the feed-forward adds, or a head";
        layer: usize = LAYER, "where it is put";
        head: Option<usize> = NUMBER, "which head; null for other sites";
        positions: PatchedPositions = NO_UNIT, "which tokens are patched together";
        from_end: Option<usize> = NUMBER, "of a single token: its place from the end of the text, 0 the last; null for several";
        token_positive: Option<String> = NO_UNIT, "that token in the positive condition; null for several";
        token_negative: Option<String> = NO_UNIT, "and in the negative one";
        prompts: usize = COUNT, "how many prompts the figures come from";
        effect: f64 = SIGNED_RATIO, "`moved` over the whole way between the conditions: 0 is the unpatched run, 1 the other \
            condition's; null where the conditions don't differ" => nullable;
        effect_low: f64 = SIGNED_RATIO, "the lower end of the 95 % interval of `effect`" => nullable;
        effect_high: f64 = SIGNED_RATIO, "its upper end" => nullable;
        moved: f64 = LOG_ODDS, "how far the log-odds of the two answers moved toward the other condition's, mean over the prompts";
        moved_low: f64 = LOG_ODDS, "the lower end of the 95 % interval of `moved`";
        moved_high: f64 = LOG_ODDS, "its upper end";
        kl: f64 = DIVERGENCE, "mean KL(unpatched, patched) of the answer's first token";
        p: Option<f64> = PROBABILITY, "put-in: the share of sign flips at least as extreme, with each prompt's other-prompt control \
            as the other label; null for other patches";
        p_family: Option<f64> = PROBABILITY, "the same for the most extreme of all places";
    }
}

impl Table for PatchEffect {
    const SCHEMA: TableSchema = TableSchema {
        name: "patches",
        version: 1,
        file: "locate/patches.parquet",
        row: "one patch at one place; none where the stage was left out",
        key: &["patch", "site", "layer", "head", "positions", "from_end"],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
