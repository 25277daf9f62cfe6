use terms::Pooling;

use crate::Table;
use crate::contract::{
    COSINE, COSINES, COUNT, LAYER, LAYERS_AND_POOLINGS, NO_UNIT, NORM, PROBABILITY, RATIO, SHARE,
    SIGNED_RATIO, SPREAD, TableSchema, shared,
};
use crate::row::{Row, rows};

rows! {
    /// How certain one layer's figures are: intervals, tests, and the same figures taken in other
    /// ways.
    ///
    /// Names end in `_low` and `_high` for the ends of a 95 % interval. Cosines and shares have no
    /// unit; norms have that of the residual stream. A figure that is not defined, such as an
    /// effect size without spread, is NaN here and null in the table. `docs/statistics.md` gives
    /// every formula.
    #[derive(Clone, Debug, Default, PartialEq)]
    pub struct LayerStatistics {
        layer: usize = LAYER, shared!(layer);
        pooling: Pooling = NO_UNIT, shared!(pooling);
        prompts: usize = COUNT, shared!(prompts);
        within_low: f64 = COSINE, "the lower end of the 95 % interval of `avg_within_category`" => nullable;
        within_high: f64 = COSINE, "its upper end" => nullable;
        within_positive_low: f64 = COSINE, "the lower end of the 95 % interval of `avg_within_positive`" => nullable;
        within_positive_high: f64 = COSINE, "its upper end" => nullable;
        within_negative_low: f64 = COSINE, "the lower end of the 95 % interval of `avg_within_negative`" => nullable;
        within_negative_high: f64 = COSINE, "its upper end" => nullable;
        cross_low: f64 = COSINE, "the lower end of the 95 % interval of `avg_cross_category`" => nullable;
        cross_high: f64 = COSINE, "its upper end" => nullable;
        difference_low: f64 = COSINES, "the lower end of the 95 % interval of `similarity_difference`" => nullable;
        difference_high: f64 = COSINES, "its upper end" => nullable;
        matched: f64 = COSINE, "the mean cosine of the same prompt in both conditions" => nullable;
        matched_low: f64 = COSINE, "the lower end of the 95 % interval of `matched`" => nullable;
        matched_high: f64 = COSINE, "its upper end" => nullable;
        permutation_difference: f64 = COSINES, "within minus cross of the prompts that are tested" => nullable;
        permutation_mean: f64 = COSINES, "its mean over relabellings" => nullable;
        permutation_deviation: f64 = SPREAD, "its standard deviation over relabellings" => nullable;
        permutation_p: f64 = PROBABILITY, "of a relabelling as far from that mean, two-sided";
        permutation_p_family: f64 = PROBABILITY, "the same, corrected for looking at all layers (max-T)";
        contrast_norm_unbiased: f64 = NORM, "the contrast's norm without what noise adds to it" => nullable;
        contrast_norm_low: f64 = NORM, "the lower end of the 95 % interval of `contrast_norm_unbiased`" => nullable;
        contrast_norm_high: f64 = NORM, "its upper end" => nullable;
        contrast_norm_relative: f64 = RATIO, "the contrast's norm over `mean_residual_norm`";
        split_half: f64 = COSINE, "of contrasts from two halves of the prompts" => nullable;
        split_half_low: f64 = COSINE, "the lower end of the 95 % interval of `split_half`" => nullable;
        split_half_high: f64 = COSINE, "its upper end" => nullable;
        split_half_floor: f64 = COSINE, "what contrasts of nothing reach" => nullable;
        separation_auc: f64 = SHARE, "how often the contrast of all other prompts orders a prompt's rows rightly: the area under the ROC curve" => nullable;
        separation_accuracy: f64 = SHARE, "rows on the right side of it" => nullable;
        effect_size: f64 = SIGNED_RATIO, "Cohen's d of the same scores" => nullable;
        centred_within: f64 = COSINE, "within, after the mean of all rows was taken away" => nullable;
        centred_cross: f64 = COSINE, "cross, likewise" => nullable;
        centred_difference: f64 = COSINES, "within minus cross, likewise" => nullable;
        whitened_within: f64 = COSINE, "within, after whitening with a shrunk covariance" => nullable;
        whitened_cross: f64 = COSINE, "cross, likewise" => nullable;
        whitened_difference: f64 = COSINES, "within minus cross, likewise" => nullable;
        whitening_shrinkage: f64 = SHARE, "how much the covariance was shrunk";
        trimmed_within: f64 = COSINE, "within, without the dimensions of `outliers.parquet`" => nullable;
        trimmed_cross: f64 = COSINE, "cross, likewise" => nullable;
        trimmed_difference: f64 = COSINES, "within minus cross, likewise" => nullable;
        outlier_share: f64 = SHARE, "of these dimensions in the squared norm";
        bf16_within: f64 = COSINE, "within, with activations rounded to bf16" => nullable;
        bf16_cross: f64 = COSINE, "cross, likewise" => nullable;
        bf16_difference: f64 = COSINES, "within minus cross, likewise" => nullable;
        pca_cosine: f64 = COSINE, "of the vector `pca` with the contrast" => nullable;
        probe_cosine: f64 = COSINE, "of the vector `probe` with the contrast" => nullable;
        lda_cosine: f64 = COSINE, "of the vector `lda` with the contrast" => nullable;
    }
}

impl Table for LayerStatistics {
    const SCHEMA: TableSchema = TableSchema {
        name: "statistics",
        version: 2,
        file: "analyze/statistics.parquet",
        row: "one layer under one pooling: intervals, tests, and the figures taken in other ways",
        key: &["pooling", "layer"],
        is_sorted: true,
        count: LAYERS_AND_POOLINGS,
        columns: Self::columns,
    };
}
