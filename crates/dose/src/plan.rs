//! Which doses are run: what is done to the residual stream, and in which of the two conditions.

use anyhow::{Context, Result};
use interventions::{Kind, Sweep, norm};
use pipeline::DoseTable;
use results::{Dose, DoseDirection, Summary};
use statistics::{evenly, quantile};
use steer::{Intervention, raw_coefficient, resolve_layer};
use terms::{CoefficientUnit, Positions};

use crate::directions::{self, LayerDirections};

/// A dose, how it is given, and the sides that it is given to: 0 is the positive condition, 1 the
/// negative one.
#[derive(Clone, Debug)]
pub struct Planned {
    pub dose: Dose,
    /// What is added, in multiples of the contrast's length: above zero toward the positive condition's speaker. Doses
    /// of different directions with the same size at the same layer are compared with each other. None for what is not
    /// added.
    pub size: Option<f64>,
    pub interventions: Vec<Intervention>,
    pub sides: Vec<usize>,
}

impl Planned {
    /// The model as it is.
    pub fn unsteered() -> Self {
        Planned {
            dose: Dose::unsteered(),
            size: None,
            interventions: Vec::new(),
            sides: BOTH.to_vec(),
        }
    }
}

/// The layers of the sweep: those that the pipeline names, or else at most four whose similarity
/// difference is at least half of the largest one, evenly spaced among these, including the layer
/// of the largest.
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

/// The most layers in a sweep whose pipeline names none.
pub const MOST_LAYERS: usize = 4;

/// A dose before there are vectors: what is done, with which direction, how much, and on which
/// sides.
#[derive(Clone, Debug, PartialEq)]
pub struct Outline {
    pub kind: Kind,
    pub direction: DoseDirection,
    pub direction_number: usize,
    /// The coefficient in the table's unit, or the percentile, as the kind's [`Sweep`] says; 0 for
    /// a kind that is run once.
    pub strength: f64,
    pub sides: Vec<usize>,
}

/// The doses of each layer, in the order in which they are run. It depends only on the pipeline
/// file.
pub fn outline(table: &DoseTable) -> Vec<Outline> {
    let is_compared =
        |(kind, _): &(DoseDirection, usize)| !kind.is_control() && *kind != DoseDirection::CONTRAST;
    let (others, directions): (Vec<_>, Vec<_>) = directions::kinds(table).into_iter().partition(is_compared);
    let sizes = sizes(table);
    let mut all = Vec::new();
    let mut push =
        |kind, (direction, direction_number): &(DoseDirection, usize), strength, sides: &[usize]| {
            all.push(Outline {
                kind,
                direction: direction.clone(),
                direction_number: *direction_number,
                strength,
                sides: sides.to_vec(),
            });
        };
    for kind in Kind::ALL {
        if !matches!(kind.definition().sweep, Sweep::Sizes(_)) {
            continue;
        }
        push(*kind, &directions[0], 0.0, &BOTH);
        for size in &sizes {
            push(*kind, &directions[0], -size, &BOTH);
            push(*kind, &directions[0], *size, &BOTH);
            // A control's sign is arbitrary.
            for control in &directions[1..] {
                push(*kind, control, *size, &BOTH);
            }
        }
    }
    // The others have no size to vary, so one control of each kind shows what any direction
    // does.
    for direction in directions.iter().filter(|(_, number)| *number == 0) {
        for kind in Kind::ALL {
            match kind.definition().sweep {
                Sweep::Sizes(_) | Sweep::Never => {}
                Sweep::Once(_) => push(*kind, direction, 0.0, &BOTH),
                Sweep::Percentiles(_) => {
                    for percentile in &table.percentiles {
                        push(*kind, direction, *percentile, &[POSITIVE]);
                        push(*kind, direction, *percentile, &[NEGATIVE]);
                    }
                }
            }
        }
    }
    // Other vectors are as long as the contrast, so its controls are theirs.
    for other in &others {
        for kind in Kind::ALL
            .iter()
            .filter(|kind| matches!(kind.definition().sweep, Sweep::Sizes(_)))
        {
            for size in &sizes {
                push(*kind, other, -size, &BOTH);
                push(*kind, other, *size, &BOTH);
            }
        }
    }
    all
}

const POSITIVE: usize = 0;
const NEGATIVE: usize = 1;
const BOTH: [usize; 2] = [POSITIVE, NEGATIVE];

/// All doses at one layer, none where the contrast is zero.
pub fn doses(table: &DoseTable, layer: &LayerDirections) -> Vec<Planned> {
    if layer.contrast().vector.iter().all(|value| *value == 0.0) {
        tracing::warn!(
            "layer {}: the contrast is zero, so there is nothing to steer with",
            layer.layer
        );
        return Vec::new();
    }
    let outlines = outline(table).into_iter();
    outlines
        .filter_map(|outline| planned(table, layer, outline))
        .collect()
}

/// The sizes of coefficients in the table's unit, ascending.
fn sizes(table: &DoseTable) -> Vec<f64> {
    let mut sizes = match table.coefficients.as_slice() {
        [] => DoseTable::DEFAULT_COEFFICIENTS.to_vec(),
        sizes => sizes.to_vec(),
    };
    sizes.sort_by(f64::total_cmp);
    sizes
}

/// A coefficient from the table as a multiple of the layer's contrast.
fn raw(table: &DoseTable, layer: &LayerDirections, coefficient: f64) -> f64 {
    match table.unit {
        // The default sizes are multiples whatever the unit.
        CoefficientUnit::Relative if !table.coefficients.is_empty() => {
            raw_coefficient(coefficient, &layer.contrast().vector, layer.residual_norm)
        }
        _ => coefficient,
    }
}

/// None where the layer has no such direction.
fn planned(table: &DoseTable, layer: &LayerDirections, outline: Outline) -> Option<Planned> {
    let direction = layer.get(&outline.direction, outline.direction_number)?;
    let mut size = None;
    let mut dose = Dose {
        layer: Some(layer.layer),
        operation: Some(outline.kind),
        direction: direction.kind.clone(),
        direction_number: direction.number,
        ..Dose::unsteered()
    };
    let form = match outline.kind.definition().sweep {
        Sweep::Sizes(form) => {
            let of_contrast = raw(table, layer, outline.strength);
            let coefficient = of_contrast * direction.scale;
            size = Some(of_contrast);
            dose.coefficient = Some(coefficient);
            dose.relative_coefficient = Some(coefficient * norm(&direction.vector) / layer.residual_norm);
            form(&direction.vector, coefficient)
        }
        Sweep::Once(form) => {
            let projections = &direction.projections;
            form(
                &direction.vector,
                projections.iter().sum::<f64>() / projections.len() as f64,
            )
        }
        Sweep::Never => return None,
        Sweep::Percentiles(form) => {
            let sign = if outline.sides == [POSITIVE] { 1.0 } else { -1.0 };
            let mut reaches: Vec<f64> = direction.projections.iter().map(|reach| sign * reach).collect();
            reaches.sort_by(f64::total_cmp);
            let threshold = quantile(&reaches, outline.strength / 100.0);
            dose.coefficient = Some(sign);
            dose.percentile = Some(outline.strength);
            dose.threshold = Some(threshold);
            let toward_own: Vec<f32> = direction.vector.iter().map(|value| value * sign as f32).collect();
            form(&toward_own, threshold)
        }
    };
    Some(Planned {
        dose,
        size,
        interventions: vec![Intervention::new(layer.layer, Positions::All, form)],
        sides: outline.sides,
    })
}
