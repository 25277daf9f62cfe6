"""What a network of any family does, layer by layer, for make_config_fixtures.py: read off the network, in a forward pass."""
import copy
import importlib
import json
import os
import tempfile

import torch
import transformers

from config_facts import TOKENS, activation, attempt, ends_of, final_cap

# Smaller than any window that is cut, and than the text.
CUT_WINDOW = 5
PRODUCTS = ("q_proj", "k_proj", "v_proj", "qkv_proj", "o_proj", "gate_proj", "up_proj", "gate_up_proj", "down_proj")


def expected(config, generation_config):
    with tempfile.TemporaryDirectory() as folder:
        for name, value in (("config", config), ("generation_config", generation_config)):
            if value is not None:
                with open(os.path.join(folder, f"{name}.json"), "w") as file:
                    json.dump(value, file)
        read = attempt("configuration", lambda: transformers.AutoConfig.from_pretrained(folder))
        whole = attempt("network", lambda: network(copy.deepcopy(read), "meta"))
        small = attempt("network", lambda: network(cut(copy.deepcopy(read)), "cpu"))
        facts = attempt("forward pass", lambda: facts_of(small, whole, read.get_text_config()))
        facts["end_tokens"] = attempt("generation", lambda: ends_of(small, folder))
    return facts


def network(config, device):
    torch.manual_seed(0)
    with torch.device(device):
        return transformers.AutoModelForCausalLM.from_config(config, attn_implementation="eager", dtype=torch.float32).eval()


def cut(config):
    """With smaller sizes where they are large, but for what is read off this network: heads, their sizes, all layers."""
    text = config.get_text_config()
    if text.hidden_size > 64:
        # Classes without the key divide the width by the number of heads.
        if not text.is_heterogeneous and getattr(text, "head_dim", None) is None:
            text.head_dim = text.hidden_size // text.num_attention_heads
        text.hidden_size, text.intermediate_size, text.vocab_size = 16, 8, 32
        if getattr(text, "hidden_size_per_layer_input", 0):
            text.hidden_size_per_layer_input = 4
        if hasattr(text, "vocab_size_per_layer_input"):
            text.vocab_size_per_layer_input = 32
    if (getattr(text, "sliding_window", None) or 0) > CUT_WINDOW:
        text.sliding_window = CUT_WINDOW
    if text.pad_token_id is not None and text.pad_token_id >= text.vocab_size:
        text.pad_token_id = 0
    return config


def decoder_of(model):
    return getattr(model.model, "language_model", model.model)


@torch.no_grad()
def facts_of(small, whole, text):
    """What one pass of `TOKENS` tokens shows of the network, and the shapes of the one with whole sizes."""
    decoder, shapes = decoder_of(small), decoder_of(whole)
    watched = Pass(small, decoder)
    ropes, kinds, layers = [], [], []
    for index in range(len(decoder.layers)):
        kind = watched.layer(index, text, ropes)
        kind["intermediate_size"] = shapes.layers[index].mlp.down_proj.weight.shape[1]
        if kind not in kinds:
            kinds.append(kind)
        layers.append(kinds.index(kind))
    rows, width = shapes.embed_tokens.weight.shape
    return {
        "model_type": text.model_type, "vocab_size": rows, "hidden_size": width,
        "max_position_embeddings": text.max_position_embeddings, "rms_norm_eps": epsilon(decoder), "norm_scale": norm_scale(decoder),
        "activation": one({activation(function) for function in functions(decoder)}), "embedding_scale": embedding_scale(decoder),
        "final_logit_softcapping": final_cap(small), "tie_word_embeddings": small.lm_head.weight is decoder.embed_tokens.weight,
        "per_layer_inputs": per_layer_inputs(shapes), "layers": layers, "kinds": kinds, "ropes": ropes,
    }


