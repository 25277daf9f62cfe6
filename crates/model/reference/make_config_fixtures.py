#!/usr/bin/env python3
"""What Hugging Face transformers makes of partial and odd config.json files.

    venv/bin/python crates/model/reference/make_config_fixtures.py crates/model/tests/fixtures/configs.json [--check]

Each case is written into a folder as config.json (and generation_config.json), read with `AutoConfig.from_pretrained`, and a
network is made of it, with the sizes cut down where they are large. What the case expects is what this network does: the
mask, scale and cap that attention is given, the frequencies of the rotary embedding, the cap on the logits, what is
tied; sizes are the configuration's. These are Gemma 1 to 3; the cases of the other families are in config_families.py and
config_published.py, and config_networks.py reads what they expect off the network, layer by layer.

`--check` writes nothing, and exits with 1 where the file is not what would be written.
"""
import argparse
import copy
import importlib
import json
import os
import sys
import tempfile

try:
    import torch
    import transformers
except ImportError as error:
    sys.exit(f"error: {error}; install crates/model/reference/requirements.txt")

import config_families
import config_networks
from config_facts import MOST_LAYERS, TOKENS, Refused, activation, attempt, ends_of, final_cap, without

# Small, and no two numbers alike, so that a mistaken key shows. All keys of the three classes that arithmetic depends on,
# as published files spell them.
COMMON = dict(
    vocab_size=40, hidden_size=24, intermediate_size=28, num_hidden_layers=8, num_attention_heads=4, num_key_value_heads=2,
    head_dim=10, max_position_embeddings=48, rms_norm_eps=1e-5, rope_theta=5000.0, tie_word_embeddings=True,
    attention_bias=False, bos_token_id=2, eos_token_id=1, pad_token_id=0,
)
CAPS = dict(query_pre_attn_scalar=14, attn_logit_softcapping=33.0, final_logit_softcapping=22.0, sliding_window=6)
BASES = {
    "gemma": dict(COMMON, model_type="gemma", hidden_act="gelu_pytorch_tanh"),
    "gemma2": dict(COMMON, model_type="gemma2", hidden_activation="gelu_pytorch_tanh", **CAPS),
    "gemma3_text": dict(
        COMMON, model_type="gemma3_text", hidden_activation="gelu_pytorch_tanh", **CAPS, rope_local_base_freq=700.0,
        sliding_window_pattern=4,
    ),
}
VISION = dict(
    model_type="siglip_vision_model", hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=1,
    image_size=14, patch_size=14,
)
TEXT = {key: value for key, value in BASES["gemma3_text"].items() if key != "model_type"}


def multimodal(text, **top):
    return dict(model_type="gemma3", text_config=text, vision_config=VISION, mm_tokens_per_image=1, image_token_index=39, **top)


def cases():
    """(name, config, generation_config or None)"""
    for family, base in BASES.items():
        yield f"{family}: complete", base, None
        yield f"{family}: nothing but model_type", {"model_type": family}, None
        for key in without(base, "model_type"):
            yield f"{family}: without {key}", without(base, key), None
            yield f"{family}: {key} null", base | {key: None}, None
        yield from spellings(family, base)
        yield from end_tokens(family, base)
    for name, config in of_gemma3():
        yield name, config, None
    yield from end_tokens_of_parts()
    for name, config in published():
        yield name, config, None


