#!/usr/bin/env python3
"""Writes a tiny checkpoint as the GGUF file that llama.cpp's converter would make of it, in BF16.

    venv/bin/python crates/model/reference/make_gguf.py FOLDER OUT.gguf
    venv/bin/python crates/model/reference/make_gguf.py FOLDER OUT.gguf --as-transformers     # how transformers reads it

FOLDER has config.json and model.safetensors (make_checkpoint.py). The keys, the names and types of tensors and what is
done to their numbers follow conversion/{base,llama,qwen,olmo,phi,gemma}.py of https://github.com/ggml-org/llama.cpp; names come
from the tensor map of the package `gguf`. The vocabulary is made up: as many tokens as the model has, none of which merge.

Two things differ from the converter on purpose. It takes Llama 3's `original_max_position_embeddings` from outside of
`rope_scaling`, or else 8192; here it is the one in the table. And it drops SmolLM3's `no_rope_layers`, for which the format has no
key (llama.cpp rotates all but every fourth layer), so such a file is another network than the folder: the reference of
smollm3-nano is made from `make_gguf.py --rotated-by-interval`, which writes the folder that the file stands for.
"""
import argparse
import json
import math
import os
import shutil

import gguf
import torch
import transformers
from safetensors.torch import load_file

ARCHITECTURES = {
    "llama": gguf.MODEL_ARCH.LLAMA, "qwen2": gguf.MODEL_ARCH.QWEN2, "qwen3": gguf.MODEL_ARCH.QWEN3,
    "olmo2": gguf.MODEL_ARCH.OLMO2, "phi3": gguf.MODEL_ARCH.PHI3, "smollm3": gguf.MODEL_ARCH.SMOLLM3,
    "gemma4_text": gguf.MODEL_ARCH.GEMMA4,
}
# How the models of a family split texts. Llama 2 and Phi-3 have SentencePiece.
PRE_TOKENIZERS = {"llama": "llama-bpe", "qwen2": "qwen2", "qwen3": "qwen2", "olmo2": "olmo", "smollm3": "smaug-bpe"}
NORMAL, UNKNOWN, CONTROL = 1, 2, 3
# Where the converter pads a number that never turns.
NEVER = 1e30


def converted(folder, out):
    config = configuration(folder)
    kind = config["model_type"]
    architecture = ARCHITECTURES[kind]
    writer = gguf.GGUFWriter(out, gguf.MODEL_ARCH_NAMES[architecture])
    writer.add_type(gguf.GGUFType.MODEL)
    writer.add_name(os.path.basename(os.path.normpath(folder)))
    writer.add_file_type(gguf.LlamaFileType.MOSTLY_BF16)
    if kind == "phi3":
        add_phi3(writer, config)
    else:
        add_common(writer, config)
    if kind in ("llama", "smollm3"):
        writer.add_vocab_size(config["vocab_size"])
        writer.add_rope_dimension_count(head_dim(config))
    if kind == "gemma4_text":
        add_gemma4(writer, config)
    add_vocabulary(writer, config)
    writer.add_quantization_version(gguf.GGML_QUANT_VERSION)
    names = gguf.get_tensor_name_map(architecture, config["num_hidden_layers"])
    for name, numbers in factors(config):
        writer.add_tensor(name, numbers.numpy())
    for name, tensor in load_file(os.path.join(folder, "model.safetensors")).items():
        add_tensor(writer, names, name, permuted(config, name, tensor.float()))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def configuration(folder):
    """As transformers completes it. It now moves the sizes of Gemma 4's global layers to `per_layer_config`, where the
    converter does not look for them: they are taken from config.json."""
    config = transformers.AutoConfig.from_pretrained(folder).to_dict()
    if config["model_type"] == "gemma4_text":
        with open(os.path.join(folder, "config.json")) as file:
            written = json.load(file)
        config |= {key: written[key] for key in ("head_dim", "global_head_dim", "num_key_value_heads", "num_global_key_value_heads")}
    return config


