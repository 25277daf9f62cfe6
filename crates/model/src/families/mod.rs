//! The families of models that can be run. What is particular to one is in its own file: the words
//! and keys of its `config.json`, the names in its GGUF files, its tokens, and the shapes that were
//! published. The network itself is told only by [`ModelConfig`] what to compute.
//!
//! To add a family: a file with a type that implements [`Family`], and its line in [`FAMILIES`].

mod gemma;

use ::gguf::GgufFile;
use serde_json::{Map, Value};

use crate::ModelConfig;
use crate::config::ConfigFile;
use crate::gguf::GgufKeys;
use gemma::Gemma;

/// All families; generations of one that differ in more than sizes have a line each.
pub(crate) const FAMILIES: &[&dyn Family] = &[&Gemma::One, &Gemma::Two, &Gemma::Three];

/// A family of models, or a generation of one.
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

    /// `general.architecture` of its GGUF files, which its keys there begin with.
    fn architecture(&self) -> &'static str;

    /// The class of transformers that runs it, for `architectures` in a `config.json`.
    fn class(&self) -> &'static str;

    /// The keys of a `config.json` for a GGUF file, without those that are read in the same way for
    /// every family. What the file leaves out is filled in as llama.cpp does for the architecture.
    ///
    /// # Errors
    /// A key that is missing, or whose value can't be computed with.
    fn gguf_config(&self, file: &GgufFile, keys: &GgufKeys<'_>) -> Result<Map<String, Value>, String>;

    /// The keys that [`gguf_config`](Self::gguf_config) reads, without the architecture's name.
    fn gguf_keys(&self) -> &'static [&'static str];

    /// Beginnings of keys that describe other parts of the model, without the architecture's name.
    fn gguf_other_keys(&self) -> &'static [&'static str];

    /// What a tensor of a layer is called in a Hugging Face checkpoint: `post_ffw_norm` is
    /// `post_feedforward_layernorm`, say. `None` where no layer has such a tensor. The products and
    /// the first norm have the same names in every family.
    fn gguf_tensor_in_layer(&self, part: &str) -> Option<&'static str>;

    /// Whether a tensor belongs to another part of the model, such as the vision part.
    fn gguf_is_other_tensor(&self, name: &str) -> bool;

    /// Whether GGUF files hold a tensor's numbers with 1 added.
    fn gguf_adds_one(&self, name: &str) -> bool;

    /// The names that GGUF files have for its tokenizer (`tokenizer.ggml.model`).
    fn gguf_tokenizers(&self) -> &'static [&'static str];

    /// What the name of its tokenizer's class in transformers begins with.
    fn tokenizer_class(&self) -> &'static str;

    /// The special tokens that this class has by default: name and text.
    fn special_tokens(&self) -> &'static [(&'static str, &'static str)];

    /// Tokens that open turns; whatever a GGUF file calls them, they are control tokens.
    fn control_tokens(&self) -> &'static [&'static str];

    /// Tokens that end texts and turns; whatever a GGUF file calls them, generation ends at them.
    fn end_tokens(&self) -> &'static [&'static str];

    /// The account on the Hugging Face hub that publishes it, if its files are given only to those
    /// who have accepted a licence.
    fn gated_owner(&self) -> Option<&'static str>;

    /// The names of published models whose shape is known.
    fn published(&self) -> &'static [&'static str];

    /// The `config.json` of one of them (of its language model, where it has more).
    fn published_config(&self, name: &str) -> Option<Value>;
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

/// The family that reads a `model_type`.
///
/// # Errors
/// No family does; the message lists what can be run.
pub(crate) fn by_model_type(wanted: &str) -> Result<(&'static dyn Family, ModelType), String> {
    let all = || {
        FAMILIES
            .iter()
            .flat_map(|family| family.model_types().iter().map(move |kind| (*family, *kind)))
    };
    all().find(|(_, kind)| kind.name == wanted).ok_or_else(|| {
        let names = |in_part: bool| {
            let some = all().filter(|(_, kind)| kind.part.is_some() == in_part);
            let names: Vec<String> = some.map(|(_, kind)| format!("\"{}\"", kind.name)).collect();
            names.join(", ")
        };
        format!(
            "model_type \"{wanted}\" is not supported; Roleswap runs {} and the text part of {}",
            names(false),
            names(true)
        )
    })
}

/// The family whose GGUF files name this architecture.
pub(crate) fn by_architecture(wanted: &str) -> Option<&'static dyn Family> {
    let mut families = FAMILIES.iter().copied();
    families.find(|family| family.architecture() == wanted)
}

/// The names of published models whose shape is known, such as `gemma-2-9b-it`.
pub fn published_models() -> Vec<&'static str> {
    FAMILIES
        .iter()
        .flat_map(|family| family.published().iter().copied())
        .collect()
}

/// The `config.json` of a published model, as on the hub except for keys without effect; of its
/// language model only, if it has other parts. `None` for a name that is not in
/// [`published_models`].
pub fn published_config(name: &str) -> Option<Value> {
    FAMILIES.iter().find_map(|family| family.published_config(name))
}

/// The `config.json` of a model of 450 million parameters for benchmarks: not a published model,
/// but with a whole vocabulary.
pub fn benchmark_config() -> Value {
    gemma::benchmark_config()
}

/// Whether the hub gives an account's models only to those who have accepted a licence.
pub fn is_gated(owner: &str) -> bool {
    FAMILIES.iter().any(|family| family.gated_owner() == Some(owner))
}
