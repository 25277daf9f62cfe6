//! Which doses are run: what is done to the residual stream, and in which of the two conditions.

use anyhow::{Context, Result};
use artifacts::{CoefficientUnit, Dose, DoseOperation, DoseTable, Pipeline, Summary};
use statistics::{evenly, quantile};
use steer::{Intervention, Operation, Positions, raw_coefficient, resolve_layer};

use crate::directions::{Direction, LayerDirections};

/// A dose, how it is given, and the sides that it is given to: 0 is the positive condition, 1 the negative one.
#[derive(Clone, Debug)]
pub struct Planned {
    pub dose: Dose,
    pub interventions: Vec<Intervention>,
    pub sides: Vec<usize>,
}

impl Planned {
    /// The model as it is.
    pub fn unsteered() -> Self {
        Planned {
            dose: Dose::unsteered(),
            interventions: Vec::new(),
            sides: vec![0, 1],
        }
    }
}

/// The layers of the sweep: those that the pipeline names, or else at most four whose similarity difference is at least
/// half of the largest one, evenly spaced among these, the largest one's among them.
pub fn layers(table: &DoseTable, summaries: &[Summary]) -> Result<Vec<usize>> {
    let mut chosen = Vec::new();
    for layer in &table.layers {
        chosen.push(resolve_layer(*layer, summaries.len()).context("dose.layers")?);
    }
    if chosen.is_empty() {
        let strongest = summaries
            .iter()
            .max_by(|a, b| a.similarity_difference.total_cmp(&b.similarity_difference))
            .context("the analysis has no layers")?;
        let half = strongest.similarity_difference / 2.0;
        let others: Vec<usize> = summaries
            .iter()
            .filter(|row| row.similarity_difference >= half && row.layer != strongest.layer)
            .map(|row| row.layer)
            .collect();
        chosen = evenly(others.len(), MOST_LAYERS - 1)
            .into_iter()
            .map(|index| others[index])
            .collect();
        chosen.push(strongest.layer);
    }
    chosen.sort_unstable();
    chosen.dedup();
    Ok(chosen)
}

const MOST_LAYERS: usize = 4;

/// All doses at one layer, none where the contrast is zero.
pub fn doses(pipeline: &Pipeline, layer: &LayerDirections) -> Vec<Planned> {
    if layer.contrast().vector.iter().all(|value| *value == 0.0) {
        tracing::warn!(
            "layer {}: the contrast is zero, so there is nothing to steer with",
            layer.layer
        );
        return Vec::new();
    }
    let mut planned = vec![addition(layer, layer.contrast(), 0.0)];
    for size in coefficients(&pipeline.dose, layer) {
        planned.extend([-size, size].map(|coefficient| addition(layer, layer.contrast(), coefficient)));
        // A control has no sign of its own.
        let controls = layer.directions.iter().skip(1);
        planned.extend(controls.map(|control| addition(layer, control, size)));
    }
    // These have no strength to vary, so that one control for each shows what any direction does.
    for direction in layer.directions.iter().filter(|direction| direction.number == 0) {
        planned.push(ablation(layer, direction));
        planned.push(mean_ablation(layer, direction));
        for percentile in &pipeline.dose.percentiles {
            planned.extend([0, 1].map(|side| capping(layer, direction, *percentile, side)));
        }
    }
    planned
}

/// Sizes of the coefficients as multiples of the contrast, ascending.
pub fn coefficients(table: &DoseTable, layer: &LayerDirections) -> Vec<f64> {
    let mut sizes = match table.coefficients.as_slice() {
        [] => DoseTable::DEFAULT_COEFFICIENTS.to_vec(),
        sizes => sizes.to_vec(),
    };
    sizes.sort_by(f64::total_cmp);
    match table.unit {
        CoefficientUnit::Relative if !table.coefficients.is_empty() => sizes
            .into_iter()
            .map(|size| raw_coefficient(size, &layer.contrast().vector, layer.residual_norm))
            .collect(),
        _ => sizes,
    }
}

fn addition(layer: &LayerDirections, direction: &Direction, coefficient: f64) -> Planned {
    let operation = Operation::Addition {
        direction: direction.vector.clone(),
        coefficient,
    };
    let norm = crate::directions::norm(&direction.vector);
    let dose = Dose {
        coefficient: Some(coefficient),
        relative_coefficient: Some(coefficient * norm / layer.residual_norm),
        ..dose(layer, direction, DoseOperation::Addition)
    };
    planned(dose, operation, vec![0, 1])
}

fn ablation(layer: &LayerDirections, direction: &Direction) -> Planned {
    let operation = Operation::Ablation {
        direction: direction.vector.clone(),
        coefficient: 0.0,
    };
    planned(
        dose(layer, direction, DoseOperation::Ablation),
        operation,
        vec![0, 1],
    )
}

/// Puts the mean of all recorded projections in the place of every position's own: what lies along the direction no
/// longer differs between the conditions, and nothing else changes.
fn mean_ablation(layer: &LayerDirections, direction: &Direction) -> Planned {
    let mean = direction.projections.iter().sum::<f64>() / direction.projections.len() as f64;
    let norm = crate::directions::norm(&direction.vector);
    let scale = if norm == 0.0 { 0.0 } else { mean / norm };
    let operation = Operation::MeanAblation {
        direction: direction.vector.clone(),
        mean: direction
            .vector
            .iter()
            .map(|value| (f64::from(*value) * scale) as f32)
            .collect(),
    };
    planned(
        dose(layer, direction, DoseOperation::MeanAblation),
        operation,
        vec![0, 1],
    )
}

/// Caps what reaches farther toward the side's own speaker than the percentile: along the direction in the positive
/// condition, against it in the negative one.
fn capping(layer: &LayerDirections, direction: &Direction, percentile: f64, side: usize) -> Planned {
    let sign = if side == 0 { 1.0 } else { -1.0 };
    let mut reaches: Vec<f64> = direction.projections.iter().map(|reach| sign * reach).collect();
    reaches.sort_by(f64::total_cmp);
    let threshold = quantile(&reaches, percentile / 100.0);
    let operation = Operation::Capping {
        direction: direction.vector.iter().map(|value| value * sign as f32).collect(),
        threshold,
    };
    let dose = Dose {
        coefficient: Some(sign),
        percentile: Some(percentile),
        threshold: Some(threshold),
        ..dose(layer, direction, DoseOperation::Capping)
    };
    planned(dose, operation, vec![side])
}

fn dose(layer: &LayerDirections, direction: &Direction, operation: DoseOperation) -> Dose {
    Dose {
        layer: Some(layer.layer),
        operation,
        direction: direction.kind,
        direction_number: direction.number,
        ..Dose::unsteered()
    }
}

fn planned(dose: Dose, operation: Operation, sides: Vec<usize>) -> Planned {
    let layer = dose.layer.unwrap_or_default();
    Planned {
        dose,
        interventions: vec![Intervention {
            layer,
            positions: Positions::All,
            operation,
        }],
        sides,
    }
}
