use std::path::Path;

use crate::contract::{COSINE, COSINES, NORM, PROBABILITY, RATIO, SHARE, SIGNED_RATIO, SPREAD, TableSchema};
use crate::layer_table::{layer_columns, read_layer_table, write_layer_table};
use crate::table::{NumberField, number_fields};
use crate::{Metadata, Result};

pub(crate) const SCHEMA: TableSchema = TableSchema {
    name: "statistics",
    version: 2,
    file: "analyze/statistics.parquet",
    row: "one layer under one pooling: intervals, tests, and the figures taken in other ways",
    key: &["pooling", "layer"],
    is_sorted: true,
    columns: || layer_columns(NUMBERS),
};

/// What one layer's figures are worth: intervals, tests, and the same figures taken in other ways.
///
/// Names end in `_low` and `_high` for the ends of a 95 % interval. Cosines and shares have no unit; norms have that of
/// the residual stream. A figure that is not defined, such as an effect size without spread, is NaN here and null in the
/// table. `docs/statistics.md` gives every formula.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LayerStatistics {
    pub layer: usize,
    pub pooling: String,
    /// The prompts that the figures of this table come from.
    pub prompts: usize,
    pub within_low: f64,
    pub within_high: f64,
    pub within_positive_low: f64,
    pub within_positive_high: f64,
    pub within_negative_low: f64,
    pub within_negative_high: f64,
    pub cross_low: f64,
    pub cross_high: f64,
    pub difference_low: f64,
    pub difference_high: f64,
    /// The mean cosine of the same prompt in both conditions.
    pub matched: f64,
    pub matched_low: f64,
    pub matched_high: f64,
    /// Within minus cross, its mean and deviation over relabellings, and how often these are as far from that mean.
    pub permutation_difference: f64,
    pub permutation_mean: f64,
    pub permutation_deviation: f64,
    pub permutation_p: f64,
    /// The same, corrected for looking at all layers.
    pub permutation_p_family: f64,
    /// The norm of the contrast without what noise adds to it.
    pub contrast_norm_unbiased: f64,
    pub contrast_norm_low: f64,
    pub contrast_norm_high: f64,
    /// The contrast's norm over the mean norm of the residuals.
    pub contrast_norm_relative: f64,
    /// The cosine of contrasts from two halves of the prompts, and what contrasts of nothing reach.
    pub split_half: f64,
    pub split_half_low: f64,
    pub split_half_high: f64,
    pub split_half_floor: f64,
    /// How well the contrast of all other prompts tells a prompt's two rows apart.
    pub separation_auc: f64,
    pub separation_accuracy: f64,
    pub effect_size: f64,
    /// After the mean of all rows is taken away.
    pub centred_within: f64,
    pub centred_cross: f64,
    pub centred_difference: f64,
    /// After whitening with a shrunk covariance.
    pub whitened_within: f64,
    pub whitened_cross: f64,
    pub whitened_difference: f64,
    pub whitening_shrinkage: f64,
    /// Without the dimensions of `outliers.parquet`, and their share of the squared norm.
    pub trimmed_within: f64,
    pub trimmed_cross: f64,
    pub trimmed_difference: f64,
    pub outlier_share: f64,
    /// With activations rounded to bf16, as published tables have them.
    pub bf16_within: f64,
    pub bf16_cross: f64,
    pub bf16_difference: f64,
    /// The cosine of the other directions with the contrast.
    pub pca_cosine: f64,
    pub probe_cosine: f64,
    pub lda_cosine: f64,
}

