use interventions::Kind;

use crate::contract::{
    COUNT, DIVERGENCE, LAYER, LOG_ODDS, NO_UNIT, NUMBER, PERCENTILE, RATIO, REACH, SHARE, SIGNED_RATIO,
    SIGNED_SHARE, TableSchema, shared,
};
use crate::row::{Row, rows};
use crate::{DoseDirection, Table};

rows! {
    /// What is done to the residual stream: one point of a dose-response curve.
    #[derive(Clone, Debug, PartialEq)]
    pub struct Dose {
        layer: Option<usize> = LAYER, "where it is given; null where nothing is done";
        /// None where nothing is done.
        operation: Option<Kind> = NO_UNIT, "what is done to the residual stream, at all positions";
        direction: DoseDirection = NO_UNIT, "the vector that is added, as steering sets name it, or a control with the contrast's norm: `random`, `shuffled`";
        direction_number: usize = NUMBER, "which of several random directions";
        coefficient: Option<f64> = SIGNED_RATIO, "multiples of the direction; null for operations without";
        relative_coefficient: Option<f64> = SIGNED_RATIO, "the same in mean residual norms of the layer: \
            `coefficient * norm(direction) / mean_residual_norm`";
        percentile: Option<f64> = PERCENTILE, "capping: of all projections, which is the threshold";
        threshold: Option<f64> = REACH, "capping: the largest projection that is left";
    }
}

impl Dose {
    /// Nothing is done.
    pub fn unsteered() -> Self {
        Dose {
            layer: None,
            operation: None,
            direction: DoseDirection::CONTRAST,
            direction_number: 0,
            coefficient: None,
            relative_coefficient: None,
            percentile: None,
            threshold: None,
        }
    }
}

rows! {
    /// What a dose does to the texts of one condition. Names end in `_low` and `_high` for the ends
    /// of a 95 % interval.
    #[derive(Clone, Debug, PartialEq)]
    pub struct DoseEffect {
        /// The dose.
        dose: Dose;
        condition: String = NO_UNIT, shared!(condition);
        texts: usize = COUNT, "how many texts the figures come from";
        /// What it does and what it costs.
        figures: DoseFigures;
    }
}

rows! {
    /// What a dose does to texts, and what it costs.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct DoseFigures {
        log_odds: f64 = LOG_ODDS, "the mean over the texts: above 0 they sound like the positive condition's speaker";
        log_odds_low: f64 = LOG_ODDS, "the lower end of the 95 % interval of `log_odds`";
        log_odds_high: f64 = LOG_ODDS, "its upper end";
        effect: f64 = LOG_ODDS, "how far `log_odds` moved from the unsteered texts toward the other condition's speaker";
        effect_low: f64 = LOG_ODDS, "the lower end of the 95 % interval of `effect`";
        effect_high: f64 = LOG_ODDS, "its upper end";
        projection_effect: f64 = SIGNED_SHARE, "how far the texts' projections (`projection_positive` and `projection_negative`, \
            the mean of both) moved: 0 is the unsteered texts, 1 those of the other condition; null where these are not on \
            their own sides" => nullable;
        projection_effect_low: f64 = SIGNED_SHARE, "the lower end of the 95 % interval of `projection_effect`" => nullable;
        projection_effect_high: f64 = SIGNED_SHARE, "its upper end" => nullable;
        crossed: f64 = SHARE, "texts that sound like the other condition's speaker";
        wrong_way: f64 = SHARE, "prompts whose text moved away from it";
        perplexity_own: f64 = RATIO, "exp(mean surprise) of the texts in the format where they were generated";
        perplexity: f64 = RATIO, "the same in the likelier of both formats";
        perplexity_ratio: f64 = RATIO, "`perplexity` over that of all unsteered texts of both conditions";
        kl: f64 = DIVERGENCE, "mean KL(unsteered, steered) of the next token on neutral prompts";
        distinct_2: f64 = SHARE, "different pairs of neighbouring tokens over all pairs, mean over the texts";
        ended: f64 = SHARE, "texts that ended by themselves";
    }
}

impl Table for DoseEffect {
    const SCHEMA: TableSchema = TableSchema {
        name: "doses",
        version: 1,
        file: "dose/doses.parquet",
        row: "one dose and condition: what it does to the texts, and what it costs; none where the sweep was left out",
        key: &[
            "layer",
            "operation",
            "direction",
            "direction_number",
            "coefficient",
            "percentile",
            "condition",
        ],
        is_sorted: false,
        count: None,
        columns: Self::columns,
    };
}
