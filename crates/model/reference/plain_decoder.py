"""A decoder in f64, written from the families' descriptions and not from transformers, for fixture_facts.py.

`Plan.of` says what a configuration means, and every part of a plan can be set to something else: a deliberate mistake.
"""
import math
from dataclasses import dataclass, field, replace

import torch

NORMS_AFTER = ("olmo2", "olmo3")
# Which norms a layer has: before attention, after it, before the feed-forward part, after it.
NORMS = {
    "before": ("input_layernorm", None, "post_attention_layernorm", None),
    "after": (None, "post_attention_layernorm", None, "post_feedforward_layernorm"),
    "around": ("input_layernorm", "post_attention_layernorm", "pre_feedforward_layernorm", "post_feedforward_layernorm"),
    # A mistake: those that OLMo has after, before.
    "moved": ("post_attention_layernorm", None, "post_feedforward_layernorm", None),
}


@dataclass
class Rope:
    theta: float
    head: int  # dimensions of a head
    turned: int  # of these, how many are turned: the first ones, in halves
    spread: int  # over how many dimensions the frequencies are spread
    scaling: dict = field(default_factory=dict)
    pairs: bool = False  # neighbours are turned together, as in GGUF files of Llama

    def frequencies(self):
        """Radians per position, and what sines and cosines are multiplied by."""
        plain = self.theta ** (-torch.arange(0, self.turned, 2, dtype=torch.float64) / self.spread)
        kind = self.scaling.get("rope_type", self.scaling.get("type"))
        if kind == "linear":
            return plain / self.scaling["factor"], 1.0
        if kind == "llama3":
            return self.by_wavelength(plain), 1.0
        if kind == "yarn":
            return self.yarn(plain)
        if kind == "longrope":
            original, longest = self.scaling["original"], self.scaling["longest"]
            factors = torch.tensor(self.scaling["short_factor"], dtype=torch.float64)
            return plain / factors, math.sqrt(1 + math.log(longest / original) / math.log(original))
        return plain, 1.0

    def by_wavelength(self, plain):
        turns = self.scaling["original_max_position_embeddings"] * plain / (2 * math.pi)
        low, high = self.scaling["low_freq_factor"], self.scaling["high_freq_factor"]
        kept = ((turns - low) / (high - low)).clamp(0, 1)
        return plain * (kept + (1 - kept) / self.scaling["factor"])

    def yarn(self, plain):
        original, factor = self.scaling["original_max_position_embeddings"], self.scaling["factor"]

        def dimension(turns):
            return self.spread * math.log(original / (turns * 2 * math.pi)) / (2 * math.log(self.theta))

        low = max(math.floor(dimension(self.scaling["beta_fast"])), 0)
        high = min(math.ceil(dimension(self.scaling["beta_slow"])), self.spread - 1)
        divided = ((torch.arange(len(plain), dtype=torch.float64) - low) / (high - low)).clamp(0, 1)
        size = self.scaling.get("attention_factor", 0.1 * math.log(factor) + 1)
        return plain * (1 - divided + divided / factor), size

    def turn(self, heads):
        """[tokens, heads, head]"""
        frequencies, size = self.frequencies()
        angles = torch.arange(len(heads), dtype=torch.float64)[:, None, None] * frequencies
        cosine, sine = angles.cos() * size, angles.sin() * size
        part, rest = heads[..., : self.turned], heads[..., self.turned :]
        if self.pairs:
            a, b = part[..., 0::2], part[..., 1::2]
            turned = torch.stack([a * cosine - b * sine, b * cosine + a * sine], -1).flatten(-2)
        else:
            a, b = part.chunk(2, -1)
            turned = torch.cat([a * cosine - b * sine, b * cosine + a * sine], -1)
        return torch.cat([turned, rest], -1)


