//! The rows of all conditions in the plane in which they differ the most.

use results::ComponentPlace;
use statistics::{evenly, principal_components};

use crate::layer::LayerAnalysis;
use crate::measures::Places;

/// As many dots as a picture can hold. Where prompts and conditions make more rows, evenly spaced
/// prompts are taken, as many as fit.
const MOST_ROWS: usize = 256;

/// `rows`: `[condition][prompt][hidden]`, of the prompts with these ids.
pub fn component_places(
    analysis: &LayerAnalysis,
    conditions: &[String],
    places: Places,
    prompts: &[&str],
    rows: &[Vec<Vec<f32>>],
) -> Vec<ComponentPlace> {
    let picked = evenly(prompts.len(), (MOST_ROWS / conditions.len()).max(2));
    let of_all = |condition: usize| picked.iter().map(move |&prompt| (condition, prompt));
    let entries: Vec<(usize, usize)> = (0..conditions.len()).flat_map(of_all).collect();
    let all: Vec<&[f32]> = entries
        .iter()
        .map(|&(condition, prompt)| rows[condition][prompt].as_slice())
        .collect();
    // Points toward the positive side of the contrast.
    let weight = |&(condition, _): &(usize, usize)| match condition {
        _ if condition == places.positive => 1.0,
        _ if condition == places.negative => -1.0,
        _ => 0.0,
    };
    let found = principal_components(&all, &entries.iter().map(weight).collect::<Vec<f64>>());
    let [pc1_share, pc2_share] = found.shares;
    let place = |(&(condition, prompt), [pc1, pc2]): (&(usize, usize), [f64; 2])| ComponentPlace {
        layer: analysis.layer,
        pooling: analysis.pooling,
        condition: conditions[condition].clone(),
        prompt_id: prompts[prompt].to_owned(),
        pc1,
        pc2,
        pc1_share,
        pc2_share,
    };
    entries.iter().zip(found.places).map(place).collect()
}
