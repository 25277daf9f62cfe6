//! All numbers of one layer under one pooling.

use artifacts::{Projection, Similarity, Summary, VectorKind, VectorRow};

use crate::contrast::{difference, mean_row, norm, projection};
use crate::cosine::{cosine_matrix, mean_of_all, mean_of_pairs, unit_rows};
use crate::groups::{ConditionRows, PooledLayer};

/// What one layer adds to each table.
#[derive(Debug)]
pub struct LayerAnalysis {
    pub summary: Summary,
    pub similarities: Vec<Similarity>,
    /// The contrast first, then the mean of every condition.
    pub vectors: Vec<VectorRow>,
    pub projections: Vec<Projection>,
}

/// Compares the conditions of one layer; `positive` and `negative` are two of them.
pub fn analyze_layer(
    layer: &PooledLayer,
    positive: &ConditionRows,
    negative: &ConditionRows,
) -> LayerAnalysis {
    let contrast = difference(&mean_row(&positive.rows), &mean_row(&negative.rows));
    if norm(&contrast) == 0.0 {
        let (number, pooling) = (layer.layer, layer.pooling.as_str());
        tracing::warn!(
            "layer {number}, pooling {pooling}: \"{}\" and \"{}\" have the same mean, so the contrast vector is zero \
             and all projections on it are 0",
            positive.name,
            negative.name,
        );
    }
    LayerAnalysis {
        summary: summary(layer, positive, negative, norm(&contrast)),
        similarities: similarities(layer),
        vectors: vectors(layer, &contrast),
        projections: projections(layer, &contrast),
    }
}

/// Within: different prompts of one condition. Across: every prompt of the one with every prompt of the other,
/// matching pairs included.
fn summary(
    layer: &PooledLayer,
    positive: &ConditionRows,
    negative: &ConditionRows,
    contrast_norm: f64,
) -> Summary {
    let (units_positive, units_negative) = (unit_rows(&positive.rows), unit_rows(&negative.rows));
    let avg_within_positive = mean_of_pairs(&cosine_matrix(&units_positive, &units_positive));
    let avg_within_negative = mean_of_pairs(&cosine_matrix(&units_negative, &units_negative));
    let avg_within_category = (avg_within_positive + avg_within_negative) / 2.0;
    let avg_cross_category = mean_of_all(&cosine_matrix(&units_positive, &units_negative));
    Summary {
        layer: layer.layer,
        pooling: layer.pooling.as_str().to_owned(),
        avg_within_category,
        avg_cross_category,
        similarity_difference: avg_within_category - avg_cross_category,
        avg_within_positive,
        avg_within_negative,
        contrast_norm,
        mean_residual_norm: mean_norm(positive.rows.iter().chain(&negative.rows)),
    }
}

fn mean_norm<'a>(rows: impl Iterator<Item = &'a Vec<f32>>) -> f64 {
    let norms: Vec<f64> = rows
        .map(|row| norm(&row.iter().map(|&value| f64::from(value)).collect::<Vec<f64>>()))
        .collect();
    norms.iter().sum::<f64>() / norms.len() as f64
}

/// The cosine matrix of every pair of conditions, a condition with itself included: `[prompts, prompts]` each.
fn similarities(layer: &PooledLayer) -> Vec<Similarity> {
    let units: Vec<_> = layer
        .conditions
        .iter()
        .map(|condition| unit_rows(&condition.rows))
        .collect();
    let mut entries = Vec::new();
    for (a, condition_a) in layer.conditions.iter().enumerate() {
        for (b, condition_b) in layer.conditions.iter().enumerate().skip(a) {
            for (row, cosines) in cosine_matrix(&units[a], &units[b]).into_iter().enumerate() {
                entries.extend(
                    cosines
                        .into_iter()
                        .enumerate()
                        .map(|(column, cosine)| Similarity {
                            layer: layer.layer,
                            pooling: layer.pooling.as_str().to_owned(),
                            condition_a: condition_a.name.clone(),
                            condition_b: condition_b.name.clone(),
                            prompt_a: layer.prompts[row].clone(),
                            prompt_b: layer.prompts[column].clone(),
                            cosine,
                        }),
                );
            }
        }
    }
    entries
}

fn vectors(layer: &PooledLayer, contrast: &[f64]) -> Vec<VectorRow> {
    let means = layer.conditions.iter().map(|condition| {
        (
            VectorKind::Mean(condition.name.clone()),
            mean_row(&condition.rows),
        )
    });
    std::iter::once((VectorKind::Contrast, contrast.to_vec()))
        .chain(means)
        .map(|(kind, vector)| VectorRow {
            layer: layer.layer,
            pooling: layer.pooling.as_str().to_owned(),
            kind,
            norm: norm(&vector),
            vector: vector.iter().map(|&value| value as f32).collect(),
        })
        .collect()
}

fn projections(layer: &PooledLayer, contrast: &[f64]) -> Vec<Projection> {
    let mut entries = Vec::new();
    for condition in &layer.conditions {
        for (prompt, row) in layer.prompts.iter().zip(&condition.rows) {
            entries.push(Projection {
                layer: layer.layer,
                pooling: layer.pooling.as_str().to_owned(),
                condition: condition.name.clone(),
                prompt: prompt.clone(),
                projection: projection(row, contrast),
            });
        }
    }
    entries
}
