#!/usr/bin/env python3
"""The tables of crates/model/tests/fixtures/family/README.md, from the fixtures with weights in bf16.

    venv/bin/python crates/model/reference/fixture_facts.py [PRESET ...]

For each: sizes, the largest score and logit, how far transformers' f32 is from f64, and how varied the greedy continuations
are. Then what each deliberate mistake changes. Everything is computed by plain_decoder.py, so this also compares it with
transformers.
"""
import argparse
import json
import os
import sys
from dataclasses import replace

import torch
from safetensors.torch import load_file

from plain_decoder import Decoder, Plan, Rope
from presets import PRESETS

FAMILY = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../tests/fixtures/family")


def each_layer(change):
    """A mistake in all layers; `change` gives other values of a LayerPlan's fields."""
    return lambda plan: replace(plan, layers=[replace(layer, **change(layer)) for layer in plan.layers])


def each_rope(change):
    def of_layer(layer):
        return {"rope": layer.rope and replace(layer.rope, **change(layer.rope))}
    return each_layer(of_layer)


def all_scaled(plan):
    """The layers without scaling have that of the others."""
    scaling = max((layer.rope.scaling for layer in plan.layers if layer.rope), key=len)
    return each_rope(lambda rope: {"scaling": scaling})(plan)


def all_turned(plan):
    rope = next(layer.rope for layer in plan.layers if layer.rope)
    return each_layer(lambda layer: {"rope": layer.rope or rope})(plan)


def windows(of_layer):
    return each_layer(lambda layer: {"window": of_layer(layer)})


def next_layers_windows(plan):
    layers = plan.layers
    shifted = [layers[(index + 1) % len(layers)].window for index in range(len(layers))]
    return replace(plan, layers=[replace(layer, window=window) for layer, window in zip(layers, shifted)])


def first_of_its_kind(plan):
    first = {}
    for index, layer in enumerate(plan.layers):
        first.setdefault(layer.window, index)
    return each_layer(lambda layer: {"keys_of": None if layer.keys_of is None else first[layer.window]})(plan)


def ordinary_rope(plan):
    """Gemma 4's full layers with a rope of the first dimensions, as Phi has it."""
    return each_layer(lambda layer: {"rope": Rope(*vars(layer.rope).values())})(plan)


QKV = ("q_proj", "k_proj", "v_proj")
OTHERS = ("o_proj", "gate_proj", "up_proj", "down_proj")
MISTAKES = {
    "norm weights as 1 + w": lambda plan: replace(plan, norm_offset=1.0),
    "the other activation": lambda plan: replace(
        plan, activation="gelu_pytorch_tanh" if plan.activation == "silu" else "silu"
    ),
    "epsilon 1e-6 for 1e-5, or the reverse": lambda plan: replace(plan, epsilon=1e-5 if plan.epsilon < 5e-6 else 1e-6),
    "head groups interleaved": lambda plan: replace(plan, interleaved=True),
    "neighbours turned together": each_rope(lambda rope: {"pairs": True}),
    "query scale from hidden / heads": lambda plan: each_layer(
        lambda layer: {"scale": 1.0 if layer.scale == 1.0 else (plan.hidden / plan.heads) ** -0.5}
    )(plan),
    "no biases": lambda plan: replace(plan, without_biases=QKV + OTHERS),
    "biases of queries, keys and values alone": lambda plan: replace(plan, without_biases=OTHERS),
    "gate and up in the other order": lambda plan: replace(plan, up_first=True),
    "no scaling of frequencies": each_rope(lambda rope: {"scaling": {}}),
    "YaRN without its attention factor": each_rope(
        lambda rope: {"scaling": rope.scaling and rope.scaling | {"attention_factor": 1.0}}
    ),
    "LongRoPE's long factors": each_rope(
        lambda rope: {"scaling": rope.scaling | {"short_factor": rope.scaling.get("long_factor")}}
    ),
    "scaling in sliding layers too": all_scaled,
    "the whole head turned": each_rope(lambda rope: {"turned": rope.head, "spread": rope.head}),
    "frequencies spread over the whole head": each_rope(lambda rope: {"spread": rope.head}),
    "NoPE layers turned": all_turned,
    "no window": windows(lambda layer: None),
    "a window of one more": windows(lambda layer: layer.window and layer.window + 1),
    "a window in all layers": lambda plan: windows(lambda _: max(layer.window or 0 for layer in plan.layers))(plan),
    "layer types shifted": next_layers_windows,
    "no q/k norms": lambda plan: replace(plan, qk_norm_over=None),
    "q/k norms over each head": lambda plan: replace(plan, qk_norm_over="head"),
    "norms before, not after": lambda plan: replace(plan, norms="moved" if plan.norms == "after" else plan.norms),
    "no value norm": lambda plan: replace(plan, value_norm=False),
    "no layer scalar": lambda plan: replace(plan, layer_scalar=False),
    "values are the keys after norm and rope": lambda plan: replace(plan, values_after_norm=True),
    "per-layer inputs without the tokens' part": lambda plan: replace(plan, token_inputs=False),
    "no per-layer inputs": lambda plan: replace(plan, inputs=0),
    "query scale head_dim^-0.5": each_layer(lambda layer: {"scale": layer.head**-0.5}),
    "the turned dimensions of full layers in one block": ordinary_rope,
    "frequencies spread over the turned dimensions": each_rope(lambda rope: {"spread": rope.turned}),
    "keys and values of its own": each_layer(lambda layer: {"keys_of": None}),
    "keys and values of the first such layer": first_of_its_kind,
    "no embedding scale": lambda plan: replace(plan, embedding_scale=1.0),
    "no final cap (logits)": lambda plan: replace(plan, final_cap=None),
}


