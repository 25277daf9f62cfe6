//! Models that somebody may well give, and why they can't be run.

const MIXTURES: &[&str] = &[
    "mixtral",
    "qwen2_moe",
    "qwen3_moe",
    "olmoe",
    "flex_olmo",
    "gpt_oss",
    "deepseek_v2",
    "deepseek_v3",
    "phimoe",
    "granitemoe",
    "llama4",
    "llama4_text",
    "dbrx",
    "glm4_moe",
    "ernie4_5_moe",
    "minimax",
];

const RECURRENT: &[&str] = &[
    "mamba",
    "mamba2",
    "falcon_mamba",
    "rwkv",
    "recurrent_gemma",
    "jamba",
    "bamba",
    "granitemoehybrid",
    "qwen3_next",
    "qwen3_5",
    "qwen3_5_text",
    "qwen3_5_moe",
    "lfm2",
];

const LAYER_NORMS: &[&str] = &[
    "gpt2", "gpt_neo", "gpt_neox", "gptj", "opt", "bloom", "falcon", "phi", "stablelm", "mpt", "codegen",
];

/// Why models of this type are refused, if it is known.
pub(super) fn reason(model_type: &str) -> Option<&'static str> {
    let lists = [
        (
            MIXTURES,
            "it is a mixture of experts, and Roleswap does not compute their router; use a dense model",
        ),
        (
            RECURRENT,
            "it has recurrent layers or linear attention, which Roleswap does not compute; use a model with attention in all layers",
        ),
        (
            LAYER_NORMS,
            "it has norms that subtract the mean and learned positions or parallel layers, which Roleswap does not compute; use a \
             newer model",
        ),
    ];
    let found = lists.iter().find(|(types, _)| types.contains(&model_type));
    found.map(|(_, reason)| *reason)
}
