//! Summaries as JSON: what people read, and scripts, where a table would be too much.

use std::path::Path;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use terms::Pooling;

use crate::{Error, Result};

/// What the tests over all layers say, for the contrast's pooling: `statistics.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StatisticsSummary {
    /// The contrast's pooling.
    pub pooling: Pooling,
    /// The contrast's positive condition.
    pub positive: String,
    /// The contrast's negative condition.
    pub negative: String,
    /// The prompts that the figures come from, and all there are.
    pub prompts: usize,
    /// All prompts of the run.
    pub all_prompts: usize,
    /// How many ways of swapping labels were looked at, and whether these are all.
    pub labellings: u64,
    /// Whether all relabellings were looked at.
    pub is_exact: bool,
    /// No p-value can be smaller than this with this many prompts.
    pub smallest_p: f64,
    /// The level at which layers are called significant, corrected for looking at all layers.
    pub level: f64,
    /// Layers whose family-wise p-value is below `level`.
    pub significant_layers: Vec<usize>,
    /// The first significant layer.
    pub onset: Option<usize>,
    /// The significant layer whose interval of within minus cross is highest.
    pub strongest: Option<usize>,
    /// Plain sentences: what can be said with this many prompts, and what was found.
    pub findings: Vec<String>,
}

/// Which dose was chosen and why: `dose.json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoseSummary {
    /// Texts may be this many times as perplexing to the unsteered model as its own.
    pub perplexity_budget: f64,
    /// The perplexity of the unsteered texts of both conditions.
    pub unsteered_perplexity: f64,
    /// Mean role log-odds of unsteered texts in the positive and in the negative condition, nats
    /// per token.
    pub unsteered_log_odds: [f64; 2],
    /// Prompts in each condition.
    pub prompts: usize,
    /// Prompts on which next-token distributions are compared.
    pub neutral_prompts: usize,
    /// The contrast's, an index into `candidates`.
    pub chosen: Option<usize>,
    /// Every direction, layer and size of coefficient, the contrast's first, both conditions taken
    /// together: the direction is subtracted where the positive condition's speaker has the turn, and added
    /// where the negative one's has.
    pub candidates: Vec<DoseCandidate>,
    /// What the sweep found for each direction, the contrast first.
    pub directions: Vec<DirectionSummary>,
    /// Plain sentences.
    pub findings: Vec<String>,
}

impl DoseSummary {
    /// Of a sweep that was not run; the finding says why.
    pub fn nothing(perplexity_budget: f64, finding: &str) -> Self {
        DoseSummary {
            perplexity_budget,
            unsteered_perplexity: 1.0,
            unsteered_log_odds: [0.0; 2],
            prompts: 0,
            neutral_prompts: 0,
            chosen: None,
            candidates: Vec::new(),
            directions: Vec::new(),
            findings: vec![finding.to_owned()],
        }
    }
}

/// A dose that could be chosen.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DoseCandidate {
    /// The vector's name.
    pub direction: String,
    /// Where it is added.
    pub layer: usize,
    /// In multiples of the vector; below zero for one that points away from the positive condition.
    pub coefficient: f64,
    /// In mean residual norms of the layer.
    pub relative_coefficient: f64,
    /// Toward the other speaker, nats per token, with its 95 % interval over prompts.
    pub effect: f64,
    /// The lower end of the interval of `effect`.
    pub effect_low: f64,
    /// Its upper end.
    pub effect_high: f64,
    /// How far the texts' projections moved: 0 is the unsteered texts, 1 those of the other speaker. None where
    /// unsteered texts aren't on their own sides.
    pub projection: Option<Estimate>,
    /// The largest upper end of the intervals of the controls at this dose: random directions,
    /// shuffled labels.
    pub control_high: f64,
    /// The share of texts that sound like the other speaker, and of prompts that moved away from
    /// it.
    pub crossed: f64,
    /// The share of prompts that moved away from the other speaker.
    pub wrong_way: f64,
    /// The larger of both conditions.
    pub perplexity_ratio: f64,
    /// The larger of both signs, nats.
    pub kl: f64,
    /// Why it can't be chosen; empty if it can.
    pub reasons: Vec<String>,
}

/// A mean over prompts with its 95 % interval.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Estimate {
    /// The mean.
    pub value: f64,
    /// The lower end.
    pub low: f64,
    /// The upper end.
    pub high: f64,
}

/// What the sweep found for one direction.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DirectionSummary {
    /// The vector's name.
    pub direction: String,
    /// The dose with the largest effect among those that pass, as an index into the sweep's candidates.
    pub chosen: Option<usize>,
    /// The doses that no other of this direction beats in both effect and perplexity ratio, by perplexity ratio.
    pub front: Vec<usize>,
    /// The effect on prompts that were set aside; none with fewer than two different prompts.
    pub held_out: Option<HeldOut>,
}

/// What doses do to prompts that did not choose them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct HeldOut {
    /// Whether the vector was made again without the prompts of each fold; else only the choice was.
    pub is_refitted: bool,
    /// Toward the other speaker, nats per token. Prompts of a fold without a dose count as unmoved.
    pub effect: Estimate,
    /// As in the candidates.
    pub projection: Option<Estimate>,
    /// As in the candidates.
    pub crossed: f64,
    /// As in the candidates.
    pub wrong_way: f64,
    /// As in the candidates.
    pub perplexity_ratio: f64,
    /// The dose of each fold: the best on the prompts of the others, as an index into the sweep's candidates.
    pub chosen: Vec<Option<usize>>,
}

/// Writes `analyze/statistics.json`.
///
/// # Errors
/// What the file system says.
pub fn write_statistics_summary(path: &Path, summary: &StatisticsSummary) -> Result<()> {
    write(path, summary)
}

/// Reads `analyze/statistics.json`.
///
/// # Errors
/// A file of another structure; the message says how to make it again.
pub fn read_statistics_summary(path: &Path) -> Result<StatisticsSummary> {
    read(path, "analyze")
}

/// Writes `dose/dose.json`.
///
/// # Errors
/// What the file system says.
pub fn write_dose_summary(path: &Path, summary: &DoseSummary) -> Result<()> {
    write(path, summary)
}

/// Reads `dose/dose.json`.
///
/// # Errors
/// A file of another structure; the message says how to make it again.
pub fn read_dose_summary(path: &Path) -> Result<DoseSummary> {
    read(path, "dose")
}

fn write(path: &Path, value: &impl Serialize) -> Result<()> {
    let text =
        serde_json::to_string_pretty(value).map_err(|error| Error::invalid(path, error.to_string()))?;
    Ok(fs_err::write(path, text + "\n")?)
}

fn read<T: DeserializeOwned>(path: &Path, stage: &str) -> Result<T> {
    let text = fs_err::read_to_string(path)?;
    serde_json::from_str(&text)
        .map_err(|error| Error::invalid(path, format!("{error}; run `cargo xtask {stage} --force`")))
}
