use serde::Deserialize;

/// `[extract.answer]`: the answers that the poolings `answer` and `answer_first` read.
#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AnswerTable {
    /// The most tokens of an answer.
    pub tokens: usize,
    /// `true` takes the most likely token each time; `false` draws from the model's own distribution.
    pub greedy: bool,
    /// For drawing; the seed of each answer is derived from it.
    pub seed: u64,
}

impl AnswerTable {
    /// The first thing that can't be, in words that name the key.
    pub(crate) fn problem(&self) -> Option<String> {
        (!(1..=MOST_TOKENS).contains(&self.tokens))
            .then(|| format!("extract.answer.tokens: must be from 1 to {MOST_TOKENS}"))
    }
}

/// Longer than what chat models say in a turn.
const MOST_TOKENS: usize = 4096;

impl Default for AnswerTable {
    fn default() -> Self {
        AnswerTable {
            tokens: 32,
            greedy: true,
            seed: 0,
        }
    }
}
