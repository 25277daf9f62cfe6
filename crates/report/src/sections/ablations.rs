//! What happens when the contrast is taken away instead of added: ablation, mean ablation and
//! capping.

use interventions::{Kind, Sweep};
use pages::format::{number, with_interval};
use pipeline::Condition;
use results::{Dose, DoseDirection, DoseEffect};
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
        let kind = row.dose.operation;
        kind.is_some_and(|kind| !matches!(kind.definition().sweep, Sweep::Sizes(_)))
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
    let mut ways: Vec<Way> = Vec::new();
    for row in &own {
        if let Some(way) = way(&row.dose).filter(|way| !ways.contains(way)) {
            ways.push(way);
        }
    }
    let row = |way: Way| AblationRow {
        what: way.0.title(way.1),
        conditions: conditions
            .map(|condition| cells(&own, condition, way))
            .into_iter()
            .collect(),
    };
    ways.into_iter().map(row).collect()
}

/// A way of taking a direction away: the kind, and the percentile of its threshold if it has one.
type Way = (Kind, Option<f64>);

fn way(dose: &Dose) -> Option<Way> {
    Some((dose.operation?, dose.percentile))
}

fn cells(effects: &[&DoseEffect], condition: &Condition, taken: Way) -> AblationCells {
    let figures = |direction: DoseDirection| {
        let is_own = |row: &&&DoseEffect| {
            way(&row.dose) == Some(taken)
                && row.dose.direction == direction
                && row.condition == condition.name
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
        contrast: effect(DoseDirection::CONTRAST),
        random: interval(DoseDirection::Random),
        shuffled: interval(DoseDirection::Shuffled),
        perplexity_ratio: figures(DoseDirection::CONTRAST)
            .map_or("\u{2013}".to_owned(), |own| number(own.perplexity_ratio, 2)),
    }
}
