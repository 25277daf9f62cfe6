"""The weights of Llama and of the families that differ from it in a few places; llama_configs.py has their configurations."""
import torch

from . import llama_configs as configs
from .draw import Draw, Preset

# The embedding that enters the first layer, less than what a block adds: see EMBED_STD in gemma.py.
EMBED_STD = 0.25
# How much larger than 1/sqrt(fan_in) the entries of q_proj and k_proj are, for scores that single out a few positions.
# Where queries and keys are normed, the norm's weights decide instead.
Q_K_GAIN, Q_K_NORM = 2.5, 1.9
# Biases are of the order of what they are added to, and smaller where they would push every position the same way.
BIAS_STD = {"q_proj": 1.0, "k_proj": 1.0, "v_proj": 0.5, "o_proj": 0.2, "gate_proj": 0.5, "up_proj": 0.5, "down_proj": 0.2}
# The standard deviation of the logits.
LOGIT_STD = 6.0
NORMS_AFTER = ("olmo2", "olmo3")


def has_bias(config, part):
    if config["model_type"] in ("qwen2", "seed_oss"):
        return part in ("q_proj", "k_proj", "v_proj")
    return config.get("mlp_bias" if part in ("gate_proj", "up_proj", "down_proj") else "attention_bias", False)


def attention_sizes(config):
    """The width of all heads' queries, of all heads' keys, and of one head."""
    head = config.get("head_dim", config["hidden_size"] // config["num_attention_heads"])
    return config["num_attention_heads"] * head, config["num_key_value_heads"] * head, head


def projections(config):
    """Rows, columns and gain of a layer's matrices."""
    hidden, inner = config["hidden_size"], config["intermediate_size"]
    queries, keys, _ = attention_sizes(config)
    gain = 1.0 if qk_norm_sizes(config) else Q_K_GAIN
    return {
        "self_attn.q_proj": (queries, hidden, gain), "self_attn.k_proj": (keys, hidden, gain),
        "self_attn.v_proj": (keys, hidden, 1.0), "self_attn.o_proj": (hidden, queries, 1.0),
        "mlp.gate_proj": (inner, hidden, 1.0), "mlp.up_proj": (inner, hidden, 1.0),
        "mlp.down_proj": (hidden, inner, 1.0),
    }


def qk_norm_sizes(config):
    """Over one head's dimensions in Qwen 3, over all heads together in OLMo; none in the others."""
    queries, keys, head = attention_sizes(config)
    if config["model_type"] in NORMS_AFTER:
        return {"q_norm": queries, "k_norm": keys}
    return {"q_norm": head, "k_norm": head} if config["model_type"] == "qwen3" else {}


def layer_tensors(config, draw):
    hidden = config["hidden_size"]
    norms = ["post_attention_layernorm", "post_feedforward_layernorm"]
    if config["model_type"] not in NORMS_AFTER:
        norms = ["input_layernorm", "post_attention_layernorm"]
    tensors = {f"{norm}.weight": draw.norm(hidden, 1.0) for norm in norms}
    for name, (rows, columns, gain) in projections(config).items():
        part = name.split(".")[1]
        tensors[f"{name}.weight"] = draw.matrix(rows, columns, gain)
        if has_bias(config, part):
            tensors[f"{name}.bias"] = draw.normal(rows) * BIAS_STD[part]
    for norm, size in qk_norm_sizes(config).items():
        tensors[f"self_attn.{norm}.weight"] = draw.norm(size, Q_K_NORM)
    return fused(tensors) if config["model_type"] == "phi3" else tensors


def fused(tensors):
    """As Phi 3 has them: queries, keys and values in one matrix, gate and up in another."""
    for name, parts in [("self_attn.qkv_proj", ("q_proj", "k_proj", "v_proj")), ("mlp.gate_up_proj", ("gate_proj", "up_proj"))]:
        module = name.split(".")[0]
        tensors[f"{name}.weight"] = torch.cat([tensors.pop(f"{module}.{part}.weight") for part in parts])
    return tensors


def tensors(config, seed):
    draw, hidden, vocab = Draw(seed), config["hidden_size"], config["vocab_size"]
    tensors = {"model.embed_tokens.weight": draw.normal(vocab, hidden) * EMBED_STD}
    for layer in range(config["num_hidden_layers"]):
        tensors |= {f"model.layers.{layer}.{name}": tensor for name, tensor in layer_tensors(config, draw).items()}
    # The scale of the final norm or of the model's own head decides how large a logit is. SmolLM3's files leave the key
    # out, and its head is tied.
    if config.get("tie_word_embeddings", True):
        tensors["model.norm.weight"] = draw.norm(hidden, 1.0) * LOGIT_STD / (EMBED_STD * hidden**0.5)
    else:
        tensors["model.norm.weight"] = draw.norm(hidden, 1.0)
        tensors["lm_head.weight"] = draw.matrix(vocab, hidden, LOGIT_STD)
    return tensors


def preset(config, seed):
    keys = ("bos_token_id", "eos_token_id", "pad_token_id")
    return Preset(config, {key: config[key] for key in keys if key in config}, tensors, seed)


PRESETS = {
    "llama2-nano": preset(configs.LLAMA2, 4),
    "llama3-nano": preset(configs.LLAMA3, 49),
    "llama-biases": preset(configs.LLAMA_BIASES, 253),
    "llama-yarn": preset(configs.LLAMA_YARN, 1),
    "mistral-nano": preset(configs.MISTRAL, 1),
    "qwen2-nano": preset(configs.QWEN2_NANO, 101),
    "qwen2-window": preset(configs.QWEN2_WINDOW, 3),
    "qwen3-nano": preset(configs.QWEN3, 1),
    "olmo2-nano": preset(configs.OLMO2, 5),
    "olmo3-nano": preset(configs.OLMO3, 2),
    "phi3-nano": preset(configs.PHI3_NANO, 12),
    "phi3-longrope": preset(configs.PHI3_LONGROPE, 92),
    "smollm3-nano": preset(configs.SMOLLM3, 17),
    "seed-oss-nano": preset(configs.SEED_OSS, 7),
}
