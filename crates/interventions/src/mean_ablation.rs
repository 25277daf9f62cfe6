//! Mean ablation: `h - (h.v^) v^ + m`, m the whole mean of a condition. The notebook's helpers
//! ignore positions for it and work on all of them.

use terms::Positions;

use crate::definition::{Definition, Sweep};
use crate::form::{Form, norm};
use crate::own::OwnKey;

pub(crate) const KIND: Definition = Definition {
    word: "mean-ablation",
    title: "Mean ablation",
    needs: &[MEAN],
    reads_feature: false,
    positions: &[Positions::All],
    coefficient: None,
    form: |given| Ok(mean_ablation(given.direction, given.vector(&MEAN)?)),
    description: |named| {
        let mean = named.own.vector(MEAN.name).unwrap_or_default();
        format!("mean ablation of {} to {mean}", named.direction)
    },
    live: None,
    sweep: Sweep::Once(at_mean_projection),
};

/// Whose mean takes the direction's place.
const MEAN: OwnKey = OwnKey::vector("mean", "`mean = \"mean.<condition>\"`");

/// `h - (h.v^) v^ + m` of a direction and a mean, both `[hidden]`.
pub fn mean_ablation(direction: &[f32], mean: &[f32]) -> Form {
    Form {
        offset: Some(mean.to_vec()),
        ..Form::without(direction)
    }
}

/// Puts the mean of all recorded projections in the place of every position's own: what a residual
/// has along the direction no longer differs between the conditions, and nothing else changes.
fn at_mean_projection(direction: &[f32], mean: f64) -> Form {
    let norm = norm(direction);
    let scale = if norm == 0.0 { 0.0 } else { mean / norm };
    let mean: Vec<f32> = direction
        .iter()
        .map(|value| (f64::from(*value) * scale) as f32)
        .collect();
    mean_ablation(direction, &mean)
}
