use tokenizers::Tokenizer;

use super::vocabulary::Vocabulary;

/// A tokenizer without its added tokens, and what they are taken from.
pub(super) struct Bare {
    pub tokenizer: Tokenizer,
    pub vocabulary: Vocabulary,
    /// Whether the beginning token is added where the file doesn't say.
    pub adds_bos: bool,
}
