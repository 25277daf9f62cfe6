"""The text part of Gemma 4: the dense 31B, and the E models with inputs of their own for each layer and shared keys and
values. The keys of the configurations are those of the `text_config` of the files that Google published."""
import torch

from .draw import Draw, Preset

# As in gemma.py: sqrt(hidden) times this enters the first layer.
EMBED_STD = 0.06
# Large enough for some logits to pass the cap of 30.
LOGIT_STD = 15.0
# What a layer's output is multiplied by. Exact in bf16, and never near 1.
LAYER_SCALARS = (0.625, 1.375, 0.75, 1.25)

GEMMA4 = dict(
    architectures=["Gemma4ForCausalLM"], attention_bias=False, attention_dropout=0.0, bos_token_id=2, dtype="bfloat16",
    enable_moe_block=False, eos_token_id=1, final_logit_softcapping=30.0, hidden_activation="gelu_pytorch_tanh",
    initializer_range=0.02, max_position_embeddings=131072, model_type="gemma4_text", moe_intermediate_size=None,
    num_attention_heads=4, num_experts=None, num_key_value_heads=2, pad_token_id=0, rms_norm_eps=1e-06,
    rope_parameters=dict(
        full_attention=dict(partial_rotary_factor=0.25, rope_theta=1000000.0, rope_type="proportional"),
        sliding_attention=dict(rope_theta=10000.0, rope_type="default"),
    ),
    sliding_window=6, tie_word_embeddings=True, top_k_experts=None, use_bidirectional_attention=None, use_cache=True,
)
DENSE = GEMMA4 | dict(
    attention_k_eq_v=True, global_head_dim=24, head_dim=16, hidden_size=32, hidden_size_per_layer_input=0,
    intermediate_size=44, layer_types=["sliding_attention", "full_attention"] * 2, num_global_key_value_heads=1,
    num_hidden_layers=4, num_kv_shared_layers=0, use_double_wide_mlp=False, vocab_size=160,
    vocab_size_per_layer_input=160,
)
# Of the first four layers, the last sliding and the last full one share their keys and values with the last two layers.
E = GEMMA4 | dict(
    attention_k_eq_v=False, global_head_dim=16, head_dim=8, hidden_size=24, hidden_size_per_layer_input=10,
    intermediate_size=28, layer_types=["sliding_attention", "full_attention"] * 3, num_global_key_value_heads=None,
    num_hidden_layers=6, num_kv_shared_layers=2, use_double_wide_mlp=True, vocab_size=130,
    vocab_size_per_layer_input=132,
)


def is_shared(config, layer):
    return layer >= config["num_hidden_layers"] - config["num_kv_shared_layers"]


def attention_tensors(config, layer, draw):
    is_full = config["layer_types"][layer] == "full_attention"
    hidden, head = config["hidden_size"], config["global_head_dim" if is_full else "head_dim"]
    values_are_keys = is_full and config["attention_k_eq_v"]
    key_heads = config["num_global_key_value_heads" if values_are_keys else "num_key_value_heads"]
    queries, keys = config["num_attention_heads"] * head, key_heads * head
    tensors = {"q_proj": draw.matrix(queries, hidden), "o_proj": draw.matrix(hidden, queries)}
    # A layer that takes the keys and values of another may still have these in its file, and transformers steps over them.
    tensors["k_proj"] = draw.matrix(keys, hidden)
    if not values_are_keys:
        tensors["v_proj"] = draw.matrix(keys, hidden)
    return tensors | {"q_norm": draw.norm(head, 1.0), "k_norm": draw.norm(head, 1.0)}


def layer_tensors(config, layer, draw):
    hidden, inner, inputs = (config[key] for key in ("hidden_size", "intermediate_size", "hidden_size_per_layer_input"))
    inner *= 2 if config["use_double_wide_mlp"] and is_shared(config, layer) else 1
    norms = ["input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"]
    tensors = {norm: draw.norm(hidden, 1.0) for norm in norms}
    tensors |= {f"self_attn.{name}": tensor for name, tensor in attention_tensors(config, layer, draw).items()}
    tensors["mlp.gate_proj"] = draw.matrix(inner, hidden)
    tensors["mlp.up_proj"] = draw.matrix(inner, hidden)
    tensors["mlp.down_proj"] = draw.matrix(hidden, inner)
    if inputs:
        tensors["per_layer_input_gate"] = draw.matrix(inputs, hidden)
        tensors["per_layer_projection"] = draw.matrix(hidden, inputs)
        tensors["post_per_layer_input_norm"] = draw.norm(hidden, 1.0)
    tensors = {f"{name}.weight": tensor for name, tensor in tensors.items()}
    return tensors | {"layer_scalar": torch.tensor([LAYER_SCALARS[layer % len(LAYER_SCALARS)]])}


def tensors(config, seed):
    draw, hidden, inputs = Draw(seed), config["hidden_size"], config["hidden_size_per_layer_input"]
    tensors = {"embed_tokens.weight": draw.normal(config["vocab_size"], hidden) * EMBED_STD}
    if inputs:
        all_inputs = config["num_hidden_layers"] * inputs
        # sqrt(inputs) times an entry is added to one of a normed projection.
        tensors["embed_tokens_per_layer.weight"] = draw.matrix(config["vocab_size_per_layer_input"], all_inputs)
        tensors["embed_tokens_per_layer.weight"] *= (all_inputs / inputs) ** 0.5
        tensors["per_layer_model_projection.weight"] = draw.matrix(all_inputs, hidden, hidden**0.5)
        tensors["per_layer_projection_norm.weight"] = draw.norm(inputs, 1.0)
    for layer in range(config["num_hidden_layers"]):
        tensors |= {f"layers.{layer}.{name}": tensor for name, tensor in layer_tensors(config, layer, draw).items()}
    tensors["norm.weight"] = draw.norm(hidden, 1.0) * LOGIT_STD / (EMBED_STD * hidden**0.5)
    return {f"model.{name}": tensor for name, tensor in tensors.items()}


def preset(config, seed):
    return Preset(config, dict(bos_token_id=2, eos_token_id=[1, 106], pad_token_id=0), tensors, seed)


PRESETS = {"gemma4-dense": preset(DENSE, 35), "gemma4-e": preset(E, 47)}