def spellings(family, base):
    """The same meaning in other keys, and keys that a class might or might not read."""
    linear = {"rope_type": "linear", "factor": 8.0}
    old, bare = {"type": "linear", "factor": 8.0}, without(base, "rope_theta", "rope_local_base_freq")
    both = {"full_attention": {"rope_type": "default", "rope_theta": 3000.0}, "sliding_attention": {"rope_type": "default", "rope_theta": 900.0}}
    variants = {
        "rope_scaling rope_type linear": base | {"rope_scaling": linear},
        "rope_scaling type linear": base | {"rope_scaling": old},
        "rope_scaling type and rope_type": base | {"rope_scaling": {"type": "linear", "rope_type": "default", "factor": 8.0}},
        "rope_scaling default": base | {"rope_scaling": {"rope_type": "default"}},
        "rope_scaling linear without factor": base | {"rope_scaling": {"rope_type": "linear"}},
        "rope_scaling linear, whole factor": base | {"rope_scaling": {"rope_type": "linear", "factor": 8}},
        "rope_scaling linear with rope_theta in it": base | {"rope_scaling": linear | {"rope_theta": 2000.0}},
        "rope_scaling null": base | {"rope_scaling": None},
        "rope_scaling empty": base | {"rope_scaling": {}},
        "rope_scaling dynamic": base | {"rope_scaling": {"rope_type": "dynamic", "factor": 2.0}},
        "rope_scaling yarn": base | {"rope_scaling": {"rope_type": "yarn", "factor": 2.0, "original_max_position_embeddings": 24}},
        "rope_scaling llama3": base | {"rope_scaling": {
            "rope_type": "llama3", "factor": 2.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0, "original_max_position_embeddings": 24}},
        "rope_scaling proportional": base | {"rope_scaling": {"rope_type": "proportional", "factor": 2.0, "partial_rotary_factor": 0.5}},
        "rope_scaling of an unknown type": base | {"rope_scaling": {"rope_type": "spiral", "factor": 2.0}},
        "rope_scaling linear with partial_rotary_factor": base | {"rope_scaling": linear | {"partial_rotary_factor": 0.6}},
        "rope_scaling linear, partial_rotary_factor beside it": base | {"rope_scaling": linear, "partial_rotary_factor": 0.6},
        "rope_parameters flat": bare | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
        "rope_parameters flat without rope_type": bare | {"rope_parameters": {"rope_theta": 3000.0}},
        "rope_parameters flat linear": bare | {"rope_parameters": linear | {"rope_theta": 3000.0}},
        "rope_parameters flat, rope_theta beside it": base | {"rope_parameters": {"rope_type": "default", "rope_theta": 3000.0}},
        "rope_parameters flat without rope_theta, rope_theta beside it": base | {"rope_parameters": {"rope_type": "default"}},
        "rope_parameters nested": bare | {"rope_parameters": both},
        "rope_parameters nested, full linear": bare | {"rope_parameters": both | {"full_attention": linear | {"rope_theta": 3000.0}}},
        "rope_parameters nested, both linear": bare | {"rope_parameters": {
            "full_attention": linear | {"rope_theta": 3000.0}, "sliding_attention": {"rope_type": "linear", "factor": 2.0, "rope_theta": 900.0}}},
        "rope_parameters nested with type": bare | {"rope_parameters": both | {"full_attention": old | {"rope_theta": 3000.0}}},
        "rope_parameters nested without thetas": bare | {"rope_parameters": {
            "full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}}},
        "rope_parameters nested without thetas, old keys beside it": base | {"rope_parameters": {
            "full_attention": {"rope_type": "default"}, "sliding_attention": {"rope_type": "default"}}},
        "rope_parameters nested, full alone": bare | {"rope_parameters": {"full_attention": both["full_attention"]}},
        "rope_parameters nested, sliding null": bare | {"rope_parameters": both | {"sliding_attention": None}},
        "rope_parameters and rope_scaling": base | {"rope_parameters": copy.deepcopy(both), "rope_scaling": linear},
        "rope_parameters null": base | {"rope_parameters": None},
        "rope_parameters empty": base | {"rope_parameters": {}},
        "partial_rotary_factor": base | {"partial_rotary_factor": 0.6},
        "hidden_act gelu": without(base, "hidden_activation") | {"hidden_act": "gelu"},
        "hidden_act gelu, hidden_activation null": base | {"hidden_act": "gelu", "hidden_activation": None},
        "hidden_act gelu, hidden_activation tanh": base | {"hidden_act": "gelu", "hidden_activation": "gelu_pytorch_tanh"},
        "hidden_act silu": without(base, "hidden_activation") | {"hidden_act": "silu"},
        "hidden_activation gelu": without(base, "hidden_act") | {"hidden_activation": "gelu"},
        "hidden_activation silu": base | {"hidden_activation": "silu"},
        "hidden_act and hidden_activation differ": base | {"hidden_act": "relu", "hidden_activation": "gelu_pytorch_tanh"},
        "hidden_activation unknown": base | {"hidden_activation": "wobble", "hidden_act": "wobble"},
        "tie_word_embeddings false": base | {"tie_word_embeddings": False},
        "attention_bias true": base | {"attention_bias": True},
        "use_bidirectional_attention true": base | {"use_bidirectional_attention": True},
        "use_bidirectional_attention false": base | {"use_bidirectional_attention": False},
        "use_bidirectional_attention null": base | {"use_bidirectional_attention": None},
        "is_causal false": base | {"is_causal": False},
        "attn_logit_softcapping": base | {"attn_logit_softcapping": 30.0},
        "final_logit_softcapping": base | {"final_logit_softcapping": 20.0},
        "final_logit_softcapping 0": base | {"final_logit_softcapping": 0.0},
        "query_pre_attn_scalar": base | {"query_pre_attn_scalar": 77},
        "query_pre_attn_scalar with a fraction": base | {"query_pre_attn_scalar": 77.5},
        "rope_theta without a point": base | {"rope_theta": 5000},
        "rms_norm_eps without a point": base | {"rms_norm_eps": 1},
        "softcaps without a point": base | {"attn_logit_softcapping": 33, "final_logit_softcapping": 22},
        "sizes as true": base | {"num_key_value_heads": True},
        "sizes as floats": base | {"head_dim": 10.0},
        "sizes as texts": base | {"head_dim": "10"},
        "sliding_window": base | {"sliding_window": 5},
        "layer_types all full": base | {"layer_types": ["full_attention"] * 8},
        "layer_types all sliding": base | {"layer_types": ["sliding_attention"] * 8},
        "layer_types too few": base | {"layer_types": ["full_attention"] * 3},
        "layer_types unknown": base | {"layer_types": ["lasting_attention"] * 8},
        "layer_types attention": base | {"layer_types": ["attention"] * 8},
        "layer_types chunked": base | {"layer_types": ["chunked_attention"] * 8},
        "layer_types, sliding_window null": base | {"layer_types": ["full_attention"] * 8, "sliding_window": None},
        "sliding_window_pattern 2": base | {"sliding_window_pattern": 2},
        "sliding_window_pattern 1": base | {"sliding_window_pattern": 1},
        "sliding_window_pattern 0": base | {"sliding_window_pattern": 0},
        "sliding_window_pattern and layer_types": base | {"sliding_window_pattern": 2, "layer_types": ["full_attention"] * 8},
        "_sliding_window_pattern": without(base, "sliding_window_pattern") | {"_sliding_window_pattern": 2},
        "_sliding_window_pattern and sliding_window_pattern": base | {"_sliding_window_pattern": 2},
        "cache_implementation hybrid": base | {"cache_implementation": "hybrid"},
        "per_layer_config": base | {"per_layer_config": {"1": {"rms_norm_eps": 0.5}}},
        "keys of training": base | {
            "attention_dropout": 0.0, "initializer_range": 0.5, "use_cache": False, "torch_dtype": "bfloat16", "architectures": ["Anything"],
            "transformers_version": "4.1.0", "unsloth_fixed": True, "_name_or_path": "x"},
        "pad_token_id beyond the vocabulary": base | {"pad_token_id": 99},
        "heads that don't divide the hidden size": base | {"num_attention_heads": 5, "num_key_value_heads": 1},
        "heads that the groups don't divide": base | {"num_key_value_heads": 3},
        "quantization_config": base | {"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": True}},
    }
    for name, config in variants.items():
        yield f"{family}: {name}", copy.deepcopy(config), None


def end_tokens(family, base):
    bare = without(base, "eos_token_id")
    yield f"{family}: eos list", base | {"eos_token_id": [1, 9]}, None
    yield f"{family}: eos empty list", base | {"eos_token_id": []}, None
    yield f"{family}: eos in generation_config", base, {"eos_token_id": 5}
    yield f"{family}: eos list in generation_config", base, {"eos_token_id": [5, 7]}
    yield f"{family}: generation_config without eos", base, {"temperature": 0.5, "do_sample": True}
    yield f"{family}: generation_config with eos null", base, {"eos_token_id": None}
    yield f"{family}: generation_config with eos empty list", base, {"eos_token_id": []}
    yield f"{family}: eos in generation_config alone", bare, {"eos_token_id": [5]}
    yield f"{family}: eos nowhere, generation_config there", bare, {"max_new_tokens": 5}
    yield f"{family}: eos beyond the vocabulary", base | {"eos_token_id": [1, 400]}, None
    yield f"{family}: stop strings and forced eos", base, {"eos_token_id": 5, "forced_eos_token_id": 3, "stop_strings": ["x"]}


def of_gemma3():
    yield "gemma3: complete", multimodal(TEXT)
    yield "gemma3: nothing but model_type", {"model_type": "gemma3"}
    yield "gemma3: text_config empty", multimodal({})
    yield "gemma3: text_config null", multimodal(None)
    yield "gemma3: text_config absent", without(multimodal(TEXT), "text_config")
    yield "gemma3: keys of the text beside text_config", multimodal(TEXT, rope_theta=123.0, sliding_window=3, head_dim=6)
    yield "gemma3: keys of the text without text_config", dict(TEXT, model_type="gemma3", vision_config=VISION)
    yield "gemma3: text_config of model_type gemma2", multimodal(TEXT | {"model_type": "gemma2"})
    yield "gemma3: vision_config absent", without(multimodal(TEXT), "vision_config")
    for key in TEXT:
        yield f"gemma3: text_config without {key}", multimodal(without(TEXT, key))
        yield f"gemma3: text_config with {key} null", multimodal(TEXT | {key: None})
    yield "gemma3: rope_scaling beside text_config", multimodal(TEXT, rope_scaling={"rope_type": "linear", "factor": 8.0})
    yield "gemma3: rope_scaling in text_config", multimodal(TEXT | {"rope_scaling": {"rope_type": "linear", "factor": 8.0}})
    yield "gemma3: rope_scaling with type in text_config", multimodal(TEXT | {"rope_scaling": {"type": "linear", "factor": 8.0}})
    yield "gemma3: tie_word_embeddings false above", multimodal(TEXT, tie_word_embeddings=False)
    yield "gemma3: tie_word_embeddings false in text_config", multimodal(TEXT | {"tie_word_embeddings": False})
    yield "gemma3: tie_word_embeddings null above", multimodal(TEXT, tie_word_embeddings=None)
    yield "gemma3: use_bidirectional_attention in text_config", multimodal(TEXT | {"use_bidirectional_attention": True})


def end_tokens_of_parts():
    bare = without(TEXT, "eos_token_id")
    yield "gemma3: eos in text_config alone", multimodal(TEXT | {"eos_token_id": [1, 9]}), None
    yield "gemma3: eos above alone", multimodal(bare, eos_token_id=[1, 8]), None
    yield "gemma3: eos above and in text_config", multimodal(TEXT | {"eos_token_id": 9}, eos_token_id=[1, 8]), None
    yield "gemma3: eos above 1 and in text_config", multimodal(TEXT | {"eos_token_id": 9}, eos_token_id=1), None
    yield "gemma3: eos nowhere", multimodal(bare), None
    yield "gemma3: eos in text_config and generation_config", multimodal(TEXT | {"eos_token_id": 9}), {"eos_token_id": [5, 7]}
    yield "gemma3: eos in text_config, generation_config without", multimodal(TEXT | {"eos_token_id": 9}), {"top_k": 3}
    yield "gemma3: eos above, generation_config without", multimodal(bare, eos_token_id=[1, 8]), {"top_k": 3}


def published():
    """The keys that matter of what is on the hub."""
    gemma2 = dict(
        model_type="gemma2", attention_bias=False, attn_logit_softcapping=50.0, bos_token_id=2, cache_implementation="hybrid",
        eos_token_id=[1, 107], final_logit_softcapping=30.0, head_dim=256, hidden_act="gelu_pytorch_tanh",
        hidden_activation="gelu_pytorch_tanh", hidden_size=2304, intermediate_size=9216, max_position_embeddings=8192,
        num_attention_heads=8, num_hidden_layers=26, num_key_value_heads=4, pad_token_id=0, query_pre_attn_scalar=256,
        rms_norm_eps=1e-6, rope_theta=10000.0, sliding_window=4096, torch_dtype="bfloat16", use_cache=True, vocab_size=256000,
    )
    yield "as google/gemma-2b-it", dict(
        model_type="gemma", attention_bias=False, bos_token_id=2, eos_token_id=1, head_dim=256, hidden_act="gelu",
        hidden_activation=None, hidden_size=2048, intermediate_size=16384, max_position_embeddings=8192, num_attention_heads=8,
        num_hidden_layers=18, num_key_value_heads=1, pad_token_id=0, rms_norm_eps=1e-6, rope_scaling=None, rope_theta=10000.0,
        torch_dtype="bfloat16", use_cache=True, vocab_size=256000,
    )
    yield "as google/gemma-2-2b-it", gemma2
    yield "as google/gemma-2-27b-it", gemma2 | dict(
        head_dim=128, hidden_size=4608, intermediate_size=36864, num_attention_heads=32, num_hidden_layers=46,
        num_key_value_heads=16, query_pre_attn_scalar=144, _attn_implementation="eager", sliding_window_size=4096,
    )
    yield "as google/gemma-3-1b-it", dict(
        model_type="gemma3_text", attention_bias=False, attn_logit_softcapping=None, bos_token_id=2, cache_implementation="hybrid",
        eos_token_id=[1, 106], final_logit_softcapping=None, head_dim=256, hidden_activation="gelu_pytorch_tanh", hidden_size=1152,
        intermediate_size=6912, max_position_embeddings=32768, num_attention_heads=4, num_hidden_layers=26, num_key_value_heads=1,
        pad_token_id=0, query_pre_attn_scalar=256, rms_norm_eps=1e-6, rope_local_base_freq=10000, rope_scaling=None,
        rope_theta=1000000, sliding_window=512, sliding_window_pattern=6, torch_dtype="bfloat16", use_cache=True, vocab_size=262144,
    )
    yield "as google/gemma-3-270m-it", dict(
        model_type="gemma3_text", _sliding_window_pattern=6, attention_bias=False, attn_logit_softcapping=None, bos_token_id=2,
        eos_token_id=1, final_logit_softcapping=None, head_dim=256, hidden_activation="gelu_pytorch_tanh", hidden_size=640,
        intermediate_size=2048, layer_types=(["sliding_attention"] * 5 + ["full_attention"]) * 3, max_position_embeddings=32768,
        num_attention_heads=4, num_hidden_layers=18, num_key_value_heads=1, pad_token_id=0, query_pre_attn_scalar=256,
        rms_norm_eps=1e-6, rope_local_base_freq=10000.0, rope_scaling=None, rope_theta=1000000.0, sliding_window=512,
        use_bidirectional_attention=False, vocab_size=262144,
    )
    large = dict(model_type="gemma3", boi_token_index=255999, eoi_token_index=256000, eos_token_id=[1, 106], image_token_index=262144,
                 mm_tokens_per_image=256, vision_config=dict(VISION))
    yield "as google/gemma-3-4b-it", large | dict(text_config=dict(
        model_type="gemma3_text", hidden_size=2560, intermediate_size=10240, num_hidden_layers=34, sliding_window=1024,
        rope_scaling={"factor": 8.0, "rope_type": "linear"},
    ))
    yield "as google/gemma-3-27b-it", large | dict(text_config=dict(
        model_type="gemma3_text", head_dim=128, hidden_size=5376, intermediate_size=21504, num_attention_heads=32,
        num_hidden_layers=62, num_key_value_heads=16, query_pre_attn_scalar=168, sliding_window=1024,
        rope_scaling={"factor": 8.0, "rope_type": "linear"},
    ))


def expected(config, generation_config):
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("config", config), ("generation_config", generation_config)):
            if value is not None:
                with open(os.path.join(folder, f"{name}.json"), "w") as file:
                    json.dump(value, file)
        read = attempt("configuration", lambda: transformers.AutoConfig.from_pretrained(folder))
        text = copy.deepcopy(read.get_text_config())
        model = attempt("network", lambda: small_network(copy.deepcopy(read)))
        facts = attempt("forward pass", lambda: measured(model))
        ends = attempt("generation", lambda: ends_of(model, folder))
    return sizes(text) | windows_and_layers(text, facts) | facts | {"end_tokens": ends}


