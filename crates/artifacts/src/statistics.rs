use std::path::Path;

use crate::layer_table::{read_layer_table, write_layer_table};
use crate::table::{NumberField, TableSchema, number_fields};
use crate::{Metadata, Result};

const SCHEMA: TableSchema = TableSchema {
    name: "statistics",
    version: 1,
};

/// What one layer's figures are worth: intervals, tests, and the same figures taken in other ways.
///
/// Names end in `_low` and `_high` for the ends of a 95 % interval. Cosines and shares have no unit; norms have that of
/// the residual stream. `docs/statistics.md` gives every formula.
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
    within_low, within_high, within_positive_low, within_positive_high, within_negative_low, within_negative_high,
    cross_low, cross_high, difference_low, difference_high, matched, matched_low, matched_high,
    permutation_difference, permutation_mean, permutation_deviation, permutation_p, permutation_p_family,
    contrast_norm_unbiased, contrast_norm_low, contrast_norm_high, contrast_norm_relative,
    split_half, split_half_low, split_half_high, split_half_floor,
    separation_auc, separation_accuracy, effect_size,
    centred_within, centred_cross, centred_difference,
    whitened_within, whitened_cross, whitened_difference, whitening_shrinkage,
    trimmed_within, trimmed_cross, trimmed_difference, outlier_share,
    bf16_within, bf16_cross, bf16_difference,
    pca_cosine, probe_cosine, lda_cosine,
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