class Pass:
    """One pass, with everything that attention, the rotary embedding and the norms were given, by layer."""

    def __init__(self, model, decoder):
        self.decoder, self.current, self.last = decoder, 0, {}
        count = len(decoder.layers)
        self.calls, self.turns, self.norms = [None] * count, [None] * count, [[None] * 4 for _ in range(count)]
        module = importlib.import_module(type(decoder.layers[0].self_attn).__module__)
        plain = {name: getattr(module, name) for name in ("eager_attention_forward", "apply_rotary_pos_emb")}
        module.eager_attention_forward = self.attention(plain["eager_attention_forward"])
        module.apply_rotary_pos_emb = self.rotation(plain["apply_rotary_pos_emb"])
        hooks = [hook for index, layer in enumerate(decoder.layers) for hook in self.hooks(index, layer)]
        try:
            model(input_ids=torch.arange(3, 3 + TOKENS)[None], use_cache=False)
        finally:
            for hook in hooks:
                hook.remove()
            for name, function in plain.items():
                setattr(module, name, function)

    def attention(self, plain):
        def watch(owner, query, key, value, mask, **keywords):
            self.calls[self.current] = (query, key, mask, keywords)
            return plain(owner, query, key, value, mask, **keywords)
        return watch

    def rotation(self, plain):
        def watch(*arguments, **keywords):
            cosine = next(at for at, argument in enumerate(arguments) if argument.dim() == 3)
            self.turns[self.current] = arguments[cosine]
            return plain(*arguments, **keywords)
        return watch

    def hooks(self, index, layer):
        """Where the norms stand: before attention, after it, before the feed-forward, after it."""
        def enter(_module, _inputs):
            self.current, self.last = index, {}
        yield layer.register_forward_pre_hook(enter)
        for place, part in ((0, layer.self_attn), (2, layer.mlp)):
            yield part.register_forward_pre_hook(self.before(place), with_kwargs=True)
            yield part.register_forward_hook(self.after(place))
        for name, module in layer.named_children():
            if name.endswith("norm"):
                yield module.register_forward_hook(self.norm(name))

    def before(self, place):
        def hook(_module, inputs, keywords):
            given = inputs[0] if inputs else keywords["hidden_states"]
            if given is self.last.get("norm"):
                self.norms[self.current][place] = self.last["name"]
        return hook

    def after(self, place):
        def hook(_module, _inputs, output):
            self.last["part"], self.last["place"] = output[0] if isinstance(output, tuple) else output, place
        return hook

    def norm(self, name):
        def hook(_module, inputs, output):
            if inputs[0] is self.last.get("part"):
                self.norms[self.current][self.last["place"] + 1] = name
            self.last["norm"], self.last["name"] = output, name
        return hook

    def layer(self, index, text, ropes):
        layer = self.decoder.layers[index]
        attention, (query, key, mask, keywords) = layer.self_attn, self.calls[index]
        sizes = {f"{name}_norm": getattr(attention, f"{name}_norm", None) for name in "qkv"}
        own = [index for index in range(index) if self.calls[index][1] is key]
        cap = keywords.get("softcap")
        return {
            "heads": query.shape[1], "key_value_heads": key.shape[1], "head_dim": query.shape[3],
            "query_pre_attn_scalar": round(keywords["scaling"] ** -2, 6), "attn_logit_softcapping": cap,
            "window": self.window(mask, text), "rope": self.rope(index, ropes),
            "query_norm": width(sizes["q_norm"]), "key_norm": width(sizes["k_norm"]), "value_norm": sizes["v_norm"] is not None,
            "keys_of": own[0] if own else None,
            "one_product": hasattr(attention, "k_proj") and attention.v_proj is None,
            "biases": [
                name for name in PRODUCTS for part in (attention, layer.mlp)
                if getattr(getattr(part, name, None), "bias", None) is not None
            ],
            "norms": self.norms[index], "scalar": hasattr(layer, "layer_scalar"),
        }

    def window(self, mask, text):
        """The last token sees everything, or as much as the window that was cut."""
        seen = TOKENS if mask is None else int((mask[0, 0, -1] > -1e30).sum())
        if mask is not None and bool((mask[0, 0, 0, 1:] > -1e30).any()):
            return "sees ahead"
        if seen == TOKENS:
            return None
        if seen != min(text.sliding_window, CUT_WINDOW):
            raise SystemExit(f"error: a layer with the window {text.sliding_window} sees {seen} tokens")
        return text.sliding_window

    def rope(self, index, ropes):
        """The place of the layer's rotary embedding among `ropes`; None where the layer turns nothing."""
        cosine = self.turns[index]
        if cosine is None:
            return None
        rotary, table = self.decoder.rotary_emb, self.decoder.config.rope_parameters
        kinds = [kind for kind in getattr(self.decoder.config, "layer_types", None) or [] if hasattr(rotary, f"{kind}_inv_freq")]
        for kind in sorted(set(kinds)) or [None]:
            prefix = "" if kind is None else f"{kind}_"
            frequencies, factor = getattr(rotary, f"{prefix}inv_freq"), float(getattr(rotary, f"{prefix}attention_scaling"))
            angles = torch.arange(TOKENS)[:, None].float() * frequencies
            made = torch.cat([angles, angles], -1).cos() * factor
            if made.shape == cosine[0].shape and torch.equal(made, cosine[0]):
                rope = described(frequencies.double(), factor, table if kind is None else table[kind])
                if rope not in ropes:
                    ropes.append(rope)
                return ropes.index(rope)
        raise SystemExit("error: a layer turns by what no rotary embedding gives")


