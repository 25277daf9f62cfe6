"""Opens a model with Hugging Face transformers: a folder, a hub id or a GGUF file.

Used by make_reference.py and scripts/hf_table.py. Attention is always `eager`, the plain formula.

GGUF files of Gemma are read here and not by `from_pretrained(gguf_file=...)`. For Gemma 3 270M the two agree to the bit,
but transformers 5.24 reads neither the linear rope scaling of the larger Gemma 3 models (`rope.scaling.*`), nor the softcaps
and layer pattern, takes 256 for the query scale of the two 27B models (144 in Gemma 2, 168 in Gemma 3), and refuses Gemma 1.
Files of other architectures are left to it (it needs the package `accelerate` for them); it reads no factors,
scaling or partial rotation and no window, so such a file is refused.
"""
import json
import logging
import os
from contextlib import contextmanager
from dataclasses import dataclass

try:
    import numpy as np
    import torch
    import transformers
    from safetensors import SafetensorError
except ImportError as error:
    raise SystemExit(f"error: {error}; install crates/model/reference/requirements.txt") from None

DTYPES = {"f32": torch.float32, "bf16": torch.bfloat16}
GGUF_CLASSES = {
    "gemma": transformers.GemmaForCausalLM,
    "gemma2": transformers.Gemma2ForCausalLM,
    "gemma3": transformers.Gemma3ForCausalLM,
}
# What llama.cpp calls the parts of a layer. `post_attention_norm` and `ffn_norm` are those of Gemma 2 and 3; Gemma 1 has
# two norms only, and its `ffn_norm` is what transformers calls post_attention_layernorm.
GGUF_LAYER_PARTS = {
    "attn_norm": "input_layernorm", "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm", "post_ffw_norm": "post_feedforward_layernorm",
    "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj", "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj", "attn_q_norm": "self_attn.q_norm", "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj", "ffn_down": "mlp.down_proj",
}
GGUF_PARTS = {"token_embd": "model.embed_tokens", "output_norm": "model.norm", "output": "lm_head"}
# The layer counts of Gemma 2 27B and Gemma 3 27B, whose query scale is hidden_size / heads and not head_dim. The file has
# no key for it; llama.cpp tells these models by the same counts.
GGUF_27B_LAYERS = {"gemma2": 46, "gemma3": 62}


class ModelError(Exception):
    """A message for the user: what can't be opened and why."""


@dataclass
class Captured:
    """One forward pass without its batch dimension, in f32."""
    residuals: list[torch.Tensor]  # a layer's output before the final norm: [tokens, hidden] each
    final_norm: torch.Tensor  # [tokens, hidden]
    logits: torch.Tensor  # [tokens, vocab]


class HfModel:
    def __init__(self, model, weight_files):
        self.model, self.weight_files = model.eval(), weight_files
        self.config = model.config.get_text_config()
        # A multimodal model holds the decoder one level further down.
        self.decoder = getattr(model.model, "language_model", model.model)
        self._outputs = {}
        for index, layer in enumerate(self.decoder.layers):
            layer.register_forward_hook(self._keeper(index))
        self.decoder.norm.register_forward_hook(self._keeper("norm"))

    def _keeper(self, key):
        def hook(_module, _inputs, output):
            output = output[0] if isinstance(output, tuple) else output
            self._outputs[key] = output[0].float().clone()
        return hook

    @contextmanager
    def changed_layer(self, layer, change):
        """Within it, a forward pass goes on from `change` of the layer's output, which is given [tokens, hidden] in f32."""
        def hook(_module, _inputs, output):
            residual, *rest = output if isinstance(output, tuple) else (output,)
            residual = change(residual[0].float()).to(residual.dtype)[None]
            return (residual, *rest) if isinstance(output, tuple) else residual
        handle = self.decoder.layers[layer].register_forward_hook(hook)
        try:
            yield
        finally:
            handle.remove()

    @property
    def layers(self):
        return len(self.decoder.layers)

    def new_cache(self):
        return transformers.DynamicCache(config=self.config)

    @torch.no_grad()
    def forward(self, tokens, cache=None):
        """`tokens`: a list of ids; those that `cache` has seen already must not be repeated."""
        self._outputs.clear()
        seen = cache.get_seq_length() if cache is not None else 0
        # The mask is given: transformers would guess one from the pad token, which a random sequence may hold.
        mask = torch.ones(1, seen + len(tokens), dtype=torch.long)
        extra = {} if cache is None else {"cache": cache}
        output = self.model(input_ids=torch.tensor([tokens]), attention_mask=mask, use_cache=cache is not None, **extra)
        residuals = [self._outputs[layer] for layer in range(self.layers)]
        return Captured(residuals, self._outputs["norm"], output.logits[0].float())

    def greedy(self, tokens, count):
        """The `count` ids of highest logit that follow `tokens`, with a cache; end tokens end nothing."""
        cache, new, pending = self.new_cache(), [], tokens
        for _ in range(count):
            new.append(int(self.forward(pending, cache).logits[-1].argmax()))
            pending = new[-1:]
        return new