def in_rms(actual, expected):
    return float((actual - expected).abs().max() / expected.double().square().mean().sqrt())


def effect(plan, tensors, tokens, right, change):
    """The largest change of a residual, or of logits where no residual changes; None where the mistake can't be made."""
    try:
        residuals, _, logits = Decoder(change(plan), tensors).forward(tokens)
    except (RuntimeError, TypeError, KeyError, ValueError):
        return None
    largest = max(in_rms(*pair) for pair in zip(residuals, right[0])) or in_rms(logits, right[2])
    return largest if largest > 1e-9 else None


def gap(plan, tensors, prompt, continuation):
    """The smallest distance of the two best logits while the continuation is chosen."""
    logits = Decoder(plan, tensors).forward(torch.cat([prompt, continuation])[:-1].long())[2][len(prompt) - 1 :]
    assert torch.equal(logits.argmax(-1).int(), continuation), "f64 goes on otherwise"
    best = logits.topk(2).values
    return float((best[:, 0] - best[:, 1]).min())


def facts(name):
    folder = os.path.join(FAMILY, name)
    with open(os.path.join(folder, "config.json")) as file:
        plan = Plan.of(json.load(file))
    tensors = load_file(os.path.join(folder, "model.safetensors"))
    reference = load_file(os.path.join(folder, "reference.safetensors"))
    tokens = reference["tokens"].long()
    decoder = Decoder(plan, tensors)
    right = decoder.forward(tokens)
    errors = max(in_rms(reference[f"residual.{layer}"], h) for layer, h in enumerate(right[0]))
    runs = [("tokens", "greedy")] + [(f"prompt.{index}", f"greedy.{index}") for index in range(3)]
    row = dict(
        sizes=sizes(plan), score=decoder.largest_score, logit=decoder.largest_logit, residuals=errors,
        logits=in_rms(reference["logits"], right[2]),
        different=", ".join(str(len(set(reference[new].tolist()))) for _, new in runs),
        gap=min(gap(plan, tensors, reference[prompt], reference[new]) for prompt, new in runs),
    )
    effects = {mistake: effect(plan, tensors, tokens, right, change) for mistake, change in MISTAKES.items()}
    return row, {mistake: size for mistake, size in effects.items() if size is not None}


def sizes(plan):
    shapes = dict.fromkeys(f"{plan.heads} / {layer.key_heads} x {layer.head}" for layer in plan.layers)
    return f"{len(plan.layers)}, {plan.hidden}, {' and '.join(shapes)}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*")
    options = parser.parse_args()
    unknown = set(options.presets) - set(PRESETS)
    if unknown:
        sys.exit(f"error: {sorted(unknown)[0]}: no such preset")
    names = options.presets or [name for name, preset in PRESETS.items() if preset.dtype == torch.bfloat16]
    torch.set_num_threads(1)
    rows = {name: facts(name) for name in names}
    print("| preset | layers, hidden, heads / KV heads x head_dim | largest score, raw logit | f32 from f64, of the RMS: residuals, logits "
          "| different tokens in `greedy`, `greedy.{0,1,2}` | smallest distance of the two best logits |")
    print("|---|---|---|---|---|---|")
    for name, (row, _) in rows.items():
        print(f"| {name} | {row['sizes']} | {row['score']:.0f}, {row['logit']:.0f} "
              f"| {row['residuals']:.1e}, {row['logits']:.1e} | {row['different']} | {row['gap']:.2f} |")
    print("\n| mistake | largest change of a residual, in units of its RMS |")
    print("|---|---|")
    for mistake in MISTAKES:
        found = {name: effects[mistake] for name, (_, effects) in rows.items() if mistake in effects}
        if found:
            least = min(found, key=found.get)
            largest = f" to {max(found.values()):.2g}, least in {least} of {len(found)}" if len(found) > 1 else f" in {least}"
            print(f"| {mistake} | {found[least]:.2g}{largest} |")


if __name__ == "__main__":
    main()
