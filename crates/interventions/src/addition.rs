//! Addition: `h + c v`, v as it is, not normalised.

use terms::Positions;

use crate::definition::{Definition, Live, Sweep};
use crate::form::{Form, scaled};

pub(crate) const KIND: Definition = Definition {
    word: "addition",
    title: "Addition",
    needs: &[],
    reads_feature: false,
    positions: Positions::ALL,
    coefficient: Some(1.0),
    form: |given| Ok(addition(given.direction, given.coefficient)),
    description: |named| format!("addition of {} {}", named.coefficient, named.direction),
    live: Some(Live {
        help: "adds a multiple of the vector",
        coefficient: None,
        words: |_, amount, _| amount.to_owned(),
    }),
    sweep: Sweep::Sizes(addition),
};

/// `h + c v` of a direction `[hidden]`.
pub fn addition(direction: &[f32], coefficient: f64) -> Form {
    Form::adding(scaled(direction, coefficient))
}
