//! The keys of a GGUF file that its tokenizer is made from.

pub(crate) const TOKENS: &str = "tokenizer.ggml.tokens";
pub(crate) const SCORES: &str = "tokenizer.ggml.scores";
pub(crate) const TYPES: &str = "tokenizer.ggml.token_type";
pub(super) const MERGES: &str = "tokenizer.ggml.merges";

pub(super) const MODEL: &str = "tokenizer.ggml.model";
pub(super) const PRE: &str = "tokenizer.ggml.pre";
pub(super) const TEMPLATE: &str = "tokenizer.chat_template";

pub(super) const BOS: &str = "tokenizer.ggml.bos_token_id";
pub(super) const EOS: &str = "tokenizer.ggml.eos_token_id";
pub(super) const UNKNOWN: &str = "tokenizer.ggml.unknown_token_id";
pub(super) const PADDING: &str = "tokenizer.ggml.padding_token_id";

pub(super) const ADDS_BOS: &str = "tokenizer.ggml.add_bos_token";
pub(super) const ADDS_SPACE: &str = "tokenizer.ggml.add_space_prefix";