def sizes(text):
    keys = (
        "vocab_size", "hidden_size", "intermediate_size", "num_hidden_layers", "num_attention_heads", "num_key_value_heads",
        "head_dim", "max_position_embeddings",
    )
    return {"model_type": text.model_type} | {key: getattr(text, key) for key in keys}


def kinds_of(text):
    """Gemma 1 has one kind, whatever its file says of others."""
    return ["full_attention"] * text.num_hidden_layers if text.model_type == "gemma" else text.layer_types


def windows_and_layers(text, facts):
    """`measured` saw the first layers and tokens; that the window reaches as far as the mask shows is checked here."""
    kinds = kinds_of(text)
    window = text.sliding_window if "sliding_attention" in kinds else None
    for kind, seen in zip(kinds, facts.pop("seen")):
        reach = min(window, TOKENS) if kind == "sliding_attention" else TOKENS
        if not facts["bidirectional"] and seen != reach:
            raise SystemExit(f"error: a layer of {kind} with the window {window} sees {seen} of {TOKENS} tokens")
    return {"layer_types": kinds, "sliding_window": window}


def small_network(config):
    """The network with other sizes: nothing that is measured depends on them."""
    text = config.get_text_config()
    layers = min(text.num_hidden_layers, MOST_LAYERS)
    if getattr(text, "layer_types", None) is not None:
        text.layer_types = text.layer_types[:layers]
    text.num_hidden_layers = layers
    if text.hidden_size > 64:
        text.hidden_size, text.intermediate_size, text.vocab_size = 2 * text.num_attention_heads, 8, 32
    if text.pad_token_id is not None and text.pad_token_id >= text.vocab_size:
        text.pad_token_id = 0
    if config is not text:
        for key, value in VISION.items():
            if key != "model_type":
                setattr(config.vision_config, key, value)
        config.mm_tokens_per_image, config.image_token_index = 1, text.vocab_size - 1
    torch.manual_seed(0)
    return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()


