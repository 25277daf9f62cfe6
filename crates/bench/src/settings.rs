use std::path::PathBuf;

use terms::Dtype;

/// What to measure.
pub struct Settings {
    pub checkpoint: PathBuf,
    pub dtype: Dtype,
    /// Tokens of each text.
    pub new_tokens: usize,
    /// How often each part runs; the median counts.
    pub repeat: usize,
}
