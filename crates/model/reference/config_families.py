"""The partial and odd config.json files of the families besides Gemma 1 to 3, for make_config_fixtures.py."""
import copy

from config_facts import without
from config_published import published

# Small, and no two numbers alike, so that a mistaken key shows.
COMMON = dict(
    vocab_size=40, hidden_size=24, intermediate_size=28, num_hidden_layers=8, num_attention_heads=4, num_key_value_heads=2,
    hidden_act="silu", max_position_embeddings=48, rms_norm_eps=1e-5, rope_theta=5000.0, tie_word_embeddings=True, bos_token_id=2,
    eos_token_id=1, pad_token_id=0,
)
WINDOWS = dict(use_sliding_window=True, sliding_window=6, max_window_layers=5)
GEMMA4 = without(COMMON, "hidden_act", "rope_theta") | dict(
    hidden_activation="gelu_pytorch_tanh", num_attention_heads=4, num_key_value_heads=2, head_dim=10, global_head_dim=16,
    num_global_key_value_heads=1, attention_k_eq_v=True, num_kv_shared_layers=3, use_double_wide_mlp=True, hidden_size_per_layer_input=6,
    vocab_size_per_layer_input=38, sliding_window=6, final_logit_softcapping=22.0, attention_bias=False,
    layer_types=["sliding_attention", "full_attention", "sliding_attention", "sliding_attention", "full_attention", "sliding_attention",
                 "sliding_attention", "full_attention"],
    rope_parameters={
        "full_attention": {"rope_type": "proportional", "partial_rotary_factor": 0.25, "rope_theta": 9000.0},
        "sliding_attention": {"rope_type": "default", "rope_theta": 700.0},
    },
)
VISION = dict(
    model_type="gemma4_vision", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1, num_key_value_heads=1, head_dim=8,
    patch_size=4, position_embedding_size=16,
)
BASES = {
    "llama": dict(COMMON, head_dim=10, attention_bias=False, mlp_bias=False),
    "mistral": dict(COMMON, head_dim=10, sliding_window=6),
    "qwen2": dict(COMMON, **WINDOWS),
    "qwen3": dict(COMMON, head_dim=10, attention_bias=False, **WINDOWS),
    "olmo2": dict(COMMON, attention_bias=False),
    "olmo3": dict(COMMON, attention_bias=False, sliding_window=6),
    "phi3": dict(COMMON, hidden_size=32, partial_rotary_factor=0.5, original_max_position_embeddings=24, sliding_window=6),
    "smollm3": dict(COMMON, attention_bias=False, mlp_bias=False, no_rope_layer_interval=3, use_sliding_window=True, sliding_window=6),
    "gemma4_text": GEMMA4,
}
LLAMA3 = {"rope_type": "llama3", "factor": 4.0, "low_freq_factor": 1.0, "high_freq_factor": 3.0, "original_max_position_embeddings": 24}
YARN = {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 24}


def cases():
    """(name, config, generation_config or None); the first of a family is complete."""
    for family, keys in BASES.items():
        base = {"model_type": family} | keys
        yield f"{family}: complete", base, None
        yield f"{family}: nothing but model_type", {"model_type": family}, None
        for key in keys:
            yield f"{family}: without {key}", without(base, key), None
            yield f"{family}: {key} null", base | {key: None}, None
        for name, config in variants(family, base).items():
            yield f"{family}: {name}", copy.deepcopy(config), None
        yield f"{family}: eos list", base | {"eos_token_id": [1, 9]}, None
        yield f"{family}: eos in generation_config", base, {"eos_token_id": [5, 7]}
        yield f"{family}: generation_config without eos", base, {"temperature": 0.5, "do_sample": True}
    for name, config in gemma4_in_parts().items():
        yield f"gemma4: {name}", copy.deepcopy(config), None
    for name, config in published():
        yield f"as {name}", config, None


def variants(family, base):
    if family == "gemma4_text":
        return gemma4(base) | gemma4_sizes(base)
    found = rope_spellings(base, pairs_of(family, base)) | shared(base)
    own = {"qwen2": windows, "qwen3": windows, "olmo3": olmo3, "phi3": phi3, "smollm3": smollm3, "mistral": mistral}
    return found | own[family](base) if family in own else found