@torch.no_grad()
def measured(model):
    """What one pass of `TOKENS` tokens shows of the network."""
    decoder = getattr(model.model, "language_model", model.model)
    first = decoder.layers[0]
    calls, masks = watched_pass(model, first.self_attn)
    scales, caps = {call[0] for call in calls}, {call[1] for call in calls}
    if len(scales) != 1 or len(caps) != 1:
        raise SystemExit(f"error: layers differ in scale or cap: {calls}")
    scalar = scales.pop() ** -2
    return {
        "rms_norm_eps": one({module.eps for module in decoder.modules() if hasattr(module, "eps") and hasattr(module, "weight")}),
        "query_pre_attn_scalar": round(scalar, 6),
        "attn_logit_softcapping": caps.pop(), "final_logit_softcapping": final_cap(model),
        "seen": [int(mask[-1].sum()) for mask in masks],
        "bidirectional": any(bool(mask[0, 1:].any()) for mask in masks),
        "rope": ropes(decoder),
        "hidden_activation": activation(first.mlp.act_fn),
        "tie_word_embeddings": model.lm_head.weight is decoder.embed_tokens.weight,
        "attention_bias": first.self_attn.q_proj.bias is not None,
        "embedding_scale_squared": round(float(decoder.embed_tokens.scalar_embed_scale) ** 2 / decoder.config.hidden_size, 6),
    }


