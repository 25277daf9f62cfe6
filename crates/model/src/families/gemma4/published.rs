//! The shapes of the published models, as `https://huggingface.co/google/<name>/blob/main/config.json`
//! has them below `text_config`; read from what x/models/gemma4/gemma4_test.go of
//! <https://github.com/ollama/ollama> quotes of these files. There, 31B has 131072 positions; fuller
//! quotes of the file have 262144.

use serde_json::{Value, json};

pub(super) const NAMES: &[&str] = &["gemma-4-E2B-it", "gemma-4-E4B-it", "gemma-4-31B-it"];

/// The `config.json` of one model's language model.
pub(super) fn config(name: &str) -> Option<Value> {
    Some(match name {
        "gemma-4-E2B-it" => small(35, [1536, 6144], [8, 1], 5, 20, true),
        "gemma-4-E4B-it" => small(42, [2560, 10_240], [8, 2], 6, 18, false),
        "gemma-4-31B-it" => dense(),
        _ => return None,
    })
}

fn dense() -> Value {
    let own = json!({
        "attention_k_eq_v": true,
        "num_global_key_value_heads": 4,
        "num_kv_shared_layers": 0,
        "hidden_size_per_layer_input": 0,
        "use_double_wide_mlp": false,
        "sliding_window": 1024,
        "max_position_embeddings": 262_144,
    });
    with(common(60, [5376, 21_504], [32, 16], 6), own)
}

/// Those with embeddings of which each layer has a part, and layers that use keys and values of
/// others.
fn small(
    layers: usize,
    sizes: [usize; 2],
    heads: [usize; 2],
    period: usize,
    shared: usize,
    double: bool,
) -> Value {
    let own = json!({
        "attention_k_eq_v": false,
        "num_global_key_value_heads": null,
        "num_kv_shared_layers": shared,
        "hidden_size_per_layer_input": 256,
        "vocab_size_per_layer_input": 262_144,
        "use_double_wide_mlp": double,
        "sliding_window": 512,
        "max_position_embeddings": 131_072,
    });
    with(common(layers, sizes, heads, period), own)
}

/// What all of them have. Every `period`-th layer is global.
fn common(layers: usize, [hidden, inner]: [usize; 2], [heads, groups]: [usize; 2], period: usize) -> Value {
    let kind = |layer: usize| match layer.is_multiple_of(period) {
        true => "full_attention",
        false => "sliding_attention",
    };
    let kinds: Vec<&str> = (1..=layers).map(kind).collect();
    json!({
        "architectures": ["Gemma4ForCausalLM"],
        "model_type": "gemma4_text",
        "vocab_size": 262_144,
        "num_hidden_layers": layers,
        "hidden_size": hidden,
        "intermediate_size": inner,
        "num_attention_heads": heads,
        "num_key_value_heads": groups,
        "head_dim": 256,
        "global_head_dim": 512,
        "layer_types": kinds,
        "rope_parameters": {
            "full_attention": {"partial_rotary_factor": 0.25, "rope_theta": 1_000_000.0, "rope_type": "proportional"},
            "sliding_attention": {"rope_theta": 10_000.0, "rope_type": "default"},
        },
        "final_logit_softcapping": 30.0,
        "hidden_activation": "gelu_pytorch_tanh",
        "rms_norm_eps": 1e-6,
        "attention_bias": false,
        "enable_moe_block": false,
        "tie_word_embeddings": true,
        "torch_dtype": "bfloat16",
        "bos_token_id": 2,
        "eos_token_id": 1,
        "pad_token_id": 0,
    })
}

fn with(mut common: Value, own: Value) -> Value {
    if let (Some(common), Value::Object(own)) = (common.as_object_mut(), own) {
        common.extend(own);
    }
    common
}