const NUMBERS: &[NumberField<LayerStatistics>] = number_fields!(LayerStatistics:
    within_low: COSINE, "the lower end of the 95 % interval of `avg_within_category`" => nullable;
    within_high: COSINE, "its upper end" => nullable;
    within_positive_low: COSINE, "the lower end of the 95 % interval of `avg_within_positive`" => nullable;
    within_positive_high: COSINE, "its upper end" => nullable;
    within_negative_low: COSINE, "the lower end of the 95 % interval of `avg_within_negative`" => nullable;
    within_negative_high: COSINE, "its upper end" => nullable;
    cross_low: COSINE, "the lower end of the 95 % interval of `avg_cross_category`" => nullable;
    cross_high: COSINE, "its upper end" => nullable;
    difference_low: COSINES, "the lower end of the 95 % interval of `similarity_difference`" => nullable;
    difference_high: COSINES, "its upper end" => nullable;
    matched: COSINE, "the mean cosine of the same prompt in both conditions" => nullable;
    matched_low: COSINE, "the lower end of the 95 % interval of `matched`" => nullable;
    matched_high: COSINE, "its upper end" => nullable;
    permutation_difference: COSINES, "within minus cross of the prompts that are tested" => nullable;
    permutation_mean: COSINES, "its mean over relabellings" => nullable;
    permutation_deviation: SPREAD, "its standard deviation over relabellings" => nullable;
    permutation_p: PROBABILITY, "of a relabelling as far from that mean, two-sided";
    permutation_p_family: PROBABILITY, "the same, corrected for looking at all layers (max-T)";
    contrast_norm_unbiased: NORM, "the contrast's norm without what noise adds to it" => nullable;
    contrast_norm_low: NORM, "the lower end of the 95 % interval of `contrast_norm_unbiased`" => nullable;
    contrast_norm_high: NORM, "its upper end" => nullable;
    contrast_norm_relative: RATIO, "the contrast's norm over `mean_residual_norm`";
    split_half: COSINE, "of contrasts from two halves of the prompts" => nullable;
    split_half_low: COSINE, "the lower end of the 95 % interval of `split_half`" => nullable;
    split_half_high: COSINE, "its upper end" => nullable;
    split_half_floor: COSINE, "what contrasts of nothing reach" => nullable;
    separation_auc: SHARE, "how often the contrast of all other prompts orders a prompt's rows rightly: the area under the ROC curve" => nullable;
    separation_accuracy: SHARE, "rows on the right side of it" => nullable;
    effect_size: SIGNED_RATIO, "Cohen's d of the same scores" => nullable;
    centred_within: COSINE, "within, after the mean of all rows was taken away" => nullable;
    centred_cross: COSINE, "cross, likewise" => nullable;
    centred_difference: COSINES, "within minus cross, likewise" => nullable;
    whitened_within: COSINE, "within, after whitening with a shrunk covariance" => nullable;
    whitened_cross: COSINE, "cross, likewise" => nullable;
    whitened_difference: COSINES, "within minus cross, likewise" => nullable;
    whitening_shrinkage: SHARE, "how much the covariance was shrunk";
    trimmed_within: COSINE, "within, without the dimensions of `outliers.parquet`" => nullable;
    trimmed_cross: COSINE, "cross, likewise" => nullable;
    trimmed_difference: COSINES, "within minus cross, likewise" => nullable;
    outlier_share: SHARE, "of these dimensions in the squared norm";
    bf16_within: COSINE, "within, with activations rounded to bf16" => nullable;
    bf16_cross: COSINE, "cross, likewise" => nullable;
    bf16_difference: COSINES, "within minus cross, likewise" => nullable;
    pca_cosine: COSINE, "of the vector `pca` with the contrast" => nullable;
    probe_cosine: COSINE, "of the vector `probe` with the contrast" => nullable;
    lda_cosine: COSINE, "of the vector `lda` with the contrast" => nullable;
);

pub fn write_statistics(path: &Path, metadata: &Metadata, rows: &[LayerStatistics]) -> Result<()> {
    write_layer_table(path, &SCHEMA, metadata, NUMBERS, rows, |row| {
        (row.layer, row.pooling.clone(), row.prompts)
    })
}

pub fn read_statistics(path: &Path) -> Result<(Vec<LayerStatistics>, Metadata)> {
    read_layer_table(path, &SCHEMA, NUMBERS, |(layer, pooling, prompts)| {
        LayerStatistics {
            layer,
            pooling,
            prompts,
            ..LayerStatistics::default()
        }
    })
}
