use ::gguf::{Metadata, Value};

use super::GgufKeys;
use crate::families::Family;

/// Keys that are read for every family, without the architecture's name.
const READ: [&str; 11] = [
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scale_linear",
];

/// Sizes that must be the head's: all of it is rotated, and queries, keys and values have the
/// same size in all layers.
const SIZES_OF_A_HEAD: [&str; 5] = [
    "attention.value_length",
    "attention.key_length_swa",
    "attention.value_length_swa",
    "rope.dimension_count",
    "rope.dimension_count_swa",
];

/// Keys that change no number.
const WITHOUT_EFFECT: [&str; 3] = [
    "vocab_size",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
];

/// Refuses what the network would need to know: every key of the architecture must be read, be
/// without effect, or have the one value that can be computed with.
pub(super) fn check_keys(metadata: &Metadata, own: &GgufKeys<'_>, family: &dyn Family) -> Result<(), String> {
    let prefix = own.key("");
    let head = own.head_dim()?;
    let mut keys: Vec<&str> = metadata.keys().collect();
    // The same error each time.
    keys.sort_unstable();
    for key in keys {
        let (Some(name), Some(value)) = (key.strip_prefix(&prefix), metadata.get(key)) else {
            continue;
        };
        if SIZES_OF_A_HEAD.contains(&name) && !family.gguf_keys().contains(&name) {
            if value.as_count() != Some(head) {
                return Err(format!(
                    "`{key}` differs from `{prefix}attention.key_length`, and Roleswap runs models where they are the same; \
                     get another conversion of the model"
                ));
            }
        } else if !is_known(name, family) && !is_usual(name, value) {
            return Err(format!(
                "`{key}` may change what the model computes, and Roleswap does not know it; get a conversion of a {} model \
                 that llama.cpp's convert_hf_to_gguf.py made, or its safetensors",
                family.name()
            ));
        }
    }
    Ok(())
}

fn is_known(name: &str, family: &dyn Family) -> bool {
    let mut others = family.gguf_other_keys().iter();
    READ.contains(&name)
        || WITHOUT_EFFECT.contains(&name)
        || family.gguf_keys().contains(&name)
        || others.any(|prefix| name.starts_with(prefix))
}

/// Whether the value means the same as an absent key: that attention only looks back, that a factor
/// is 1, that something is absent.
fn is_usual(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("attention.causal", value) => value.as_bool() == Some(true),
        ("rope.scaling.attn_factor" | "rope.scaling.yarn_ext_factor", value) => {
            value.as_number() == Some(1.0)
        }
        (_, Value::Bool(flag)) => !flag,
        (_, Value::List(values)) => values.is_empty(),
        (_, value) => value.as_number() == Some(0.0),
    }
}