def pairs_of(family, base):
    head = base.get("head_dim", base["hidden_size"] // base["num_attention_heads"])
    return head // 4 if family == "phi3" else head // 2


def longrope(pairs):
    return {"rope_type": "longrope", "short_factor": [1.0 + 0.25 * pair for pair in range(pairs)], "long_factor": [4.0] * pairs}


def rope_spellings(base, pairs):
    """The same meaning in other keys, and keys that a class might or might not read."""
    bare, old = without(base, "rope_theta"), {"type": "linear", "factor": 8.0}
    linear, stretched = {"rope_type": "linear", "factor": 8.0}, longrope(pairs)
    both = {"full_attention": {"rope_type": "default", "rope_theta": 3000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 900.0}}
    scalings = {
        "linear": linear, "type linear": old, "type and rope_type": old | {"rope_type": "default"}, "default": {"rope_type": "default"},
        "empty": {}, "linear without factor": {"rope_type": "linear"}, "linear with rope_theta in it": linear | {"rope_theta": 2000.0},
        "linear with factor 0.5": linear | {"factor": 0.5}, "dynamic": {"rope_type": "dynamic", "factor": 2.0},
        "type dynamic": {"type": "dynamic", "factor": 2.0}, "llama3": LLAMA3,
        "llama3 without original": without(LLAMA3, "original_max_position_embeddings"),
        "llama3 without low_freq_factor": without(LLAMA3, "low_freq_factor"), "llama3 with type": without(LLAMA3, "rope_type") | {"type": "llama3"},
        "yarn": YARN, "type yarn": without(YARN, "rope_type") | {"type": "yarn"},
        "yarn without original": without(YARN, "original_max_position_embeddings"),
        "yarn, factor null": YARN | {"factor": None}, "yarn without factor": without(YARN, "factor"),
        "yarn with attention_factor": YARN | {"attention_factor": 1.3}, "yarn with betas": YARN | {"beta_fast": 4.0, "beta_slow": 0.5},
        "yarn with mscale": YARN | {"mscale": 0.7, "mscale_all_dim": 0.4}, "yarn, truncate false": YARN | {"truncate": False},
        "yarn, factor 0.5": YARN | {"factor": 0.5}, "yarn with betas null": YARN | {"beta_fast": None, "beta_slow": None},
        "longrope": stretched, "longrope with original": stretched | {"original_max_position_embeddings": 30},
        "longrope with factor": stretched | {"factor": 3.0}, "longrope with attention_factor": stretched | {"attention_factor": 1.4},
        "type longrope": without(stretched, "rope_type") | {"type": "longrope"}, "type su": without(stretched, "rope_type") | {"type": "su"},
        "type yarn with short_factor": without(stretched, "rope_type") | {"type": "yarn"},
        "longrope of too few": stretched | {"short_factor": [1.0], "long_factor": [1.0]},
        "proportional": {"rope_type": "proportional", "factor": 2.0, "partial_rotary_factor": 0.5},
        "of an unknown type": {"rope_type": "spiral", "factor": 2.0}, "mrope": {"type": "mrope", "mrope_section": [1, 1, 1]},
        "linear with partial_rotary_factor": linear | {"partial_rotary_factor": 0.6},
    }
    found = {f"rope_scaling {name}": base | {"rope_scaling": value} for name, value in scalings.items()}
    return found | {
        "original_max_position_embeddings beside llama3": base | {"rope_scaling": LLAMA3, "original_max_position_embeddings": 30},
        "original_max_position_embeddings beside yarn": base | {"rope_scaling": YARN, "original_max_position_embeddings": 30},
        "original_max_position_embeddings beside longrope": base | {"rope_scaling": stretched, "original_max_position_embeddings": 30},
        "original_max_position_embeddings": base | {"original_max_position_embeddings": 30},
        "rope_scaling null": base | {"rope_scaling": None},
        "rope_scaling linear, partial_rotary_factor beside it": base | {"rope_scaling": linear, "partial_rotary_factor": 0.6},
        "rope_scaling linear without rope_theta": bare | {"rope_scaling": linear},
        "rope_parameters flat": bare | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
        "rope_parameters flat without rope_type": bare | {"rope_parameters": {"rope_theta": 3000.0}},
        "rope_parameters flat linear": bare | {"rope_parameters": linear | {"rope_theta": 3000.0}},
        "rope_parameters flat llama3": bare | {"rope_parameters": LLAMA3 | {"rope_theta": 3000.0}},
        "rope_parameters flat yarn": bare | {"rope_parameters": YARN | {"rope_theta": 3000.0}},
        "rope_parameters flat, rope_theta beside it": base | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
        "rope_parameters flat without rope_theta, rope_theta beside it": base | {"rope_parameters": {"rope_type": "default"}},
        "rope_parameters nested": bare | {"rope_parameters": both},
        "rope_parameters nested, full yarn": bare | {"rope_parameters": both | {"full_attention": YARN | {"rope_theta": 3000.0}}},
        "rope_parameters nested, sliding yarn, truncate false": bare | {"rope_parameters": both | {
            "sliding_attention": YARN | {"rope_theta": 3000.0, "truncate": False}}},
        "rope_parameters nested without thetas": base | {"rope_parameters": {
            "full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}}},
        "rope_parameters nested, full alone": bare | {"rope_parameters": {"full_attention": both["full_attention"]}},
        "rope_parameters nested, sliding null": bare | {"rope_parameters": both | {"sliding_attention": None}},
        "rope_parameters and rope_scaling": base | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}, "rope_scaling": linear},
        "rope_parameters null": base | {"rope_parameters": None}, "rope_parameters empty": base | {"rope_parameters": {}},
        "rope_parameters with partial_rotary_factor": bare | {"rope_parameters": {"rope_theta": 3000.0, "partial_rotary_factor": 0.5}},
        "partial_rotary_factor": base | {"partial_rotary_factor": 0.6}, "partial_rotary_factor 1": base | {"partial_rotary_factor": 1.0},
        "rope_interleaved false": base | {"rope_interleaved": False},
    }


def shared(base):
    return {
        **{f"hidden_act {name}": base | {"hidden_act": name} for name in (
            "swish", "gelu", "gelu_pytorch_tanh", "gelu_new", "gelu_fast", "relu", "wobble")},
        "hidden_activation beside it": base | {"hidden_activation": "gelu_pytorch_tanh"},
        "tie_word_embeddings false": base | {"tie_word_embeddings": False},
        "attention_bias true": base | {"attention_bias": True}, "mlp_bias true": base | {"mlp_bias": True},
        "qkv_bias true": base | {"qkv_bias": True}, "lm_head_bias true": base | {"lm_head_bias": True},
        "head_dim 8": base | {"head_dim": 8}, "head_dim 7": base | {"head_dim": 7}, "sizes as floats": base | {"hidden_size": 24.0},
        "rope_theta without a point": base | {"rope_theta": 5000}, "rms_norm_eps without a point": base | {"rms_norm_eps": 1},
        "heads that don't divide the hidden size": base | {"num_attention_heads": 5, "num_key_value_heads": 1},
        "heads that the groups don't divide": base | {"num_key_value_heads": 3},
        "sliding_window 5": base | {"sliding_window": 5}, "sliding_window 0": base | {"sliding_window": 0},
        "layer_types all full": base | {"layer_types": ["full_attention"] * 8},
        "layer_types all sliding": base | {"layer_types": ["sliding_attention"] * 8},
        "layer_types mixed": base | {"layer_types": ["sliding_attention", "full_attention"] * 4},
        "layer_types too few": base | {"layer_types": ["full_attention"] * 3},
        "use_sliding_window false": base | {"use_sliding_window": False},
        "use_sliding_window false, layer_types mixed": base | {
            "use_sliding_window": False, "layer_types": ["sliding_attention", "full_attention"] * 4},
        "max_window_layers 2": base | {"max_window_layers": 2}, "max_window_layers 0": base | {"max_window_layers": 0},
        "logit caps": base | {"final_logit_softcapping": 20.0, "attn_logit_softcapping": 30.0},
        "is_causal false": base | {"is_causal": False},
        "use_bidirectional_attention": base | {"use_bidirectional_attention": True},
        "keys of training": base | {
            "attention_dropout": 0.0, "initializer_range": 0.5, "use_cache": False, "torch_dtype": "bfloat16", "architectures": ["Anything"],
            "transformers_version": "4.1.0", "unsloth_fixed": True, "_name_or_path": "x", "pretraining_tp": 1, "use_mrope": False},
        "pad_token_id beyond the vocabulary": base | {"pad_token_id": 99},
        "quantization_config": base | {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    }


def mistral(base):
    return {"sliding_window null and layer_types": base | {"sliding_window": None, "layer_types": ["sliding_attention"] * 8}}


def windows(base):
    return {
        "use_sliding_window without sliding_window": without(base, "sliding_window"),
        "sliding_window without use_sliding_window": without(base, "use_sliding_window"),
        "max_window_layers absent": without(base, "max_window_layers") | {"num_hidden_layers": 30},
        "sliding_window null, layer_types mixed": base | {"sliding_window": None, "layer_types": ["sliding_attention", "full_attention"] * 4},
        "more layers": base | {"num_hidden_layers": 11},
    }


def olmo3(base):
    sliding = {"rope_type": "default", "rope_theta": 900.0}
    return {
        "rope_parameters nested, rope_scaling": base | {
            "rope_parameters": {"full_attention": {"rope_type": "default", "rope_theta": 3000.0}, "sliding_attention": sliding},
            "rope_scaling": YARN},
        "rope_parameters nested, sliding alone": base | {"rope_parameters": {"sliding_attention": sliding}},
        "rope_parameters nested, sliding linear": base | {"rope_parameters": {
            "sliding_attention": sliding | {"rope_type": "linear", "factor": 4.0}}},
        "rope_parameters nested, original beside it": base | {
            "rope_parameters": {"full_attention": YARN}, "original_max_position_embeddings": 30},
        "layer_types all sliding, rope_scaling": base | {"layer_types": ["sliding_attention"] * 8, "rope_scaling": YARN},
    }


def phi3(base):
    stretched = longrope(2)
    whole = without(base, "partial_rotary_factor")
    return {
        "longrope of whole heads": whole | {"rope_scaling": longrope(4)},
        "longrope, partial_rotary_factor in it": whole | {"rope_scaling": stretched | {"partial_rotary_factor": 0.5}},
        "longrope, original 4096 absent": without(base, "original_max_position_embeddings") | {"rope_scaling": stretched},
        "longrope, original null": base | {"original_max_position_embeddings": None, "rope_scaling": stretched},
        "longrope, positions as original": base | {"max_position_embeddings": 24, "rope_scaling": stretched},
        "longrope in rope_parameters": without(base, "rope_theta") | {
            "rope_parameters": stretched | {"rope_theta": 3000.0, "partial_rotary_factor": 0.5}},
        "partial_rotary_factor 0.75": base | {"partial_rotary_factor": 0.75},
        "keys of phi": base | {"embd_pdrop": 0.5, "resid_pdrop": 0.5, "full_attn_mod": 1, "interpolate_factor": 1, "lm_head_bias": False,
                               "mlp_bias": False, "attention_bias": False},
    }


def smollm3(base):
    mixed = ["sliding_attention", "full_attention"] * 4
    return {
        "no_rope_layers": base | {"no_rope_layers": [1, 0, 0, 1, 1, 1, 0, 1]},
        "no_rope_layers all 1": base | {"no_rope_layers": [1] * 8}, "no_rope_layers empty": base | {"no_rope_layers": []},
        "no_rope_layers longer": base | {"no_rope_layers": [1, 0] * 6}, "no_rope_layers too few": base | {"no_rope_layers": [1, 0]},
        "no_rope_layers booleans": base | {"no_rope_layers": [True, False] * 4},
        "no_rope_layer_interval 2": base | {"no_rope_layer_interval": 2}, "no_rope_layer_interval 1": base | {"no_rope_layer_interval": 1},
        "no_rope_layer_interval 0": base | {"no_rope_layer_interval": 0},
        "no_rope_layers, layer_types mixed": base | {"no_rope_layers": [1, 0, 0, 1, 1, 1, 0, 1], "layer_types": mixed},
        "sliding_window null, layer_types mixed": base | {"sliding_window": None, "layer_types": mixed},
        "use_sliding_window absent": without(base, "use_sliding_window"),
    }


def gemma4(base):
    ropes = base["rope_parameters"]
    full, sliding = ropes["full_attention"], ropes["sliding_attention"]

    def with_ropes(**changed):
        return base | {"rope_parameters": ropes | changed}
    return {
        "rope_parameters flat": base | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
        "rope_parameters empty": base | {"rope_parameters": {}},
        "rope_parameters, full alone": base | {"rope_parameters": {"full_attention": full}},
        "rope_parameters, sliding alone": base | {"rope_parameters": {"sliding_attention": sliding}},
        "rope_parameters, full null": with_ropes(full_attention=None), "rope_parameters, sliding null": with_ropes(sliding_attention=None),
        "rope_parameters, full default": with_ropes(full_attention={"rope_type": "default", "rope_theta": 3000.0}),
        "rope_parameters, full without rope_theta": with_ropes(full_attention=without(full, "rope_theta")),
        "rope_parameters, full without rope_type": with_ropes(full_attention=without(full, "rope_type")),
        "rope_parameters, full without partial_rotary_factor": with_ropes(full_attention=without(full, "partial_rotary_factor")),
        "rope_parameters, full linear": with_ropes(full_attention={"rope_type": "linear", "factor": 4.0, "rope_theta": 3000.0}),
        "rope_parameters, full linear in part": with_ropes(full_attention=full | {"rope_type": "linear", "factor": 4.0}),
        "rope_parameters, full proportional with factor": with_ropes(full_attention=full | {"factor": 4.0}),
        "rope_parameters, full half": with_ropes(full_attention=full | {"partial_rotary_factor": 0.5}),
        "rope_parameters, full 0.3": with_ropes(full_attention=full | {"partial_rotary_factor": 0.3}),
        "rope_parameters, full yarn": with_ropes(full_attention=YARN | {"rope_theta": 3000.0}),
        "rope_parameters, full llama3": with_ropes(full_attention=LLAMA3 | {"rope_theta": 3000.0}),
        "rope_parameters, sliding linear": with_ropes(sliding_attention=sliding | {"rope_type": "linear", "factor": 4.0}),
        "rope_parameters, sliding proportional": with_ropes(sliding_attention=sliding | {"rope_type": "proportional", "partial_rotary_factor": 0.4}),
        "rope_parameters, sliding without rope_theta": with_ropes(sliding_attention={"rope_type": "default"}),
        "rope_scaling": base | {"rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        "rope_scaling without rope_parameters": without(base, "rope_parameters") | {"rope_scaling": {"rope_type": "linear", "factor": 8.0}},
        "rope_theta": base | {"rope_theta": 5000.0}, "rope_theta without rope_parameters": without(base, "rope_parameters") | {"rope_theta": 5000.0},
        "rope_local_base_freq": base | {"rope_local_base_freq": 5000.0},
        "partial_rotary_factor": base | {"partial_rotary_factor": 0.6},
        "hidden_activation gelu": base | {"hidden_activation": "gelu"}, "hidden_activation silu": base | {"hidden_activation": "silu"},
        "hidden_act gelu": base | {"hidden_act": "gelu"}, "hidden_activation gelu_fast": base | {"hidden_activation": "gelu_fast"},
        "tie_word_embeddings false": base | {"tie_word_embeddings": False}, "attention_bias true": base | {"attention_bias": True},
        "use_bidirectional_attention vision": base | {"use_bidirectional_attention": "vision"},
        "use_bidirectional_attention all": base | {"use_bidirectional_attention": "all"},
        "use_bidirectional_attention false": base | {"use_bidirectional_attention": False},
        "is_causal false": base | {"is_causal": False}, "final_logit_softcapping 0": base | {"final_logit_softcapping": 0.0},
        "attn_logit_softcapping": base | {"attn_logit_softcapping": 30.0}, "query_pre_attn_scalar": base | {"query_pre_attn_scalar": 77},
        "enable_moe_block": base | {"enable_moe_block": True, "num_experts": 4, "top_k_experts": 2, "moe_intermediate_size": 8},
        "enable_moe_block false": base | {"enable_moe_block": False, "num_experts": None, "top_k_experts": None, "moe_intermediate_size": None},
        "quantization_config": base | {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    }


def gemma4_sizes(base):
    own = {"1": {"head_dim": 16, "num_key_value_heads": 1}, "4": {"head_dim": 16, "num_key_value_heads": 1}, "7": {"head_dim": 16, "num_key_value_heads": 1}}
    bare = without(base, "global_head_dim", "num_global_key_value_heads")
    return {
        "attention_k_eq_v false": base | {"attention_k_eq_v": False},
        "num_kv_shared_layers 0": base | {"num_kv_shared_layers": 0}, "num_kv_shared_layers 1": base | {"num_kv_shared_layers": 1},
        "num_kv_shared_layers 6": base | {"num_kv_shared_layers": 6}, "num_kv_shared_layers 7": base | {"num_kv_shared_layers": 7},
        "num_kv_shared_layers 8": base | {"num_kv_shared_layers": 8}, "num_kv_shared_layers 9": base | {"num_kv_shared_layers": 9},
        "use_double_wide_mlp false": base | {"use_double_wide_mlp": False},
        "use_double_wide_mlp, nothing shared": base | {"num_kv_shared_layers": 0, "use_double_wide_mlp": True},
        "hidden_size_per_layer_input 0": base | {"hidden_size_per_layer_input": 0},
        "global_head_dim as head_dim": base | {"global_head_dim": 10}, "head_dim 7": base | {"head_dim": 7},
        "layer_types all full": base | {"layer_types": ["full_attention"] * 8},
        "layer_types all sliding": base | {"layer_types": ["sliding_attention"] * 8},
        "layer_types, last one sliding": base | {"layer_types": ["full_attention"] + ["sliding_attention"] * 7},
        "layer_types too few": base | {"layer_types": ["full_attention"] * 3},
        "sliding_window 5": base | {"sliding_window": 5},
        "heads that the groups don't divide": base | {"num_key_value_heads": 3}, "sizes as floats": base | {"hidden_size": 24.0},
        "per_layer_config": bare | {"per_layer_config": own}, "per_layer_config beside the keys": base | {"per_layer_config": own},
        "per_layer_config empty": bare | {"per_layer_config": {}}, "per_layer_config null": base | {"per_layer_config": None},
        "per_layer_config of one": bare | {"per_layer_config": {"1": {"num_key_value_heads": 1}}},
        "per_layer_config with layers of one kind that differ": bare | {"per_layer_config": {"1": {"head_dim": 16}}},
        "per_layer_config of another key": bare | {"per_layer_config": {"1": {"num_attention_heads": 2}}},
        "per_layer_config with a list": bare | {"per_layer_config": [{}]},
    }


def gemma4_in_parts():
    text = {"model_type": "gemma4_text"} | GEMMA4

    def parts(text, **top):
        return {"model_type": "gemma4", "text_config": text, "vision_config": None, "audio_config": None} | top
    found = {
        "complete": parts(text), "nothing but model_type": {"model_type": "gemma4"}, "text_config empty": parts({}),
        "with a vision part": parts(text, vision_config=VISION),
        "text_config null": parts(None), "text_config without model_type": parts(GEMMA4),
        "text_config of model_type gemma3_text": parts(text | {"model_type": "gemma3_text"}),
        "keys of the text beside text_config": parts(text, hidden_size=36, sliding_window=3),
        "tie_word_embeddings false above": parts(text, tie_word_embeddings=False),
        "tie_word_embeddings false in text_config": parts(text | {"tie_word_embeddings": False}),
        "tie_word_embeddings null above": parts(text, tie_word_embeddings=None),
        "rope_scaling in text_config": parts(text | {"rope_scaling": {"rope_type": "linear", "factor": 8.0}}),
        "eos above": parts(without(text, "eos_token_id"), eos_token_id=[1, 8]), "eos above and in text_config": parts(text, eos_token_id=[1, 8]),
        "tokens of images and sounds": parts(text, boi_token_id=3, eoi_token_id=4, image_token_id=39, video_token_id=38, boa_token_id=5,
                                             eoa_token_index=6, eoa_token_id=6, audio_token_id=37, vision_soft_tokens_per_image=280),
        "quantization_config above": parts(text, quantization_config={"quant_method": "bitsandbytes", "load_in_4bit": True}),
    }
    for key in without(text, "model_type"):
        found[f"text_config without {key}"] = parts(without(text, key))
    return found
