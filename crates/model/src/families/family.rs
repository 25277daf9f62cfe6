use ::gguf::GgufFile;
use serde_json::{Map, Value};

use super::llama_like;
use crate::ModelConfig;
use crate::config::ConfigFile;
use crate::gguf::GgufKeys;

/// A family of models, or a generation of one. What it doesn't say is as in Llama's.
pub(crate) trait Family: Sync {
    /// What messages call it, such as `Gemma 2`.
    fn name(&self) -> &'static str;

    /// The values of `model_type` in a `config.json` that it reads. The first is the one that
    /// results record.
    fn model_types(&self) -> &'static [ModelType];

    /// The keys that [`config`](Self::config) reads or knows to be harmless, but that
    /// [`ConfigFile`] doesn't read for every family.
    fn config_keys(&self) -> &'static [&'static str];

    /// The network that a `config.json` describes. An absent key means what the configuration class
    /// of transformers 5.24 makes of it (`crates/model/tests/fixtures/configs.json` compares). End
    /// tokens are left out, and sizes needn't be checked.
    ///
    /// # Errors
    /// A key with a value that can't be computed with.
    fn config(&self, file: &ConfigFile) -> Result<ModelConfig, String>;

    /// `general.architecture` of its GGUF files, which its keys there begin with; `None` where such
    /// files are of another family's architecture, or are not read.
    fn architecture(&self) -> Option<&'static str>;

    /// The class of transformers that runs it, for `architectures` in a `config.json`.
    fn class(&self) -> &'static str;

    /// The sizes of layers in a GGUF file, under the keys of a `config.json`.
    ///
    /// # Errors
    /// A size that is missing, or that differs between layers.
    fn gguf_layer_sizes(&self, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        keys.layer_sizes()
    }

    /// The keys of a `config.json` for a GGUF file, without those that are read in the same way for
    /// every family. What the file leaves out is filled in as llama.cpp does for the architecture.
    ///
    /// # Errors
    /// A key that is missing, or whose value can't be computed with.
    fn gguf_config(&self, file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String> {
        llama_like::gguf_config(file, keys)
    }

    /// The keys that [`gguf_config`](Self::gguf_config) reads, without the architecture's name.
    fn gguf_keys(&self) -> &'static [&'static str] {
        llama_like::GGUF_KEYS
    }

    /// Beginnings of keys that describe other parts of the model, without the architecture's name.
    fn gguf_other_keys(&self) -> &'static [&'static str] {
        &[]
    }

    /// What a tensor of a layer is called in a Hugging Face checkpoint: `post_ffw_norm` is
    /// `post_feedforward_layernorm`, say. `None` where no layer has such a tensor. The products and
    /// the first norm have the same names in every family.
    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str> {
        llama_like::gguf_tensor_in_layer(part)
    }

    /// The same for a tensor outside of layers; the embeddings, the last norm and the head have the
    /// same names in every family.
    fn gguf_tensor_outside(&self, _part: &str) -> Option<&'static str> {
        None
    }

    /// Whether GGUF files hold the rows of queries and keys with the two halves of each head
    /// interleaved, as for a rotary embedding that turns neighbours.
    fn gguf_interleaves_heads(&self) -> bool {
        false
    }

    /// Whether a tensor belongs to another part of the model, such as the vision part.
    fn gguf_is_other_tensor(&self, _name: &str) -> bool {
        false
    }

    /// Whether GGUF files hold a tensor's numbers with 1 added.
    fn gguf_adds_one(&self, _name: &str) -> bool {
        false
    }

    /// The names that GGUF files have for its tokenizer (`tokenizer.ggml.model`).
    fn gguf_tokenizers(&self) -> &'static [&'static str];

    /// What the name of its tokenizer's class in transformers begins with.
    fn tokenizer_class(&self) -> &'static str;

    /// The special tokens that this class has by default: name and text.
    fn special_tokens(&self) -> &'static [(&'static str, &'static str)] {
        &[]
    }

    /// Tokens that open turns; whatever a GGUF file calls them, they are control tokens.
    fn control_tokens(&self) -> &'static [&'static str] {
        &[]
    }

    /// Tokens that end texts and turns; whatever a GGUF file calls them, generation ends at them.
    fn end_tokens(&self) -> &'static [&'static str] {
        &[]
    }

    /// The account on the Hugging Face hub that publishes it, if its files are given only to those
    /// who have accepted a licence.
    fn gated_owner(&self) -> Option<&'static str> {
        None
    }

    /// The names of published models whose shape is known.
    fn published(&self) -> &'static [&'static str] {
        &[]
    }

    /// The `config.json` of one of them (of its language model, where it has more).
    fn published_config(&self, _name: &str) -> Option<Value> {
        None
    }
}

/// A value of `model_type` in a `config.json`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ModelType {
    /// The value.
    pub name: &'static str,
    /// The key of the table that describes the language model, where the file describes a model
    /// with more parts.
    pub part: Option<&'static str>,
}

impl ModelType {
    /// That of a file that describes only the language model.
    pub const fn whole(name: &'static str) -> Self {
        ModelType { name, part: None }
    }
}