def open_model(source, dtype="f32", adapter=None):
    """`source`: a folder in Hugging Face layout, a hub id, or a path that ends in .gguf; `adapter`: a folder that PEFT wrote,
    which is merged into it. Raises ModelError."""
    transformers.utils.logging.set_verbosity_error()
    transformers.utils.logging.disable_progress_bar()
    logging.getLogger("huggingface_hub").setLevel(logging.ERROR)
    try:
        if source.endswith(".gguf"):
            model, files = open_gguf(source, DTYPES[dtype])
        else:
            model, files = open_folder(find_folder(source), DTYPES[dtype])
        if adapter:
            model, files = merged(model, adapter), files + adapter_files(adapter)
        return HfModel(model, files)
    except (OSError, ValueError, KeyError, SafetensorError) as error:
        lines = str(error).strip().splitlines() or [type(error).__name__]
        raise ModelError(f"{source}: {lines[0]}") from error


def find_folder(source):
    if os.path.isdir(source):
        return source
    looks_like_hub_id = source.count("/") == 1 and not source.startswith((".", "/", "~"))
    if not looks_like_hub_id:
        raise ModelError(f"{source}: no such folder or file")
    from huggingface_hub import snapshot_download
    try:
        return snapshot_download(source, allow_patterns=["*.json", "*.jinja", "*.safetensors"])
    except Exception as error:  # The hub's client raises a dozen kinds, of three packages.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise ModelError(f"{source}: no such folder, and the hub does not give it ({reason})") from error


def open_folder(folder, dtype):
    refuse_misread_rope(os.path.join(folder, "config.json"))
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    # Without this, what the file lacks would be drawn at random.
    absent = sorted(info["missing_keys"]) + sorted(str(key) for key in info["mismatched_keys"])
    if absent:
        raise ModelError(f"{folder}: {len(absent)} tensors are missing or of another shape, first {absent[0]}")
    return model, weight_files(folder)


def adapter_files(folder):
    """Sorted by name. The configuration counts as weights: it says how much of the product of the matrices is added."""
    return [os.path.join(folder, name) for name in ("adapter_config.json", "adapter_model.safetensors")]


def merged(model, folder):
    """What PEFT makes of the model: for every pair of matrices, W + scale B A in W's own type."""
    try:
        import peft
    except ImportError as error:
        raise ModelError(f"{error}; install crates/model/reference/requirements.txt") from None
    wrapped = peft.PeftModel.from_pretrained(model, folder)
    # PEFT passes over what it finds no place for; a reference must not.
    left_over = peft.set_peft_model_state_dict(wrapped, peft.load_peft_weights(folder)).unexpected_keys
    if left_over:
        raise ModelError(f"{folder}: {len(left_over)} tensors have no place in the model, first {left_over[0]}")
    return wrapped.merge_and_unload()


