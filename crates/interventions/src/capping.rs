//! Capping: `h - max(h.v^ - threshold, 0) v^`.

use terms::Positions;

use crate::definition::{Definition, Sweep};
use crate::form::Form;
use crate::own::OwnKey;

pub(crate) const KIND: Definition = Definition {
    word: "capping",
    title: "Capping",
    needs: &[THRESHOLD],
    reads_feature: false,
    positions: Positions::ALL,
    coefficient: None,
    form: |given| Ok(capping(given.direction, given.number(&THRESHOLD)?)),
    description: |named| {
        let threshold = named.own.number(THRESHOLD.name).unwrap_or_default();
        format!("capping of {} at {threshold}", named.direction)
    },
    live: None,
    sweep: Sweep::Percentiles(capping),
};

/// The largest projection that is left.
const THRESHOLD: OwnKey = OwnKey::number("threshold", "a `threshold`");

/// `h - max(h.v^ - threshold, 0) v^` of a direction `[hidden]`.
pub fn capping(direction: &[f32], threshold: f64) -> Form {
    Form {
        threshold: Some(threshold as f32),
        ..Form::without(direction)
    }
}