@dataclass
class ProportionalRope(Rope):
    """Gemma 4's: the halves are those of the whole head, and of each half the first `turned / 2` dimensions are turned."""

    def turn(self, heads):
        frequencies, _ = self.frequencies()
        angles = torch.zeros(len(heads), 1, self.head // 2, dtype=torch.float64)
        angles[..., : len(frequencies)] = torch.arange(len(heads), dtype=torch.float64)[:, None, None] * frequencies
        a, b = heads.chunk(2, -1)
        return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


@dataclass
class LayerPlan:
    rope: Rope | None
    window: int | None
    head: int
    key_heads: int
    scale: float
    values_are_keys: bool = False
    keys_of: int | None = None  # the layer whose keys and values it takes


@dataclass
class Plan:
    layers: list[LayerPlan]
    hidden: int
    heads: int
    epsilon: float
    activation: str
    norm_offset: float = 0.0
    norms: str = "before"  # a key of NORMS
    qk_norm_over: str | None = None  # "head" or "all"
    value_norm: bool = False
    embedding_scale: float = 1.0
    layer_scalar: bool = True
    inputs: int = 0  # per layer
    final_cap: float | None = None
    # What only mistakes change.
    without_biases: tuple[str, ...] = ()  # of these parts
    interleaved: bool = False  # key heads are dealt out to query heads in turn
    up_first: bool = False  # in the fused matrix
    values_after_norm: bool = False  # where the values are the keys: these after norm and rope
    token_inputs: bool = True

    @staticmethod
    def of(config):
        family, hidden, heads = config["model_type"], config["hidden_size"], config["num_attention_heads"]
        plan = Plan(
            [layer_plan(config, index) for index in range(config["num_hidden_layers"])], hidden, heads,
            config["rms_norm_eps"], config.get("hidden_act", "gelu_pytorch_tanh"),
        )
        if family == "gemma4_text":
            return replace(
                plan, norms="around", qk_norm_over="head", value_norm=True, embedding_scale=hidden**0.5,
                inputs=config["hidden_size_per_layer_input"], final_cap=config["final_logit_softcapping"],
            )
        if family in NORMS_AFTER:
            return replace(plan, norms="after", qk_norm_over="all")
        return replace(plan, qk_norm_over="head" if family == "qwen3" else None)


def layer_plan(config, index):
    if config["model_type"] == "gemma4_text":
        return gemma4_layer_plan(config, index)
    heads = config["num_attention_heads"]
    head = config.get("head_dim", config["hidden_size"] // heads)
    turned = int(head * config.get("partial_rotary_factor", 1.0))
    scaling = dict(config.get("rope_scaling") or {})
    scaling["longest"] = config["max_position_embeddings"]
    scaling["original"] = config.get("original_max_position_embeddings")
    window = config.get("sliding_window")
    if config["model_type"] == "qwen2" and not (config["use_sliding_window"] and index >= config["max_window_layers"]):
        window = None
    if config["model_type"] == "olmo3":
        if config["layer_types"][index] == "full_attention":
            window = None
        else:
            scaling = {}
    rope = Rope(config.get("rope_theta", 10000.0), head, turned, turned, scaling)
    if not config.get("no_rope_layers", [1] * 100)[index]:
        rope = None
    return LayerPlan(rope, window, head, config["num_key_value_heads"], head**-0.5)


def gemma4_layer_plan(config, index):
    kinds, first_shared = config["layer_types"], config["num_hidden_layers"] - config["num_kv_shared_layers"]
    is_full = kinds[index] == "full_attention"
    head = config["global_head_dim" if is_full else "head_dim"]
    keys_of = None
    if index >= first_shared:
        keys_of = max(layer for layer in range(first_shared) if kinds[layer] == kinds[index])
    if is_full:
        turned = 2 * int(config["rope_parameters"]["full_attention"]["partial_rotary_factor"] * head // 2)
        rope = ProportionalRope(1e6, head, turned, head)
        key_heads = config["num_global_key_value_heads"] or config["num_key_value_heads"]
        return LayerPlan(rope, None, head, key_heads, 1.0, config["attention_k_eq_v"], keys_of)
    rope = Rope(1e4, head, head, head)
    return LayerPlan(rope, config["sliding_window"], head, config["num_key_value_heads"], 1.0, False, keys_of)


class Decoder:
    def __init__(self, plan, tensors):
        self.plan = plan
        self.tensors = {name.removeprefix("model."): tensor.double() for name, tensor in tensors.items()}
        self.largest_score = self.largest_logit = 0.0

    def linear(self, name, x):
        y = x @ self.tensors[f"{name}.weight"].T
        bias = self.tensors.get(f"{name}.bias")
        return y if bias is None or name.split(".")[-1] in self.plan.without_biases else y + bias

    def norm(self, x, name=None, heads=1):
        """Without a name: the norm without weights."""
        x = x / (x.square().mean(-1, keepdim=True) + self.plan.epsilon).sqrt()
        if name is None:
            return x
        weight = self.tensors[f"{name}.weight"] + self.plan.norm_offset
        return x * (weight if heads == 1 else weight.view(heads, -1))

    def project(self, name, x, layer):
        """Queries, keys and values: [tokens, heads, head]."""
        sizes = [self.plan.heads * layer.head, layer.key_heads * layer.head, layer.key_heads * layer.head]
        if f"{name}.qkv_proj.weight" in self.tensors:
            fused = self.linear(f"{name}.qkv_proj", x)
            q, k, v = fused.split(sizes, -1)
        else:
            q, k = self.linear(f"{name}.q_proj", x), self.linear(f"{name}.k_proj", x)
            v = k if layer.values_are_keys else self.linear(f"{name}.v_proj", x)
        q, k, v = (part.view(len(x), -1, layer.head) for part in (q, k, v))
        if f"{name}.q_norm.weight" in self.tensors:
            q, k = (self.qk_norm(part, f"{name}.{which}_norm") for part, which in ((q, "q"), (k, "k")))
        if self.plan.value_norm:
            v = self.norm(v)
        if layer.rope is not None:
            q, k = layer.rope.turn(q), layer.rope.turn(k)
        return q, k, k if layer.values_are_keys and self.plan.values_after_norm else v

    def qk_norm(self, part, name):
        if self.plan.qk_norm_over is None:
            return part
        if self.plan.qk_norm_over == "all":
            return self.norm(part.flatten(1), name).view(part.shape)
        is_wide = len(self.tensors[f"{name}.weight"]) != part.shape[-1]
        return self.norm(part, name, part.shape[1] if is_wide else 1)

    def attention(self, name, x, layer, shared):
        q, k, v = self.project(name, x, layer)
        if layer.keys_of is not None:
            k, v = shared[layer.keys_of]
        shared.append((k, v))
        repeats = self.plan.heads // layer.key_heads
        if self.plan.interleaved:
            k, v = (part.repeat(1, repeats, 1) for part in (k, v))
        else:
            k, v = (part.repeat_interleave(repeats, 1) for part in (k, v))
        scores = torch.einsum("qhd,khd->hqk", q, k) * layer.scale
        distance = torch.arange(len(x))[:, None] - torch.arange(len(x))
        unseen = (distance < 0) | (distance >= (layer.window or len(x)))
        self.largest_score = max(self.largest_score, float(scores.masked_fill(unseen, 0).abs().max()))
        weights = scores.masked_fill(unseen, -torch.inf).softmax(-1)
        return self.linear(f"{name}.o_proj", torch.einsum("hqk,khd->qhd", weights, v).flatten(1))

    def activate(self, x):
        if self.plan.activation == "silu":
            return torch.nn.functional.silu(x)
        return torch.nn.functional.gelu(x, approximate="tanh" if self.plan.activation == "gelu_pytorch_tanh" else "none")

    def feed_forward(self, name, x):
        if f"{name}.gate_up_proj.weight" in self.tensors:
            gate, up = self.linear(f"{name}.gate_up_proj", x).chunk(2, -1)
            gate, up = (up, gate) if self.plan.up_first else (gate, up)
        else:
            gate, up = self.linear(f"{name}.gate_proj", x), self.linear(f"{name}.up_proj", x)
        return self.linear(f"{name}.down_proj", self.activate(gate) * up)

    def layer(self, index, h, layer, inputs, shared):
        name = f"layers.{index}"
        before, after, inner_before, inner_after = NORMS[self.plan.norms]

        def normed(x, norm):
            return x if norm is None else self.norm(x, f"{name}.{norm}")

        h = h + normed(self.attention(f"{name}.self_attn", normed(h, before), layer, shared), after)
        h = h + normed(self.feed_forward(f"{name}.mlp", normed(h, inner_before)), inner_after)
        if inputs is not None:
            gated = self.activate(self.linear(f"{name}.per_layer_input_gate", h)) * inputs[:, index]
            h = h + self.norm(self.linear(f"{name}.per_layer_projection", gated), f"{name}.post_per_layer_input_norm")
        if self.plan.layer_scalar:
            h = h * self.tensors.get(f"{name}.layer_scalar", 1.0)
        return h

    def layer_inputs(self, tokens, embedded):
        size, layers = self.plan.inputs, len(self.plan.layers)
        if not size:
            return None
        of_tokens = self.tensors["embed_tokens_per_layer.weight"][tokens] * size**0.5 * self.plan.token_inputs
        projected = self.linear("per_layer_model_projection", embedded) / embedded.shape[1] ** 0.5
        projected = self.norm(projected.view(len(tokens), layers, size), "per_layer_projection_norm")
        return (projected + of_tokens.view(len(tokens), layers, size)) / 2**0.5

    def forward(self, tokens):
        """Residuals after every layer, the final norm, and logits."""
        h = self.tensors["embed_tokens.weight"][tokens] * self.plan.embedding_scale
        inputs, residuals, shared = self.layer_inputs(tokens, h), [], []
        for index, layer in enumerate(self.plan.layers):
            h = self.layer(index, h, layer, inputs, shared)
            residuals.append(h)
        normed = self.norm(h, "norm")
        logits = normed @ self.tensors.get("lm_head.weight", self.tensors["embed_tokens.weight"]).T
        self.largest_logit = float(logits.abs().max())
        if self.plan.final_cap is not None:
            logits = (logits / self.plan.final_cap).tanh() * self.plan.final_cap
        return residuals, normed, logits
