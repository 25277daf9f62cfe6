//! What happens when the contrast is taken away instead of added: ablation, mean ablation and
//! capping.

use artifacts::{Condition, Dose, DoseDirection, DoseEffect, DoseOperation};
use pages::format::{number, with_interval};
use serde::Serialize;

/// One layer.
#[derive(Serialize)]
pub struct AblationTable {
    layer: usize,
    rows: Vec<AblationRow>,
}

/// One way of taking a direction away, in both conditions.
#[derive(Serialize)]
struct AblationRow {
    what: String,
    conditions: Vec<AblationCells>,
}

/// The effect of the contrast, the intervals of its controls, and what the contrast does to the
/// perplexity.
#[derive(Serialize)]
struct AblationCells {
    contrast: String,
    random: String,
    shuffled: String,
    perplexity_ratio: String,
}

/// A table for each layer, that of `first` before the others; `conditions` are those of the
/// contrast.
pub fn ablation_tables(
    effects: &[DoseEffect],
    conditions: [&Condition; 2],
    first: usize,
) -> Vec<AblationTable> {
    let removing = |row: &&DoseEffect| {
        !matches!(
            row.dose.operation,
            DoseOperation::Unsteered | DoseOperation::Addition
        )
    };
    let own: Vec<&DoseEffect> = effects.iter().filter(removing).collect();
    let mut layers: Vec<usize> = own.iter().filter_map(|row| row.dose.layer).collect();
    layers.sort_unstable();
    layers.dedup();
    layers.sort_by_key(|layer| *layer != first);
    let table = |layer: usize| AblationTable {
        layer,
        rows: rows(&own, conditions, layer),
    };
    layers.into_iter().map(table).collect()
}

fn rows(effects: &[&DoseEffect], conditions: [&Condition; 2], layer: usize) -> Vec<AblationRow> {
    let own: Vec<&DoseEffect> = effects
        .iter()
        .copied()
        .filter(|row| row.dose.layer == Some(layer))
        .collect();
    let mut ways: Vec<(DoseOperation, Option<f64>)> = Vec::new();
    for row in &own {
        let way = (row.dose.operation, row.dose.percentile);
        if !ways.contains(&way) {
            ways.push(way);
        }
    }
    let row = |way: (DoseOperation, Option<f64>)| AblationRow {
        what: what(way),
        conditions: conditions
            .map(|condition| cells(&own, condition, way))
            .into_iter()
            .collect(),
    };
    ways.into_iter().map(row).collect()
}

fn what((operation, percentile): (DoseOperation, Option<f64>)) -> String {
    match (operation, percentile) {
        (DoseOperation::Capping, Some(percentile)) => format!("Capping at the {percentile}th percentile"),
        (DoseOperation::Capping, None) => "Capping".to_owned(),
        (DoseOperation::MeanAblation, _) => "Mean ablation".to_owned(),
        _ => "Ablation".to_owned(),
    }
}

fn cells(effects: &[&DoseEffect], condition: &Condition, way: (DoseOperation, Option<f64>)) -> AblationCells {
    let is_way = |dose: &Dose| (dose.operation, dose.percentile) == way;
    let figures = |direction: DoseDirection| {
        let is_own = |row: &&&DoseEffect| {
            is_way(&row.dose) && row.dose.direction == direction && row.condition == condition.name
        };
        effects.iter().find(is_own).map(|row| &row.figures)
    };
    let effect = |direction: DoseDirection| {
        figures(direction).map_or("\u{2013}".to_owned(), |own| {
            with_interval(own.effect, own.effect_low, own.effect_high, 2)
        })
    };
    let interval = |direction: DoseDirection| {
        figures(direction).map_or("\u{2013}".to_owned(), |own| {
            format!("{} to {}", number(own.effect_low, 2), number(own.effect_high, 2))
        })
    };
    AblationCells {
        contrast: effect(DoseDirection::Contrast),
        random: interval(DoseDirection::Random),
        shuffled: interval(DoseDirection::Shuffled),
        perplexity_ratio: figures(DoseDirection::Contrast)
            .map_or("\u{2013}".to_owned(), |own| number(own.perplexity_ratio, 2)),
    }
}