def one(values):
    return values.pop() if len(values) == 1 else sorted(values)


def watched_pass(model, attention):
    """Scale and cap of each call of attention, and which keys [tokens] each token [tokens] sees."""
    module = importlib.import_module(type(attention).__module__)
    plain, calls, masks = module.eager_attention_forward, [], []

    def watch(owner, query, key, value, attention_mask, **keywords):
        calls.append((keywords.get("scaling"), keywords.get("softcap")))
        everything = torch.ones(TOKENS, TOKENS, dtype=torch.bool)
        masks.append(everything if attention_mask is None else attention_mask[0, 0] > -1e30)
        return plain(owner, query, key, value, attention_mask, **keywords)

    module.eager_attention_forward = watch
    try:
        model(input_ids=torch.arange(3, 3 + TOKENS)[None], use_cache=False)
    finally:
        module.eager_attention_forward = plain
    return calls, masks


def ropes(decoder):
    """For each kind of layer: type, base, factor, how many of a head's dimensions are turned, and what cosines and sines
    are multiplied by; the frequencies too where they don't follow from base and factor alone."""
    rotary, table = decoder.rotary_emb, decoder.config.rope_parameters
    found = {}
    for kind in sorted(set(kinds_of(decoder.config))):
        own = hasattr(rotary, f"{kind}_inv_freq")
        frequencies = getattr(rotary, f"{kind}_inv_freq" if own else "inv_freq").double()
        parameters = table[kind] if own else table
        turned = 2 * len(frequencies)
        factor = float(1 / frequencies[0])
        entry = {"rope_type": parameters["rope_type"], "theta": parameters["rope_theta"], "factor": round(factor, 4), "rotary_dim": turned}
        entry["attention_factor"] = float(getattr(rotary, f"{kind}_attention_scaling" if own else "attention_scaling"))
        if entry["rope_type"] in ("default", "linear"):
            powers = torch.arange(0, turned, 2, dtype=torch.float64) / turned
            exact = float(parameters["rope_theta"]) ** -powers / factor
            if not torch.allclose(frequencies, exact, rtol=1e-5):
                raise SystemExit(f"error: the frequencies of {kind} are not those of {entry}")
        else:
            entry["frequencies"] = [float(f"{number:.8g}") for number in frequencies]
        found[kind] = entry
    return found


