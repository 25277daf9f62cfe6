//! The families of models that can be run. What is particular to one is in its own file: the words
//! and keys of its `config.json`, the names in its GGUF files, its tokens, and the shapes that were
//! published. The network itself is told only by [`ModelConfig`] what to compute.
//!
//! To add a family: a file with a type that implements [`Family`], and its line in [`FAMILIES`].

mod family;
mod gemma;
mod gemma4;
mod llama;
mod llama_like;
mod mistral;
mod olmo;
mod phi3;
mod qwen;
mod refused;
mod seed_oss;
mod smollm3;

pub(crate) use family::{Family, ModelType};

use serde_json::Value;

use gemma::Gemma;

/// All families; generations of one that differ in more than sizes have a line each.
pub(crate) const FAMILIES: &[&dyn Family] = &[
    &Gemma::One,
    &Gemma::Two,
    &Gemma::Three,
    &gemma4::Gemma4,
    &llama::Llama,
    &mistral::Mistral,
    &qwen::Qwen::Two,
    &qwen::Qwen::Three,
    &olmo::Olmo::Two,
    &olmo::Olmo::Three,
    &phi3::Phi3,
    &seed_oss::SeedOss,
    &smollm3::SmolLm3,
];

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
        if let Some(reason) = refused::reason(wanted) {
            return format!("model_type \"{wanted}\" is not supported: {reason}");
        }
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
    families.find(|family| family.architecture() == Some(wanted))
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