def described(frequencies, factor, table):
    """Base, factor and number of dimensions, or the frequencies where they don't follow from these."""
    turned = 2 * len(frequencies)
    entry = {"attention_factor": factor}
    if table["rope_type"] == "longrope":
        entry["longest"] = table["original_max_position_embeddings"]
    divisor = round(float(1 / frequencies[0]), 4)
    exact = float(table["rope_theta"]) ** -(torch.arange(0, turned, 2, dtype=torch.float64) / turned) / divisor
    if torch.allclose(frequencies, exact, rtol=3e-7, atol=0):
        return entry | {"theta": table["rope_theta"], "factor": divisor, "rotary_dim": turned}
    return entry | {"frequencies": [float(f"{number:.8g}") for number in frequencies]}


def width(norm):
    return None if norm is None else norm.weight.numel()


def norms(decoder):
    """All norms with a weight."""
    return [module for name, module in decoder.named_modules() if name.endswith("norm") and hasattr(module, "weight")]


def epsilon(decoder):
    return one({getattr(norm, "eps", getattr(norm, "variance_epsilon", None)) for norm in norms(decoder)})


def norm_scale(decoder):
    """A weight of 0 lets nothing through, unless 1 is added to it."""
    found = set()
    for norm in norms(decoder):
        kept = norm.weight.clone()
        norm.weight.zero_()
        found.add("one_plus_weight" if bool(norm(torch.ones(1, 1, norm.weight.numel())).any()) else "weight")
        norm.weight.copy_(kept)
    return one(found)


def functions(decoder):
    for module in decoder.modules():
        for name in ("act_fn", "activation_fn"):
            if hasattr(module, name):
                yield getattr(module, name)


def embedding_scale(decoder):
    """1, or the root of the width."""
    weight = decoder.embed_tokens.weight
    scale = float(decoder.embed_tokens(torch.tensor([5]))[0, 0] / weight[5, 0])
    known = {"1": 1.0, "root of hidden_size": weight.shape[1] ** 0.5}
    return one({name for name, value in known.items() if abs(scale / value - 1) < 1e-5})


def per_layer_inputs(shapes):
    if not hasattr(shapes, "embed_tokens_per_layer"):
        return None
    rows, width = shapes.embed_tokens_per_layer.weight.shape
    return {"size": width // len(shapes.layers), "vocab_size": rows}


def one(values):
    if len(values) != 1:
        raise SystemExit(f"error: not the same everywhere: {values}")
    return values.pop()
