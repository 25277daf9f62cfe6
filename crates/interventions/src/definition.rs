use std::collections::BTreeMap;

use terms::Positions;

use crate::feature_reader::FeatureReader;
use crate::form::Form;
use crate::own::{Own, OwnKey};

/// All that is known about a kind of intervention.
#[derive(Debug)]
pub struct Definition {
    /// As pipeline files and tables have it.
    pub word: &'static str,
    /// As the report has it, at the start of a row.
    pub title: &'static str,
    /// The keys that it needs beyond those that all kinds have.
    pub needs: &'static [OwnKey],
    /// Whether its directions must be features of sparse autoencoders, whose activations it reads.
    pub reads_feature: bool,
    /// Where in a sequence it can work.
    pub positions: &'static [Positions],
    /// What an intervention without `coefficients` has in a set without them; in a set with some,
    /// it has 1. None where the kind takes no coefficient.
    pub coefficient: Option<f64>,
    /// What it computes; the error is what it needs and was not given.
    pub form: fn(&Given<'_>) -> Result<Form, String>,
    /// What it does, for the column `interventions`: `ablation of contrast`. Layer and positions
    /// are said after it.
    pub description: fn(&Named<'_>) -> String,
    /// How `chat` and `serve` use it; none where they can't.
    pub live: Option<Live>,
    /// What the dose sweep makes of it.
    pub sweep: Sweep,
}

/// What a kind computes with.
#[derive(Clone, Copy, Debug)]
pub struct Given<'a> {
    /// `[hidden]`
    pub direction: &'a [f32],
    /// In multiples of the direction.
    pub coefficient: f64,
    /// The keys that the kind needs, as the pipeline file has them.
    pub own: &'a Own,
    /// The vectors that some of these keys name, `[hidden]`, by key.
    pub vectors: &'a BTreeMap<&'static str, Vec<f32>>,
    /// How the direction's feature reads residuals, if it is that of one.
    pub reader: Option<&'a FeatureReader>,
}

impl<'a> Given<'a> {
    /// A direction and a coefficient, without keys that only some kinds have.
    pub fn of(direction: &'a [f32], coefficient: f64) -> Self {
        const NO_KEYS: &Own = &Own::NONE;
        const NO_VECTORS: &BTreeMap<&str, Vec<f32>> = &BTreeMap::new();
        Given {
            direction,
            coefficient,
            own: NO_KEYS,
            vectors: NO_VECTORS,
            reader: None,
        }
    }

    pub(crate) fn number(&self, key: &OwnKey) -> Result<f64, String> {
        self.own.number(key.name).ok_or_else(|| key.needed.to_owned())
    }

    pub(crate) fn reader(&self) -> Result<&'a FeatureReader, String> {
        self.reader.ok_or_else(|| NEEDS_FEATURE.to_owned())
    }

    pub(crate) fn vector(&self, key: &OwnKey) -> Result<&'a [f32], String> {
        let vector = self.vectors.get(key.name).map(Vec::as_slice);
        vector.ok_or_else(|| key.needed.to_owned())
    }
}

/// What kinds need that read features, in words that follow "needs".
pub(crate) const NEEDS_FEATURE: &str = "features as directions, `sae.<name>.<feature>`";

/// An intervention by the names in its table, to be described.
#[derive(Clone, Copy, Debug)]
pub struct Named<'a> {
    /// The direction's name.
    pub direction: &'a str,
    /// In the unit of the set.
    pub coefficient: f64,
    /// The keys that the kind needs, as the pipeline file has them.
    pub own: &'a Own,
}

/// How `chat` and `serve` use a kind.
#[derive(Clone, Copy, Debug)]
pub struct Live {
    /// What the help of `chat` says of it.
    pub help: &'static str,
    /// What `coef` is when it is left out; none where it must be given.
    pub coefficient: Option<f64>,
    /// What is done, of the coefficient, `+0.5 contrast` and `contrast`; the layer is said after
    /// it.
    pub words: fn(f64, &str, &str) -> String,
}

/// Which doses the sweep makes of a kind, at each layer. A direction is `[hidden]`.
#[derive(Clone, Copy, Debug)]
pub enum Sweep {
    /// The contrast times 0 and times every size, with both signs; each control times every size;
    /// in both conditions. The function takes the direction and the coefficient.
    Sizes(fn(&[f32], f64) -> Form),
    /// The contrast and one control of each sort, in both conditions. The function takes the
    /// direction and the mean of the recorded projections `h.v / ||v||` on it.
    Once(fn(&[f32], f64) -> Form),
    /// The contrast and one control of each sort at every percentile of the recorded projections,
    /// in one condition at a time: along the direction in the positive condition, against it in the
    /// negative one. The function takes the direction with that sign and the percentile's value.
    Percentiles(fn(&[f32], f64) -> Form),
    /// No doses: the kind needs a feature, and the contrast is none.
    Never,
}
