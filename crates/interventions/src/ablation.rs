//! Ablation: `h - (h.v^) v^ + c v`. It adds nothing back (c = 0) unless it is asked to.

use terms::Positions;

use crate::definition::{Definition, Live, Sweep};
use crate::form::{Form, scaled};

pub(crate) const KIND: Definition = Definition {
    word: "ablation",
    title: "Ablation",
    needs: &[],
    reads_feature: false,
    positions: Positions::ALL,
    coefficient: Some(0.0),
    form: |given| Ok(ablation(given.direction, given.coefficient)),
    description: |named| match (named.direction, named.coefficient) {
        (direction, 0.0) => format!("ablation of {direction}"),
        (direction, coefficient) => format!("ablation of {direction} plus {coefficient} of it"),
    },
    live: Some(Live {
        help: "takes the direction out, and adds coef of it back (0 if left out)",
        coefficient: Some(0.0),
        words: |coefficient, amount, vector| match coefficient {
            0.0 => format!("without {vector}"),
            _ => format!("{amount} in place of it"),
        },
    }),
    sweep: Sweep::Once(|direction, _| ablation(direction, 0.0)),
};

/// `h - (h.v^) v^ + c v` of a direction `[hidden]`.
pub fn ablation(direction: &[f32], coefficient: f64) -> Form {
    Form {
        offset: Some(scaled(direction, coefficient)),
        ..Form::without(direction)
    }
}
