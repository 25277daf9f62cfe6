//! Clamping of a feature: `h + (c - a(h)) d`, a its activation and d its direction. The rest of the
//! residual, what the autoencoder leaves out of it included, stays as it is.
//!
//! Source: Templeton et al. 2024, "Scaling Monosemanticity", the section on feature steering.

use terms::Positions;

use crate::definition::{Definition, Live, Sweep};
use crate::feature_reader::FeatureReader;
use crate::form::{Form, scaled};

pub(crate) const KIND: Definition = Definition {
    word: "feature-clamping",
    title: "Feature clamping",
    needs: &[],
    reads_feature: true,
    positions: Positions::ALL,
    coefficient: Some(1.0),
    form: |given| {
        Ok(feature_clamping(
            given.direction,
            given.reader()?,
            given.coefficient,
        ))
    },
    description: |named| format!("clamping of {} to {}", named.direction, named.coefficient),
    live: Some(Live {
        help: "holds a feature's activation at coef",
        coefficient: None,
        words: |_, amount, _| format!("clamped to {amount}"),
    }),
    sweep: Sweep::Never,
};

/// `h + (c - a(h)) d` of a feature's direction `[hidden]` and the activation `c` that it gets.
pub fn feature_clamping(direction: &[f32], reader: &FeatureReader, activation: f64) -> Form {
    Form {
        unit: Some(direction.to_vec()),
        reader: Some(reader.clone()),
        offset: Some(scaled(direction, activation)),
        ..Form::IDENTITY
    }
}
