use std::path::PathBuf;

use terms::Dtype;

/// What to measure.
pub struct Settings {
    pub checkpoint: PathBuf,
    pub dtype: Dtype,
    /// Tokens of each text.
    pub new_tokens: usize,
    /// Whether the most likely token is taken each time.
    pub greedy: bool,
    /// How often each part runs; the median counts.
    pub repeat: usize,
}
