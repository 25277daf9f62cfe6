use std::path::PathBuf;

use serde::Deserialize;
use terms::{Pooling, Site, Speaker};

use crate::{DoseTable, LocateTable, ModelTable, SaeTable, SteerTable, VectorTable};

/// One pipeline file: every parameter of a run. Unknown keys are errors.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pipeline {
    /// The file's name without `.toml`.
    #[serde(skip)]
    pub name: String,
    /// The file.
    #[serde(skip)]
    pub path: PathBuf,
    /// The `table.key=value` entries that were put over what the file says.
    #[serde(skip)]
    pub overrides: Vec<String>,
    /// `[model]`
    pub model: ModelTable,
    /// `[verify]`
    #[serde(default)]
    pub verify: VerifyTable,
    /// `[prompts]`
    pub prompts: PromptsTable,
    /// `[[conditions]]`
    pub conditions: Vec<Condition>,
    /// `[contrast]`
    pub contrast: Contrast,
    /// `[extract]`
    pub extract: ExtractTable,
    /// Vectors from files, to be compared and steered with.
    #[serde(default)]
    pub vectors: Vec<VectorTable>,
    /// Sparse autoencoders, whose features are tested.
    #[serde(default)]
    pub saes: Vec<SaeTable>,
    /// `[steer]`
    pub steer: SteerTable,
    /// `[dose]`
    #[serde(default)]
    pub dose: DoseTable,
    /// `[locate]`
    #[serde(default)]
    pub locate: LocateTable,
    /// `[report]`
    pub report: ReportTable,
}

/// `[verify]`: what the model is compared with.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifyTable {
    /// What an independent implementation computes with this model: a file of
    /// `crates/model/reference/make_reference.py`.
    pub reference: Option<PathBuf>,
}

/// `[prompts]`: where the prompts are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromptsTable {
    /// A file of [`read_prompts`](crate::read_prompts).
    pub file: PathBuf,
}

/// One chat format: turns before the answer, and the speaker whose turn is opened at the end.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Condition {
    /// What sets, tables and the contrast call it.
    pub name: String,
    /// What the report calls it, such as "Model Role".
    pub label: String,
    /// Instructions: a turn of their own where the chat format has one. Where it has none, as Gemma
    /// 2's, they are put at the start of the first user turn, before a blank line.
    pub system: Option<String>,
    /// The turns before the answer.
    pub turns: Vec<Turn>,
    /// Whose turn is opened.
    pub opens: Speaker,
}

impl Condition {
    /// The same with the prompt's text in place of `{prompt}`.
    pub fn filled(&self, prompt: &str) -> Condition {
        let fill = |text: &str| text.replace("{prompt}", prompt);
        let turns = self.turns.iter().map(|turn| Turn {
            speaker: turn.speaker,
            text: fill(&turn.text),
        });
        Condition {
            system: self.system.as_deref().map(fill),
            turns: turns.collect(),
            ..self.clone()
        }
    }
}

/// A turn of a conversation.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Turn {
    /// Whose turn it is.
    pub speaker: Speaker,
    /// `{prompt}` is replaced by the prompt.
    pub text: String,
}

/// Which two conditions the contrast vector is the difference of: mean(positive) - mean(negative).
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Contrast {
    /// The condition whose mean is added.
    pub positive: String,
    /// The condition whose mean is subtracted.
    pub negative: String,
    /// The pooling whose contrast is steered with and shown first.
    pub pooling: Pooling,
    /// Whether every prompt's cosine with every other is written as a table, whose rows grow with
    /// the square of the prompts. Left out: up to 256 prompts.
    pub cosine_matrices: Option<bool>,
    /// Vectors whose directions are taken out of the contrast, as `mean.<condition>` and the like.
    /// What remains is the vector `contrast.cleaned`.
    #[serde(default)]
    pub project_out: Vec<String>,
}

impl Contrast {
    /// Whether the cosine matrices of this many prompts are written.
    pub fn builds_cosine_matrices(&self, prompts: usize) -> bool {
        self.cosine_matrices.unwrap_or(prompts <= 256)
    }
}

/// `[extract]`: what is recorded.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExtractTable {
    /// How vectors are made of a text's tokens.
    pub poolings: Vec<Pooling>,
    /// Places to record in addition to the residual stream after each layer.
    #[serde(default)]
    pub sites: Vec<Site>,
    /// How many prompts are a shard, which is made and kept as a whole. Left out: a power of two that follows from the
    /// size of the vectors.
    pub shard_prompts: Option<usize>,
}

/// `[report]`
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportTable {
    /// The headline of the report.
    pub title: String,
    /// A similarity table that was published for the same experiment (CSV), to be shown beside the
    /// run's own.
    pub published: Option<PathBuf>,
}

impl Pipeline {
    /// The condition with this name.
    pub fn condition(&self, name: &str) -> Option<&Condition> {
        self.conditions.iter().find(|condition| condition.name == name)
    }
}