def add_common(writer, config):
    """What the converter writes for every family that has nothing of its own for it."""
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_embedding_length(config["hidden_size"])
    if not config.get("use_double_wide_mlp"):
        writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_head_count(config["num_attention_heads"])
    if config.get("num_global_key_value_heads") is None:
        writer.add_head_count_kv(config["num_key_value_heads"])
    rope = rope_table(config)
    if rope.get("rope_type") == "linear":
        writer.add_rope_scaling_type(gguf.RopeScalingType.LINEAR)
        writer.add_rope_scaling_factor(rope["factor"])
    if rope.get("rope_type") == "yarn":
        writer.add_rope_scaling_type(gguf.RopeScalingType.YARN)
        writer.add_rope_scaling_factor(rope["factor"])
        writer.add_rope_scaling_orig_ctx_len(rope["original_max_position_embeddings"])
        if (factor := rope.get("attention_factor")) is not None:
            writer.add_rope_scaling_yarn_attn_factor(factor)
        if (turns := rope.get("beta_fast")) is not None:
            writer.add_rope_scaling_yarn_beta_fast(turns)
        if (turns := rope.get("beta_slow")) is not None:
            writer.add_rope_scaling_yarn_beta_slow(turns)
    writer.add_rope_freq_base(rope["rope_theta"])
    if (sliding := config["rope_parameters"].get("sliding_attention")) is not None:
        writer.add_rope_freq_base_swa(sliding["rope_theta"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    if config["model_type"] != "gemma4_text" and config.get("head_dim") is not None:
        writer.add_key_length(config["head_dim"])
        writer.add_value_length(config["head_dim"])


def add_phi3(writer, config):
    rope = config["rope_parameters"]
    writer.add_context_length(config["max_position_embeddings"])
    writer.add_rope_scaling_orig_ctx_len(original_positions(config))
    writer.add_embedding_length(config["hidden_size"])
    writer.add_feed_forward_length(config["intermediate_size"])
    writer.add_block_count(config["num_hidden_layers"])
    writer.add_head_count(config["num_attention_heads"])
    writer.add_head_count_kv(config["num_key_value_heads"])
    writer.add_layer_norm_rms_eps(config["rms_norm_eps"])
    turned = int(rope.get("partial_rotary_factor", 1.0) * config["hidden_size"]) // config["num_attention_heads"]
    writer.add_rope_dimension_count(turned)
    writer.add_rope_freq_base(rope["rope_theta"])
    writer.add_sliding_window(config["sliding_window"] or 0)
    if rope.get("long_factor"):
        scale = config["max_position_embeddings"] / original_positions(config)
        writer.add_rope_scaling_attn_factors(math.sqrt(1 + math.log(scale) / math.log(original_positions(config))))


def add_gemma4(writer, config):
    if config["final_logit_softcapping"]:
        writer.add_final_logit_softcapping(config["final_logit_softcapping"])
    writer.add_sliding_window(config["sliding_window"])
    shared, layers = config["num_kv_shared_layers"], config["num_hidden_layers"]
    writer.add_shared_kv_layers(shared)
    writer.add_embedding_length_per_layer_input(config["hidden_size_per_layer_input"] or 0)
    slides = [kind == "sliding_attention" for kind in config["layer_types"]]
    writer.add_sliding_window_pattern(slides)
    whole, sliding = config["global_head_dim"], config["head_dim"]
    writer.add_key_length(whole)
    writer.add_value_length(whole)
    writer.add_key_length_swa(sliding)
    writer.add_value_length_swa(sliding)
    if config["use_double_wide_mlp"]:
        inner = config["intermediate_size"]
        writer.add_feed_forward_length([inner if layer < layers - shared else 2 * inner for layer in range(layers)])
    if (groups := config.get("num_global_key_value_heads")) is not None:
        writer.add_head_count_kv([config["num_key_value_heads"] if flag else groups for flag in slides])
    writer.add_rope_dimension_count(whole)
    writer.add_rope_dimension_count_swa(sliding)


def head_dim(config):
    return config.get("head_dim") or config["hidden_size"] // config["num_attention_heads"]


def rope_table(config):
    return config["rope_parameters"].get("full_attention", config["rope_parameters"])


def original_positions(config):
    return config["rope_parameters"].get("original_max_position_embeddings", config.get("original_max_position_embeddings"))


def factors(config):
    """What divides the frequencies of a rotary embedding, where the format has a tensor for it."""
    rope = rope_table(config)
    if rope.get("rope_type") == "llama3":
        yield "rope_freqs.weight", torch.tensor([llama3_factor(rope, pair, head_dim(config)) for pair in range(head_dim(config) // 2)])
    if rope.get("long_factor"):
        yield "rope_factors_long.weight", torch.tensor(rope["long_factor"], dtype=torch.float32)
        yield "rope_factors_short.weight", torch.tensor(rope["short_factor"], dtype=torch.float32)
    if rope.get("rope_type") == "proportional":
        size = config["global_head_dim"]
        turning = int(size * rope["partial_rotary_factor"] / 2)
        yield "rope_freqs.weight", torch.tensor([1.0] * turning + [NEVER] * (size // 2 - turning))


def llama3_factor(rope, pair, size):
    turns = rope["original_max_position_embeddings"] * rope["rope_theta"] ** (-2 * pair / size) / (2 * math.pi)
    low, high = rope["low_freq_factor"], rope["high_freq_factor"]
    if turns > high:
        return 1.0
    if turns < low:
        return float(rope["factor"])
    smooth = (turns - low) / (high - low)
    return 1 / ((1 - smooth) / rope["factor"] + smooth)


def permuted(config, name, tensor):
    """The halves of each head of queries and keys interleaved, for the architectures that turn neighbours."""
    product = name.split(".")[-2]
    if config["model_type"] not in ("llama", "smollm3") or product not in ("q_proj", "k_proj"):
        return tensor
    heads = config["num_attention_heads" if product == "q_proj" else "num_key_value_heads"]
    halves = tensor.reshape(heads, 2, -1, *tensor.shape[1:])
    return halves.transpose(1, 2).reshape(tensor.shape)


def add_tensor(writer, names, name, tensor):
    name = name + ".weight" if name.endswith("layer_scalar") else name
    new = names.get_name(name, try_suffixes=(".weight", ".bias"))
    if new is None:
        raise SystemExit(f"error: the tensor map has no name for {name}")
    if tensor.ndim <= 1 or new.endswith("_norm.weight"):
        writer.add_tensor(new, tensor.numpy())
        return
    kind = gguf.GGMLQuantizationType.BF16
    writer.add_tensor(new, gguf.quants.quantize(tensor.contiguous().numpy(), kind), raw_dtype=kind)


def add_vocabulary(writer, config):
    kind, size = config["model_type"], config["vocab_size"]
    pieces = kind == "phi3" or kind == "llama" and config["bos_token_id"] == 1
    special = special_tokens(config)
    types = [CONTROL if token in special.values() else NORMAL for token in range(size)]
    if kind == "gemma4_text":
        writer.add_tokenizer_model("gemma4")
    else:
        writer.add_tokenizer_model("llama" if pieces else "gpt2")
        writer.add_tokenizer_pre("default" if pieces else PRE_TOKENIZERS[kind])
    writer.add_token_list([f"<{token}>" if types[token] == CONTROL else f"t{token}" for token in range(size)])
    if pieces or kind == "gemma4_text":
        writer.add_token_scores([-float(token) for token in range(size)])
    writer.add_token_types(types)
    if not pieces:
        writer.add_token_merges(["t 1"])
    for name, token in special.items():
        getattr(writer, f"add_{name}_token_id")(token)
    if kind == "gemma4_text":
        writer.add_add_space_prefix(False)
        writer.add_add_bos_token(True)


def special_tokens(config):
    ends = config["eos_token_id"]
    named = {"bos": config.get("bos_token_id"), "eos": ends[0] if isinstance(ends, list) else ends, "pad": config.get("pad_token_id")}
    return {name: token for name, token in named.items() if token is not None}


def rotated_by_interval(folder, out):
    os.makedirs(out, exist_ok=True)
    with open(os.path.join(folder, "config.json")) as file:
        config = json.load(file)
    config["no_rope_layers"] = None
    with open(os.path.join(out, "config.json"), "w") as file:
        json.dump(config, file, indent=2, sort_keys=True)
    for name in ("model.safetensors", "generation_config.json"):
        shutil.copy(os.path.join(folder, name), out)


def as_transformers(folder, path):
    """The largest difference of the logits, in units of their root mean square, between the folder and the file as
    `from_pretrained(gguf_file=...)` reads it; or why it doesn't."""
    tokens = torch.tensor([list(range(3, 27))])

    def logits(place, **options):
        model = transformers.AutoModelForCausalLM.from_pretrained(
            place, dtype=torch.float32, attn_implementation="eager", **options
        )
        with torch.no_grad():
            return model.eval()(input_ids=tokens, attention_mask=torch.ones_like(tokens)).logits

    expected = logits(folder)
    place, name = os.path.split(os.path.abspath(path))
    try:
        actual = logits(place, gguf_file=name)
    except Exception as error:  # Whatever it is, it's the answer.
        return f"not read: {type(error).__name__}: {str(error).splitlines()[0][:160]}"
    if actual.shape != expected.shape:
        return f"logits of the shape {list(actual.shape)}"
    return f"differs by {float((actual - expected).abs().max() / expected.square().mean().sqrt()):.1e} of the RMS"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("out")
    parser.add_argument("--as-transformers", action="store_true", help="also compare with how transformers reads it")
    parser.add_argument("--rotated-by-interval", action="store_true", help="OUT is a folder: SmolLM3 without its list")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    if options.rotated_by_interval:
        rotated_by_interval(options.folder, options.out)
        return
    converted(options.folder, options.out)
    print(f"{options.out}: {os.path.getsize(options.out)} bytes")
    if options.as_transformers:
        print(f"{options.out}: transformers {as_transformers(options.folder, options.out)}")


if __name__ == "__main__":
    main()
