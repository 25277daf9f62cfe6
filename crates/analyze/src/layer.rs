//! What the sums of one layer under one pooling say.

use pipeline::VectorKind;
use results::{Summary, VectorRow};
use terms::Pooling;

use crate::contrast::{difference, norm};
use crate::groups::PooledSums;
use crate::sums::ConditionSums;

/// What one layer adds to the tables, and the direction on which its rows are projected afterwards.
#[derive(Debug)]
pub struct LayerAnalysis {
    pub layer: usize,
    pub pooling: Pooling,
    pub summary: Summary,
    /// The contrast first, then the mean of every condition.
    pub vectors: Vec<VectorRow>,
    /// The contrast vector, `[hidden]`, before it is rounded to f32 for the table.
    pub contrast: Vec<f64>,
}

/// A difference of means below this share of the rows' mean norm is rounding error of the sums.
const ROUNDING: f64 = 1e-13;

/// Compares the conditions of one layer; `positive` and `negative` are two of them.
pub fn analyze_layer(
    layer: &PooledSums,
    positive: &ConditionSums,
    negative: &ConditionSums,
) -> LayerAnalysis {
    let mut contrast = difference(&positive.mean(), &negative.mean());
    let mut contrast_norm = norm(&contrast);
    if contrast_norm <= ROUNDING * mean_residual_norm(positive, negative) {
        contrast.fill(0.0);
        contrast_norm = 0.0;
        let (number, pooling) = (layer.layer, layer.pooling.as_str());
        tracing::warn!(
            "layer {number}, pooling {pooling}: \"{}\" and \"{}\" have the same mean, so the contrast vector is zero \
             and all projections on it are 0",
            positive.name,
            negative.name,
        );
    }
    LayerAnalysis {
        layer: layer.layer,
        pooling: layer.pooling,
        summary: summary(layer, positive, negative, contrast_norm),
        vectors: vectors(layer, &contrast),
        contrast,
    }
}

fn mean_residual_norm(positive: &ConditionSums, negative: &ConditionSums) -> f64 {
    (positive.norms + negative.norms) / (positive.count + negative.count) as f64
}

/// Within: different prompts of one condition. Across: every prompt of the one with every prompt of
/// the other, matching pairs included. Source: the method's `analyze_similarity_for_layer`.
fn summary(
    layer: &PooledSums,
    positive: &ConditionSums,
    negative: &ConditionSums,
    contrast_norm: f64,
) -> Summary {
    let (avg_within_positive, avg_within_negative) = (positive.mean_within(), negative.mean_within());
    let avg_within_category = (avg_within_positive + avg_within_negative) / 2.0;
    let avg_cross_category = positive.mean_across(negative);
    Summary {
        layer: layer.layer,
        pooling: layer.pooling,
        avg_within_category,
        avg_cross_category,
        similarity_difference: avg_within_category - avg_cross_category,
        avg_within_positive,
        avg_within_negative,
        contrast_norm,
        mean_residual_norm: mean_residual_norm(positive, negative),
    }
}

fn vectors(layer: &PooledSums, contrast: &[f64]) -> Vec<VectorRow> {
    let means = layer
        .conditions
        .iter()
        .map(|condition| (VectorKind::Mean(condition.name.clone()), condition.mean()));
    std::iter::once((VectorKind::Contrast, contrast.to_vec()))
        .chain(means)
        .map(|(kind, vector)| VectorRow {
            layer: layer.layer,
            pooling: layer.pooling,
            vector_name: kind,
            norm: norm(&vector),
            vector: vector.iter().map(|&value| value as f32).collect(),
        })
        .collect()
}
