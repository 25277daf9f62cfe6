use ::gguf::{Metadata, Value};

use super::Architecture;

/// Keys that are read, below the architecture's name.
const READ: [&str; 12] = [
    "context_length",
    "embedding_length",
    "block_count",
    "feed_forward_length",
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.layer_norm_rms_epsilon",
    "rope.freq_base",
    "rope.scaling.type",
    "rope.scaling.factor",
    "rope.scale_linear",
];

/// Those that are read of Gemma 2 and 3 only.
const READ_OF_LATER: [&str; 5] = [
    "attention.sliding_window",
    "attention.sliding_window_pattern",
    "attn_logit_softcapping",
    "final_logit_softcapping",
    "rope.freq_base_swa",
];

/// Those of Gemma 3 only.
const READ_OF_GEMMA_3: [&str; 2] = [super::ollama::GLOBAL_BASE, super::ollama::LOCAL_BASE];

/// Sizes that must be the head's: the whole of it is turned, and queries, keys and values have the same size in all
/// layers.
const SIZES_OF_A_HEAD: [&str; 5] = [
    "attention.value_length",
    "attention.key_length_swa",
    "attention.value_length_swa",
    "rope.dimension_count",
    "rope.dimension_count_swa",
];

/// What changes no number.
const WITHOUT_EFFECT: [&str; 3] = [
    "vocab_size",
    "rope.scaling.original_context_length",
    "rope.scaling.finetuned",
];

/// What is said of the part that sees.
const OF_IMAGES: [&str; 2] = ["vision.", "mm."];

/// Refuses what the network would have to know: every key of the architecture must be read here, be without effect, or
/// have the one value that Gemma has.
pub(super) fn check_keys(metadata: &Metadata, architecture: Architecture) -> Result<(), String> {
    let prefix = format!("{architecture}.");
    let head = metadata.get(&format!("{prefix}attention.key_length"));
    let mut keys: Vec<&str> = metadata.keys().collect();
    // The same error each time.
    keys.sort_unstable();
    for key in keys {
        let (Some(name), Some(value)) = (key.strip_prefix(&prefix), metadata.get(key)) else {
            continue;
        };
        if SIZES_OF_A_HEAD.contains(&name) {
            if value.as_count() != head.and_then(Value::as_count) {
                return Err(format!(
                    "`{key}` is not `{prefix}attention.key_length`, as it is in Gemma models; get another conversion of the \
                     model"
                ));
            }
        } else if !is_known(name, architecture) && !is_usual(name, value) {
            return Err(format!(
                "`{key}` may change what the model computes, and Roleswap does not know it; get a conversion of a Gemma 1, 2 \
                 or 3 model that llama.cpp's convert_hf_to_gguf.py made, or its safetensors"
            ));
        }
    }
    Ok(())
}

fn is_known(name: &str, architecture: Architecture) -> bool {
    let gemma_3 = architecture == Architecture::Gemma3;
    READ.contains(&name)
        || WITHOUT_EFFECT.contains(&name)
        || architecture != Architecture::Gemma && READ_OF_LATER.contains(&name)
        || gemma_3 && READ_OF_GEMMA_3.contains(&name)
        || gemma_3 && OF_IMAGES.iter().any(|prefix| name.starts_with(prefix))
}

/// Whether the value says what holds without the key: that attention looks back only, that a factor is 1, that there is
/// none of something.
fn is_usual(name: &str, value: &Value) -> bool {
    match (name, value) {
        ("attention.causal", value) => value.as_bool() == Some(true),
        ("rope.scaling.attn_factor", value) => value.as_number() == Some(1.0),
        (_, Value::Bool(flag)) => !flag,
        (_, Value::List(values)) => values.is_empty(),
        (_, value) => value.as_number() == Some(0.0),
    }
}