# Read from the modeling code of the three classes, the masks, the cache and the rope functions of transformers 5.24. Keys that
# are in neither list are read by no code that a text goes through.
ARITHMETIC = {
    "vocab_size, hidden_size, intermediate_size, num_hidden_layers, num_attention_heads, num_key_value_heads, head_dim": "shapes; hidden_size also scales the embeddings by its root",
    "rms_norm_eps": "all norms",
    "hidden_act": "gemma only; \"gelu\" is read as gelu_pytorch_tanh",
    "hidden_activation": "gemma2 and gemma3 only; \"gelu\" is the exact one",
    "query_pre_attn_scalar": "gemma2 and gemma3; gemma scales by head_dim, whatever this key says",
    "attn_logit_softcapping": "gemma2 only: gemma3 keeps it and does not pass it to attention",
    "final_logit_softcapping": "gemma2 and gemma3_text; neither gemma nor the multimodal gemma3",
    "sliding_window, layer_types": "gemma2 and gemma3; with a cache also gemma, whose DynamicCache drops keys beyond sliding_window",
    "sliding_window_pattern": "gemma3, where layer_types is absent",
    "rope_parameters, rope_theta, rope_scaling": "all; see the cases for which spelling wins",
    "rope_local_base_freq": "gemma3: the base of sliding layers",
    "partial_rotary_factor": "in rope_parameters, rope_scaling or beside them: nothing with the type default, a failure with linear, fewer turned dimensions with proportional",
    "max_position_embeddings": "only for the rope types dynamic, yarn, longrope and llama3",
    "original_max_position_embeddings": "only for the rope types yarn, longrope and llama3",
    "use_bidirectional_attention": "gemma3 sees ahead, and halves its window; gemma and gemma2 pass the flag on to other attention than eager",
    "is_causal": "any file may say false: create_causal_mask then makes masks that see ahead",
    "attention_bias": "biases of the four projections",
    "tie_word_embeddings": "which head is used; of gemma3 the key above counts, not the one in text_config",
    "per_layer_config": "other values for single layers",
    "quantization_config": "other weights",
    "eos_token_id": "where generation ends; generation_config.json is asked instead where it is there, even if it has none",
    "torch_dtype, dtype": "the precision of weights and activations, unless it is asked for otherwise",
}
# Each with a value that is not the default; `check_harmless` sees that no logit changes.
HARMLESS = {
    "_name_or_path": "x", "_sliding_window_pattern": 2, "architectures": ["Anything"], "attention_dropout": 0.5, "auto_map": {},
    "bad_words_ids": [[3]], "bos_token_id": 7, "cache_implementation": "hybrid", "chunk_size_feed_forward": 4, "finetuning_task": "x",
    "id2label": {"0": "a"}, "initializer_range": 0.5, "label2id": {"a": 0}, "name_or_path": "x", "num_labels": 5,
    "output_hidden_states": True, "pad_token_id": 9, "prefix": "x", "problem_type": "regression", "pruned_heads": {},
    "sliding_window_size": 3, "task_specific_params": {}, "tie_encoder_decoder": True, "tokenizer_class": "x", "torchscript": True,
    "transformers_version": "4.1.0", "unsloth_fixed": True, "use_bfloat16": True, "use_cache": False, "boi_token_index": 3,
    "eoi_token_index": 4, "image_token_index": 5, "mm_tokens_per_image": 9, "vision_config": {}, "anything": 1,
}


