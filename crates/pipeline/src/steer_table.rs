use interventions::InterventionTable;
use serde::Deserialize;
use terms::CoefficientUnit;

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteerTable {
    pub seed: u64,
    pub max_new_tokens: usize,
    pub decoding: Decoding,
    /// The set whose texts are also written as the notebook's two JSON files. Left out, there are
    /// none.
    pub notebook_set: Option<String>,
    #[serde(default)]
    pub sets: Vec<GenerationSet>,
}

/// How a token is drawn from the logits. The order is that of Hugging Face's `generate`: repetition
/// penalty, suppressed tokens, temperature, top-k, top-p.
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

fn one_sample() -> usize {
    1
}