def weight_files(folder):
    """Sorted by name."""
    index = os.path.join(folder, "model.safetensors.index.json")
    names = {"model.safetensors"}
    if os.path.exists(index):
        with open(index) as file:
            names = set(json.load(file)["weight_map"].values())
    paths = [os.path.join(folder, name) for name in sorted(names)]
    missing = [path for path in paths if not os.path.exists(path)]
    if missing:
        raise ModelError(f"{missing[0]}: no such file")
    return paths


def refuse_misread_rope(path):
    """transformers 5.24 drops two spellings of Gemma 3's rope without a word; a reference must not."""
    with open(path) as file:
        config = json.load(file)
    text = config.get("text_config") or config
    if text.get("model_type", config.get("model_type")) not in ("gemma3", "gemma3_text"):
        return
    scaling, parameters = text.get("rope_scaling") or {}, text.get("rope_parameters") or {}
    if "type" in scaling and "rope_type" not in scaling:
        raise ModelError(f'{path}: transformers ignores rope_scaling with the key "type"; write "rope_type"')
    if parameters and not {"full_attention", "sliding_attention"} & set(parameters):
        raise ModelError(f"{path}: transformers ignores rope_parameters that are not given per layer type")


def open_gguf(path, dtype):
    try:
        import gguf
    except ImportError as error:
        raise ModelError(f"{error}; install crates/model/reference/requirements.txt") from None
    if not os.path.exists(path):
        raise ModelError(f"{path}: no such file")
    reader = gguf.GGUFReader(path)
    if architecture(reader) not in GGUF_CLASSES:
        return open_foreign_gguf(reader, path, dtype)
    tensors = {}
    config = gguf_config(reader, path)
    for tensor in reader.tensors:
        name = gguf_tensor_name(tensor.name, config.model_type)
        values = torch.from_numpy(np.array(gguf.dequantize(tensor.data, tensor.tensor_type), dtype=np.float32))
        # llama.cpp's norms multiply by the weight itself, transformers' by 1 + weight.
        tensors[name] = (values - 1 if tensor.name.endswith("norm.weight") else values).to(dtype)
    model, info = GGUF_CLASSES[architecture(reader)].from_pretrained(
        None, config=config, state_dict=tensors, dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    wrong = sorted(info["missing_keys"]) + sorted(info["unexpected_keys"]) + sorted(map(str, info["mismatched_keys"]))
    if wrong:
        raise ModelError(f"{path}: {len(wrong)} tensors don't fit the model, first {wrong[0]}")
    return model, [path]


def open_foreign_gguf(reader, path, dtype):
    """As transformers itself reads the file."""
    factors = [tensor.name for tensor in reader.tensors if tensor.name.startswith("rope_")]
    if factors:
        raise ModelError(f'{path}: transformers does not read "{factors[0]}"')
    kind = architecture(reader)
    read = {name: field.contents() for name, field in reader.fields.items() if name.startswith(f"{kind}.")}
    head_dim = read.get(f"{kind}.attention.key_length", read[f"{kind}.embedding_length"] // read[f"{kind}.attention.head_count"])
    as_without = {"rope.scaling.type": "none", "attention.sliding_window": 0, "rope.dimension_count": head_dim}
    for name, value in as_without.items():
        if read.get(f"{kind}.{name}", value) != value:
            raise ModelError(f'{path}: transformers does not read "{kind}.{name}", which is {read[f"{kind}.{name}"]}')
    folder, name = os.path.split(os.path.abspath(path))
    model, info = transformers.AutoModelForCausalLM.from_pretrained(
        folder, gguf_file=name, dtype=dtype, attn_implementation="eager", output_loading_info=True
    )
    # A tied head is not in the file.
    absent = sorted(set(info["missing_keys"]) - {"lm_head.weight"})
    if absent:
        raise ModelError(f"{path}: {len(absent)} tensors are missing, first {absent[0]}")
    return model, [path]


def architecture(reader):
    return reader.fields["general.architecture"].contents()


def gguf_tensor_name(name, model_type):
    parts = name.removesuffix(".weight").split(".")
    if parts[0] == "blk" and parts[2] in GGUF_LAYER_PARTS:
        part = GGUF_LAYER_PARTS[parts[2]]
        if model_type == "gemma" and parts[2] == "ffn_norm":
            part = "post_attention_layernorm"
        return f"model.layers.{parts[1]}.{part}.weight"
    if parts[0] in GGUF_PARTS:
        return f"{GGUF_PARTS[parts[0]]}.weight"
    raise ModelError(f'tensor "{name}" is unknown')


def gguf_config(reader, path):
    """The config that the model's config.json would give, from the file's metadata."""
    kind = architecture(reader)
    if kind not in GGUF_CLASSES:
        raise ModelError(f'{path}: architecture "{kind}" is not one of {", ".join(GGUF_CLASSES)}')

    def value(key, *default):
        field = reader.fields.get(key if key.startswith("tokenizer.") else f"{kind}.{key}")
        if field is None and not default:
            raise ModelError(f'{path}: the metadata has no "{kind}.{key}"')
        return default[0] if field is None else field.contents()

    embeddings = next(tensor for tensor in reader.tensors if tensor.name == "token_embd.weight")
    hidden, heads, layers = value("embedding_length"), value("attention.head_count"), value("block_count")
    head_dim = value("attention.key_length")
    keys = dict(
        vocab_size=int(embeddings.shape[1]), hidden_size=hidden, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=value("attention.head_count_kv", heads), head_dim=head_dim,
        intermediate_size=value("feed_forward_length"), max_position_embeddings=value("context_length"),
        rms_norm_eps=value("attention.layer_norm_rms_epsilon"),
        tie_word_embeddings=all(tensor.name != "output.weight" for tensor in reader.tensors),
        bos_token_id=value("tokenizer.ggml.bos_token_id", 2), eos_token_id=value("tokenizer.ggml.eos_token_id", 1),
        pad_token_id=value("tokenizer.ggml.padding_token_id", 0),
    )
    if kind == "gemma":
        return transformers.GemmaConfig(**keys, rope_theta=value("rope.freq_base", 10000.0))
    keys |= dict(
        query_pre_attn_scalar=hidden // heads if layers == GGUF_27B_LAYERS[kind] else head_dim,
        sliding_window=value("attention.sliding_window"),
        layer_types=gguf_layer_types(value("attention.sliding_window_pattern", {"gemma2": 2, "gemma3": 6}[kind]), layers),
        final_logit_softcapping=value("final_logit_softcapping", {"gemma2": 30.0, "gemma3": None}[kind]),
    )
    if kind == "gemma2":
        cap = value("attn_logit_softcapping", 50.0)
        return transformers.Gemma2Config(**keys, attn_logit_softcapping=cap, rope_theta=value("rope.freq_base", 10000.0))
    # Gemma 3's files carry the base of the global layers always, that of the local ones where it isn't 10000. The scaling
    # is for the global layers alone.
    scaling = value("rope.scaling.type", "none")
    if scaling not in ("none", "linear"):
        raise ModelError(f'{path}: "{kind}.rope.scaling.type" {scaling} is not known of Gemma 3')
    rope_scaling = dict(rope_type="linear", factor=value("rope.scaling.factor")) if scaling == "linear" else None
    return transformers.Gemma3TextConfig(
        **keys, rope_theta=value("rope.freq_base"), rope_local_base_freq=value("rope.freq_base_swa", 10000.0),
        rope_scaling=rope_scaling,
    )


def gguf_layer_types(pattern, layers):
    """`pattern`: every how many layers one is global, or one flag a layer, true where it is local."""
    local = pattern if isinstance(pattern, list) else [bool((layer + 1) % pattern) for layer in range(layers)]
    return ["sliding_attention" if flag else "full_attention" for flag in local]