@torch.no_grad()
def check_harmless():
    """Each harmless key leaves all logits of each class as they are, to the last bit."""
    tokens = torch.arange(3, 3 + TOKENS)[None]
    for family, base in BASES.items():
        plain = small_network(transformers.AutoConfig.for_model(**base))
        expected = plain(input_ids=tokens).logits
        for key, value in HARMLESS.items():
            other = small_network(transformers.AutoConfig.for_model(**base | {key: copy.deepcopy(value)}))
            other.load_state_dict(plain.state_dict())
            if not torch.equal(other(input_ids=tokens).logits, expected):
                raise SystemExit(f"error: {family}: `{key}` is not harmless")


def row_of(name, config, generation_config, expected):
    row = {"name": name, "config": config}
    if generation_config is not None:
        row["generation_config"] = generation_config
    try:
        row["expected"] = expected(config, generation_config)
    except Refused as error:
        row["error"] = str(error)
    return row


def family_rows():
    """Those of the other families."""
    rows, complete = [], {}
    for case in config_families.cases():
        row = row_of(*case, config_networks.expected)
        if row["name"].endswith(": complete"):
            complete = row
        elif not row["name"].startswith("as "):
            row = shortened(row, complete)
        rows.append("  " + json.dumps(row, separators=(",", ":")))
    return rows


