use serde_json::{Value, json};

/// The shapes that there are, by the names of the published models.
pub const PRESETS: &[&str] = &[
    "gemma-2b-it",
    "gemma-7b-it",
    "gemma-2-2b-it",
    "gemma-2-9b-it",
    "gemma-2-27b-it",
    "gemma-3-270m-it",
    "gemma-3-1b-it",
    "gemma-3-4b-it",
    "gemma-3-12b-it",
    "gemma-3-27b-it",
    SMALL,
];

/// A Gemma-2 of 450 million parameters, for benchmarks: of no published model, but with a whole vocabulary.
const SMALL: &str = "small";

/// The `config.json` of a published model (of its language model, where it has more), from its page on the Hugging Face
/// hub: `https://huggingface.co/google/<name>/blob/main/config.json`.
pub fn preset(name: &str) -> Option<Value> {
    Some(match name {
        "gemma-2b-it" => gemma_1(18, [2048, 16384], [8, 1]),
        "gemma-7b-it" => gemma_1(28, [3072, 24576], [16, 16]),
        "gemma-2-2b-it" => gemma_2(26, [2304, 9216], [8, 4, 256], 256),
        "gemma-2-9b-it" => gemma_2(42, [3584, 14336], [16, 8, 256], 256),
        "gemma-2-27b-it" => gemma_2(46, [4608, 36864], [32, 16, 128], 144),
        "gemma-3-270m-it" => gemma_3(18, [640, 2048], [4, 1, 256], 256, Gemma3Size::TextOnly),
        "gemma-3-1b-it" => gemma_3(26, [1152, 6912], [4, 1, 256], 256, Gemma3Size::TextOnly),
        "gemma-3-4b-it" => gemma_3(34, [2560, 10240], [8, 4, 256], 256, Gemma3Size::Sees),
        "gemma-3-12b-it" => gemma_3(48, [3840, 15360], [16, 8, 256], 256, Gemma3Size::Sees),
        "gemma-3-27b-it" => gemma_3(62, [5376, 21504], [32, 16, 128], 168, Gemma3Size::Sees),
        SMALL => gemma_2(12, [1024, 4096], [8, 4, 128], 128),
        _ => return None,
    })
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

fn gemma_1(layers: usize, sizes: [usize; 2], [heads, groups]: [usize; 2]) -> Value {
    let own = json!({
        "architectures": ["GemmaForCausalLM"],
        "model_type": "gemma",
        "vocab_size": 256_000,
        "rope_theta": 10_000.0,
        "max_position_embeddings": 8192,
    });
    with(common(layers, sizes, [heads, groups, 256]), own)
}

fn gemma_2(layers: usize, sizes: [usize; 2], heads: [usize; 3], query_pre_attn_scalar: usize) -> Value {
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

enum Gemma3Size {
    TextOnly,
    /// From 4B on: longer contexts, by linear scaling of the global layers' positions.
    Sees,
}

fn gemma_3(
    layers: usize,
    sizes: [usize; 2],
    heads: [usize; 3],
    query_pre_attn_scalar: usize,
    size: Gemma3Size,
) -> Value {
    let (vocab_size, window, scaling) = match size {
        Gemma3Size::TextOnly => (262_144, 512, Value::Null),
        Gemma3Size::Sees => (262_208, 1024, json!({"rope_type": "linear", "factor": 8.0})),
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
