use std::path::PathBuf;

use serde::Deserialize;
use terms::CoefficientUnit;

use crate::{VectorKind, bounds};

/// How the steering dose is looked for. Everything has a default; what is left empty is chosen from
/// the data.
#[derive(Clone, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct DoseTable {
    /// `false` leaves the sweep out, for machines on which that many texts would take too long.
    pub enabled: bool,
    /// What is added, by the names that steering sets have for it. The contrast is among them, and is swept first;
    /// the others are compared with it.
    pub directions: Vec<String>,
    /// Negative numbers count from the end. Empty: layers with a large similarity difference, at
    /// most four.
    pub layers: Vec<i64>,
    /// Sizes of the coefficients, in `unit`; each is used with both signs. Empty:
    /// [`DEFAULT_COEFFICIENTS`](Self::DEFAULT_COEFFICIENTS), raw.
    pub coefficients: Vec<f64>,
    /// What `coefficients` count in.
    pub unit: CoefficientUnit,
    /// Capping: percentiles of the projections of all prompts in both conditions, which are the
    /// thresholds.
    pub percentiles: Vec<f64>,
    /// Random directions of the contrast's norm, as controls at every dose.
    pub random_directions: usize,
    /// The most prompts; where there are more, as many are taken evenly.
    pub prompts: usize,
    /// The most tokens of a text.
    pub max_new_tokens: usize,
    /// As in `[steer.decoding]`: base models need one, or their greedy texts go round in circles.
    /// 1.0 is none.
    pub repetition_penalty: f64,
    /// Prompts on which the next-token distributions are compared. Left out: eight short everyday
    /// ones.
    pub neutral: Option<PathBuf>,
    /// How many times as perplexing as the model's own texts the steered ones may be.
    pub perplexity_budget: f64,
    /// Of the random directions and the shuffled labels.
    pub seed: u64,
}

/// Each is run at every dose, so that more would take forever.
const MOST_RANDOM_DIRECTIONS: usize = 1000;

impl DoseTable {
    /// Multiples of the contrast, which is the distance from one speaker's mean to the other's.
    pub const DEFAULT_COEFFICIENTS: [f64; 5] = [0.25, 0.5, 0.75, 1.0, 1.5];

    /// What the sweep's tables call its controls; no vector of a sweep can have these names.
    pub const CONTROLS: [&str; 2] = ["random", "shuffled"];

    /// The vectors that are added, the contrast first. Names that no vector can have are left out; a pipeline with
    /// one is refused.
    pub fn directions(&self) -> Vec<VectorKind> {
        let others = self.directions.iter().filter_map(|name| VectorKind::parse(name));
        let others = others.filter(|kind| *kind != VectorKind::Contrast);
        std::iter::once(VectorKind::Contrast).chain(others).collect()
    }

    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(&self) -> Option<String> {
        let is_size = |value: &f64| bounds::is_coefficient(*value) && *value > 0.0;
        if let Some(value) = self.coefficients.iter().find(|value| !is_size(value)) {
            return Some(format!(
                "dose.coefficients: {value} is among them; each must be above 0 and at most a million (both signs and 0 are run in \
                 any case)"
            ));
        }
        if !self.percentiles.iter().all(|value| (0.0..=100.0).contains(value)) {
            return Some("dose.percentiles: each must lie between 0 and 100".to_owned());
        }
        let problem = bounds::max_new_tokens_problem("dose", self.max_new_tokens)
            .or_else(|| bounds::repetition_penalty_problem("dose", self.repetition_penalty));
        if problem.is_some() {
            return problem;
        }
        if self.random_directions > MOST_RANDOM_DIRECTIONS {
            return Some(format!(
                "dose.random_directions: must be at most {MOST_RANDOM_DIRECTIONS}; 3 are usual"
            ));
        }
        if self.prompts < 2 {
            return Some("dose.prompts: must be at least 2".to_owned());
        }
        let allows_more = self.perplexity_budget.is_finite() && self.perplexity_budget >= 1.0;
        (!allows_more).then(|| "dose.perplexity_budget: must be at least 1".to_owned())
    }
}

impl Default for DoseTable {
    fn default() -> Self {
        DoseTable {
            enabled: true,
            directions: vec![VectorKind::Contrast.name()],
            layers: Vec::new(),
            coefficients: Vec::new(),
            unit: CoefficientUnit::Raw,
            percentiles: vec![75.0, 50.0, 25.0],
            random_directions: 3,
            prompts: 24,
            max_new_tokens: 48,
            repetition_penalty: 1.0,
            neutral: None,
            perplexity_budget: 1.5,
            seed: 0,
        }
    }
}