def shortened(row, complete):
    """Without what is as in the complete case."""
    config, whole = row["config"], complete["config"]
    short = {"name": row["name"], "change": changes(config, whole), "without": sorted(whole.keys() - config.keys())}
    if len(json.dumps(short)) > len(json.dumps(config)):
        short = {"name": row["name"], "config": config}
    rest = {key: row[key] for key in ("generation_config", "error") if key in row}
    if "expected" in row:
        rest["expected"] = changes(row["expected"], complete["expected"])
    return short | rest


def changes(table, whole):
    return {key: value for key, value in table.items() if key not in whole or json.dumps(value) != json.dumps(whole[key])}


def document():
    rows = ["  " + json.dumps(row_of(*case, expected)) for case in cases()]
    head = {"made_with": f"transformers {transformers.__version__}", "arithmetic": ARITHMETIC, "harmless": sorted(HARMLESS)}
    check_harmless()
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    return "{\n" + "\n".join(lines) + '\n "cases": [\n' + ",\n".join(rows) + '\n ],\n "families": [\n' + ",\n".join(family_rows()) + "\n ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out")
    parser.add_argument("--check", action="store_true", help="compare with the file that is there")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity(50)
    text = document()
    count, refused = text.count('\n  {"name"'), text.count('"error":')
    print(f"{options.out}: {count} cases, {refused} refused")
    if not options.check:
        with open(options.out, "w", encoding="ascii") as file:
            file.write(text)
    elif open(options.out, encoding="utf-8").read() != text:
        sys.exit(f"{options.out}: is not what would be written; make it again without --check")


if __name__ == "__main__":
    main()
