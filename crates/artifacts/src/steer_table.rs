use serde::Deserialize;

use crate::CoefficientUnit;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteerTable {
    pub seed: u64,
    pub max_new_tokens: usize,
    pub decoding: Decoding,
    #[serde(default)]
    pub sets: Vec<GenerationSet>,
}

/// How a token is drawn from the logits. The order is that of Hugging Face's `generate`: repetition penalty,
/// suppressed tokens, temperature, top-k, top-p.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoding {
    pub temperature: f64,
    /// 0 keeps all tokens. Hugging Face's silent default is 50.
    pub top_k: usize,
    /// 1.0 keeps all tokens.
    pub top_p: f64,
    /// 1.0 is no penalty. It counts for greedy sets too, as in Hugging Face.
    pub repetition_penalty: f64,
}

/// A set of generations: every prompt in one condition, once for each coefficient and sample.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationSet {
    pub name: String,
    pub condition: String,
    /// The most likely token at each step, instead of a draw.
    #[serde(default)]
    pub greedy: bool,
    /// Texts for each prompt and coefficient.
    #[serde(default = "one_sample")]
    pub samples: usize,
    /// Tokens, as text, that are never generated.
    #[serde(default)]
    pub suppress: Vec<String>,
    #[serde(default)]
    pub interventions: Vec<InterventionTable>,
    /// Each intervention's own coefficient is multiplied by each of these in turn.
    #[serde(default)]
    pub coefficients: Vec<f64>,
    /// What coefficients count in, those of the set and those of its interventions.
    #[serde(default)]
    pub unit: CoefficientUnit,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InterventionTable {
    pub kind: InterventionKind,
    /// One layer for each direction, or one for all. Negative numbers count from the end.
    pub layers: Vec<i64>,
    /// `contrast`, `mean.<condition>` or another [vector](crate::VectorKind): a row of the contrast file at the
    /// intervention's layer.
    #[serde(default = "contrast_direction")]
    pub directions: Vec<String>,
    #[serde(default = "all_positions")]
    pub positions: Positions,
    /// One for each direction, or one for all. Left out, it is 1; for an ablation in a set without coefficients it is
    /// 0, which adds nothing back.
    #[serde(default)]
    pub coefficients: Vec<f64>,
    /// Mean ablation: whose mean takes the direction's place, as `mean.<condition>`.
    pub mean: Option<String>,
    /// Capping: the largest projection that is left.
    pub threshold: Option<f64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum InterventionKind {
    Addition,
    Ablation,
    MeanAblation,
    Capping,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Positions {
    All,
    Last,
}

fn one_sample() -> usize {
    1
}

fn contrast_direction() -> Vec<String> {
    vec!["contrast".to_owned()]
}

fn all_positions() -> Positions {
    Positions::All
}
