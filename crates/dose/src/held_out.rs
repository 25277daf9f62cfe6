//! What doses do to prompts that did not choose them.
//!
//! For each fold of the prompts, the dose is chosen on the texts of the others, and given to the fold's prompts; the
//! contrast is made again from all recorded prompts outside of the fold. Only these texts are generated in addition. The
//! sweep that the dose is chosen from ran with the vector of all prompts.

use anyhow::{Context, Result};
use interventions::{addition, norm};
use results::{DirectionSummary, Dose, DoseCandidate, DoseDirection, DoseText, HeldOut, HeldOutText};
use steer::Intervention;
use terms::Positions;

use crate::choice::{View, best, directions, mean_of_sides, of_prompts};
use crate::directions::LayerDirections;
use crate::effects::{Baseline, crossed, estimate, mean, perplexity_ratio, share};
use crate::folds::Folds;
use crate::sweep::{Setting, Wanted};

/// Adds what is held out to the summaries of the directions, and gives its texts: for each direction those of the
/// positive side's prompts, then those of the negative side's.
pub fn hold_out(
    setting: &Setting<'_>,
    view: &View<'_>,
    layers: &[LayerDirections],
    folds: &Folds,
    summaries: &mut [DirectionSummary],
) -> Result<Vec<HeldOutText>> {
    if folds.count == 0 {
        return Ok(Vec::new());
    }
    let choices = choices(view, folds);
    let mut wanted = Vec::new();
    for (direction, chosen) in directions(view.doses).iter().zip(&choices) {
        for side in [0, 1] {
            for prompt in 0..folds.of_pair.len() {
                let fold = folds.of_pair[prompt];
                let dose = match chosen[fold] {
                    Some(dose) => given(&view.doses[dose].dose, layers, fold, side)?,
                    None => Given::nothing(direction),
                };
                wanted.push((fold, side, prompt, dose));
            }
        }
    }
    let texts = texts(setting, view, wanted)?;
    let added = view.added();
    let of_direction = texts.chunks(2 * folds.of_pair.len());
    for ((summary, chosen), texts) in summaries.iter_mut().zip(&choices).zip(of_direction) {
        let place = |dose: usize| added.iter().position(|own| *own == dose);
        let chosen = chosen.iter().map(|dose| dose.and_then(place)).collect();
        let is_refitted = summary.direction == DoseDirection::CONTRAST.name();
        summary.held_out = Some(held_out(view, texts, is_refitted, chosen));
    }
    Ok(texts)
}

/// For each direction the dose of each fold, by its number in the sweep.
fn choices(view: &View<'_>, folds: &Folds) -> Vec<Vec<Option<usize>>> {
    let added = view.added();
    let directions = directions(view.doses);
    let of_fold = |fold: usize| -> Vec<Option<usize>> {
        let (_, others) = folds.split(fold);
        let baseline = Baseline::among(&view.sweep.texts[0], &others);
        let candidates: Vec<DoseCandidate> = View {
            prompts: &others,
            baseline: &baseline,
            ..*view
        }
        .candidates();
        let best = |direction: &DoseDirection| best(&candidates, &direction.name()).map(|place| added[place]);
        directions.iter().map(best).collect()
    };
    let of_folds: Vec<Vec<Option<usize>>> = (0..folds.count).map(of_fold).collect();
    (0..directions.len())
        .map(|direction| of_folds.iter().map(|fold| fold[direction]).collect())
        .collect()
}

/// A dose as a prompt gets it.
struct Given {
    dose: Dose,
    interventions: Vec<Intervention>,
}

impl Given {
    fn nothing(direction: &DoseDirection) -> Self {
        Given {
            dose: Dose {
                direction: direction.clone(),
                ..Dose::unsteered()
            },
            interventions: Vec::new(),
        }
    }
}

/// The dose toward the other speaker of a side, with the vector of the fold where there is one.
fn given(added: &Dose, layers: &[LayerDirections], fold: usize, side: usize) -> Result<Given> {
    let layer = layers.iter().find(|layer| Some(layer.layer) == added.layer);
    let layer = layer.context("a dose is of no layer of the sweep")?;
    let direction = layer.get(&added.direction, added.direction_number);
    let direction = direction.context("a dose is of no direction of its layer")?;
    let vector = match added.direction == DoseDirection::CONTRAST {
        true => &layer.of_folds[fold],
        false => &direction.vector,
    };
    let sign = if side == 0 { -1.0 } else { 1.0 };
    let coefficient = sign * added.coefficient.unwrap_or_default();
    let form = addition(vector, coefficient);
    Ok(Given {
        dose: Dose {
            coefficient: Some(coefficient),
            relative_coefficient: Some(coefficient * norm(vector) / layer.residual_norm),
            ..added.clone()
        },
        interventions: vec![Intervention::new(layer.layer, Positions::All, form)],
    })
}

/// Generates and scores what was not generated before.
fn texts(
    setting: &Setting<'_>,
    view: &View<'_>,
    wanted: Vec<(usize, usize, usize, Given)>,
) -> Result<Vec<HeldOutText>> {
    let steered = wanted
        .iter()
        .filter(|(_, _, _, given)| !given.interventions.is_empty());
    let steered: Vec<Wanted> = steered
        .map(|(_, side, prompt, given)| Wanted {
            dose: given.dose.clone(),
            interventions: given.interventions.clone(),
            side: *side,
            prompt: *prompt,
        })
        .collect();
    let mut generated = setting.texts(&steered)?.into_iter();
    let text = |(fold, side, prompt, given): (usize, usize, usize, Given)| {
        let text = match given.interventions.is_empty() {
            false => generated.next().context("a text is missing")?,
            true => DoseText {
                dose: given.dose,
                ..view.sweep.texts[0][side][prompt].clone()
            },
        };
        Ok(HeldOutText { fold, text })
    };
    wanted.into_iter().map(text).collect()
}

/// Of one direction; the texts of both sides.
fn held_out(
    view: &View<'_>,
    texts: &[HeldOutText],
    is_refitted: bool,
    chosen: Vec<Option<usize>>,
) -> HeldOut {
    let (first, second) = texts.split_at(texts.len() / 2);
    let of_side = |side: usize| [first, second][side].iter().map(|held_out| &held_out.text);
    let baseline = view.baseline;
    let moved = mean_of_sides([0, 1].map(|side| baseline.moved(side, of_side(side))));
    let followed = of_prompts([0, 1].map(|side| baseline.followed(side, of_side(side))));
    let ratio = |side: usize| perplexity_ratio(baseline, of_side(side));
    HeldOut {
        is_refitted,
        effect: estimate(&moved, view.seed),
        projection: followed.map(|followed| estimate(&followed, view.seed)),
        crossed: mean(&[0, 1].map(|side| crossed(side, of_side(side)))),
        wrong_way: share(moved.iter().map(|moved| *moved < 0.0)),
        perplexity_ratio: ratio(0).max(ratio(1)),
        chosen,
    }
}
