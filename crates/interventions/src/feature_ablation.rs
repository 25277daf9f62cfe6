//! Ablation of a feature: `h - a(h) d`, a its activation and d its direction. What the autoencoder leaves
//! out of the residual stays in it, unlike with a residual that is decoded again.

use terms::Positions;

use crate::definition::{Definition, Live, Sweep};
use crate::feature_clamping::feature_clamping;
use crate::feature_reader::FeatureReader;
use crate::form::Form;

pub(crate) const KIND: Definition = Definition {
    word: "feature-ablation",
    title: "Feature ablation",
    needs: &[],
    reads_feature: true,
    positions: Positions::ALL,
    coefficient: None,
    form: |given| Ok(feature_ablation(given.direction, given.reader()?)),
    description: |named| format!("feature ablation of {}", named.direction),
    live: Some(Live {
        help: "takes out what a feature adds",
        coefficient: Some(0.0),
        words: |_, _, vector| format!("without what {vector} adds"),
    }),
    sweep: Sweep::Never,
};

/// `h - a(h) d` of a feature's direction `[hidden]`.
pub fn feature_ablation(direction: &[f32], reader: &FeatureReader) -> Form {
    Form {
        offset: None,
        ..feature_clamping(direction, reader, 0.0)
    }
}
