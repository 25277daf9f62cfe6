use interventions::InterventionTable;
use serde::Deserialize;
use terms::CoefficientUnit;

/// `[steer]`: which texts are generated, with and without steering.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SteerTable {
    /// Of all draws of tokens.
    pub seed: u64,
    /// The most prompts of a set; where there are more, as many are taken evenly. Left out: all.
    pub prompts: Option<usize>,
    /// The most tokens of a text.
    pub max_new_tokens: usize,
    /// How tokens are drawn.
    pub decoding: Decoding,
    /// The set whose texts are also written as the notebook's two JSON files. Left out, there are
    /// none.
    pub notebook_set: Option<String>,
    /// How many texts are a shard, which is made and kept as a whole. Left out: 4096.
    pub shard_rows: Option<usize>,
    /// `[[steer.sets]]`
    #[serde(default)]
    pub sets: Vec<GenerationSet>,
}

/// How a token is drawn from the logits. The order is that of Hugging Face's `generate`: repetition
/// penalty, suppressed tokens, temperature, top-k, top-p.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Decoding {
    /// The logits are divided by it.
    pub temperature: f64,
    /// 0 keeps all tokens. Hugging Face's silent default is 50.
    pub top_k: usize,
    /// 1.0 keeps all tokens.
    pub top_p: f64,
    /// 1.0 means no penalty. It applies to greedy sets too, as in Hugging Face.
    pub repetition_penalty: f64,
}

/// A set of generations: every prompt in one condition, once for each coefficient and sample.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GenerationSet {
    /// What tables call it.
    pub name: String,
    /// The condition whose texts are continued.
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
    /// What is done to the residual stream, in order.
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
