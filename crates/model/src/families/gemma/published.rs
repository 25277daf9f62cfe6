//! The shapes of the published models, from
//! `https://huggingface.co/google/<name>/blob/main/config.json`.

use serde_json::{Value, json};

use super::generation::Gemma;

/// The models of a generation.
pub(super) fn names(generation: Gemma) -> &'static [&'static str] {
    match generation {
        Gemma::One => &["gemma-2b-it", "gemma-7b-it"],
        Gemma::Two => &["gemma-2-2b-it", "gemma-2-9b-it", "gemma-2-27b-it"],
        Gemma::Three => &[
            "gemma-3-270m-it",
            "gemma-3-1b-it",
            "gemma-3-4b-it",
            "gemma-3-12b-it",
            "gemma-3-27b-it",
        ],
    }
}

/// The `config.json` of one model, or of its language model if it has other parts.
pub(super) fn config(generation: Gemma, name: &str) -> Option<Value> {
    Some(match (generation, name) {
        (Gemma::One, "gemma-2b-it") => first(18, [2048, 16384], [8, 1]),
        (Gemma::One, "gemma-7b-it") => first(28, [3072, 24576], [16, 16]),
        (Gemma::Two, "gemma-2-2b-it") => second(26, [2304, 9216], [8, 4, 256], 256),
        (Gemma::Two, "gemma-2-9b-it") => second(42, [3584, 14336], [16, 8, 256], 256),
        (Gemma::Two, "gemma-2-27b-it") => second(46, [4608, 36864], [32, 16, 128], 144),
        (Gemma::Three, "gemma-3-270m-it") => third(18, [640, 2048], [4, 1, 256], 256, Size::TextOnly),
        (Gemma::Three, "gemma-3-1b-it") => third(26, [1152, 6912], [4, 1, 256], 256, Size::TextOnly),
        (Gemma::Three, "gemma-3-4b-it") => third(34, [2560, 10240], [8, 4, 256], 256, Size::Sees),
        (Gemma::Three, "gemma-3-12b-it") => third(48, [3840, 15360], [16, 8, 256], 256, Size::Sees),
        (Gemma::Three, "gemma-3-27b-it") => third(62, [5376, 21504], [32, 16, 128], 168, Size::Sees),
        _ => return None,
    })
}

/// A small second generation that was never published.
pub(crate) fn benchmark_config() -> Value {
    second(12, [1024, 4096], [8, 4, 128], 128)
}

/// The layers of the 27B model, if the generation has one.
pub(super) fn layers_of_27b(generation: Gemma) -> Option<usize> {
    match generation {
        Gemma::One => None,
        Gemma::Two => Some(46),
        Gemma::Three => Some(62),
    }
}

/// What all of them have.
fn common(layers: usize, [hidden, inner]: [usize; 2], [heads, groups, head_dim]: [usize; 3]) -> Value {
    json!({
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "head_dim": head_dim,
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": 1e-6,
        "attention_bias": false,
        "tie_word_embeddings": true,
        "torch_dtype": "bfloat16",
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    })
}

fn first(layers: usize, sizes: [usize; 2], [heads, groups]: [usize; 2]) -> Value {
    let own = json!({
        "architectures": ["GemmaForCausalLM"],
        "model_type": "gemma",
        "vocab_size": 256_000,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 8192,
    });
    with(common(layers, sizes, [heads, groups, 256]), own)
}

fn second(layers: usize, sizes: [usize; 2], heads: [usize; 3], query_pre_attn_scalar: usize) -> Value {
    let own = json!({
        "architectures": ["Gemma2ForCausalLM"],
        "model_type": "gemma2",
        "vocab_size": 256_000,
        "query_pre_attn_scalar": query_pre_attn_scalar,
        "sliding_window": 4096,
        "attn_logit_softcapping": 50.0,
        "final_logit_softcapping": 30.0,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 8192,
    });
    with(common(layers, sizes, heads), own)
}

enum Size {
    TextOnly,
    /// From 4B on: longer contexts, by linear scaling of the global layers' positions.
    Sees,
}

fn third(
    layers: usize,
    sizes: [usize; 2],
    heads: [usize; 3],
    query_pre_attn_scalar: usize,
    size: Size,
) -> Value {
    let (vocab_size, window, scaling) = match size {
        Size::TextOnly => (262_144, 512, Value::Null),
        Size::Sees => (262_208, 1024, json!({"rope_type": "linear", "factor": 8.0})),
    };
    let own = json!({
        "architectures": ["Gemma3ForCausalLM"],
        "model_type": "gemma3_text",
        "vocab_size": vocab_size,
        "query_pre_attn_scalar": query_pre_attn_scalar,
        "sliding_window": window,
        "sliding_window_pattern": 6,
        "rope_theta": 1_000_000.0,
        "rope_local_base_freq": 10_000.0,
        "rope_scaling": scaling,
        "max_position_embeddings": 32_768,
    });
    with(common(layers, sizes, heads), own)
}

fn with(mut common: Value, own: Value) -> Value {
    if let (Some(common), Value::Object(own)) = (common.as_object_mut(), own) {
        common.extend(own);
    }
    common
}
