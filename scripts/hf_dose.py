"""Checks a dose sweep against Hugging Face transformers: what texts are worth to the unsteered model, how far they reach
along the contrast after its last layer, what steered and ablated models say, those of prompts that were set aside too,
and how far their next-token distributions move.

Needs torch, transformers, safetensors and pandas. Run from the root of the repository after `cargo xtask dose`:

    python3 scripts/hf_dose.py results/tiny data/tiny data/prompts/neutral-tiny.jsonl

Interventions are forward hooks on a decoder layer's output, written here from their formulas. Exits with 1 where
something differs by more than the limits below.
"""

import json
import sys

import numpy as np
import pandas as pd
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

SURPRISE_LIMIT = 1e-5  # nats a token
PROJECTION_LIMIT = 1e-4  # of the largest projection
EFFECT_LIMIT = 1e-4  # of the way from one condition's texts to the other's
KL_LIMIT = 1e-4  # relative, with an absolute floor of 1e-5 nats
NEUTRAL_TOKENS = 16


def main(results, folder, neutral):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = pd.read_parquet(f"{results}/extract/prompts.parquet")
    texts = pd.read_parquet(f"{results}/dose/texts.parquet")
    doses = pd.read_parquet(f"{results}/dose/doses.parquet")
    held_out = pd.read_parquet(f"{results}/dose/held_out_texts.parquet")
    vectors = load_file(f"{results}/analyze/contrast.safetensors")
    contrast = vectors["contrast"]
    tokens = {(r.condition, r.prompt_id): list(r.token_ids) for r in prompts.itertuples()}

    worst = check_surprise(model, tokens, texts)
    print(f"surprise of {len(texts)} texts in both formats: at most {worst:.1e} nats a token apart")
    projection = check_projection(model, tokens, texts, contrast[-1])
    print(f"projections after the last layer: at most {projection:.1e} of the largest apart")
    effect, count = check_effects(texts, doses)
    print(f"projections of {count} rows as parts of the way: at most {effect:.1e} apart")
    wrong_held_out, count = check_held_out(model, tokenizer, tokens, held_out, texts, results, vectors)
    print(f"texts of prompts that were set aside, with vectors made without them: {count - wrong_held_out} of {count} are the same")
    wrong, count = check_texts(model, tokenizer, tokens, texts, contrast)
    print(f"steered, ablated and capped texts: {count - wrong} of {count} are the same")
    worst_kl, compared = check_divergence(model, tokenizer, neutral, doses, contrast)
    print(f"divergence of {compared} doses: at most {worst_kl:.1e} apart, relative")
    is_apart = not (projection <= PROJECTION_LIMIT and effect <= EFFECT_LIMIT)  # NaN is apart
    sys.exit(int(worst > SURPRISE_LIMIT or is_apart or wrong > 0 or wrong_held_out > 0 or worst_kl > KL_LIMIT))


def check_surprise(model, tokens, texts):
    worst, known = 0.0, {}
    conditions = {"positive": "normal", "negative": "swapped"}
    for row in texts.itertuples():
        answer = list(row.token_ids)
        for side, condition in conditions.items():
            key = (condition, row.prompt_id, *answer)
            if key not in known:
                known[key] = surprise(model, tokens[condition, row.prompt_id], answer)
            worst = max(worst, abs(known[key] - getattr(row, f"surprise_{side}")))
    return worst


@torch.no_grad()
def surprise(model, prompt, answer):
    logits = model(torch.tensor([prompt + answer])).logits[0, len(prompt) - 1 : -1].double()
    picked = logits.log_softmax(-1)[torch.arange(len(answer)), torch.tensor(answer)]
    return -picked.mean().item()


@torch.no_grad()
def reach(model, prompt, answer, direction):
    """The mean projection of the answer's tokens but the last, after the last layer and before the final norm."""
    seen = []
    handle = model.model.layers[-1].register_forward_hook(
        lambda _module, _inputs, output: seen.append(output[0] if isinstance(output, tuple) else output)
    )
    model(torch.tensor([prompt + answer]))
    handle.remove()
    h = seen[0].reshape(-1, direction.shape[0]).double()
    first = len(prompt) if len(answer) > 1 else len(prompt) - 1
    rows = h[first : len(prompt) + max(len(answer) - 1, 0)]
    return (rows @ direction / direction.norm()).mean().item()


def check_projection(model, tokens, texts, last_contrast):
    """Every seventh text, in both formats."""
    direction = last_contrast.double()
    largest = texts[["projection_positive", "projection_negative"]].abs().max().max()
    apart = []
    for row in texts.iloc[::7].itertuples():
        answer = list(row.token_ids)
        for side, condition in {"positive": "normal", "negative": "swapped"}.items():
            own = reach(model, tokens[condition, row.prompt_id], answer, direction)
            apart.append(abs(own - getattr(row, f"projection_{side}")) / largest)
    return np.max(apart)


def check_effects(texts, doses):
    """The column of the doses from the projections of the texts, which were checked before."""
    texts = texts.assign(reach=(texts.projection_positive + texts.projection_negative) / 2)
    unsteered = texts[texts.operation == "unsteered"].set_index(["condition", "prompt_id"]).reach
    gap = unsteered["normal"].mean() - unsteered["swapped"].mean()
    key = ["layer", "operation", "direction", "direction_number", "coefficient", "percentile", "condition"]
    apart, groups = [], texts.groupby(key, dropna=False)
    rows = doses.set_index(key)
    for (*dose, condition), own in groups:
        toward = -1 if condition == "normal" else 1
        moved = toward * (own.set_index("prompt_id").reach - unsteered[condition]) / gap
        found = rows[same_dose(rows.index, (*dose, condition))].projection_effect
        assert len(found) == 1, dose
        apart.append(abs(found.iloc[0] - moved.mean()))
    return np.max(apart), len(groups)


def same_dose(index, key):
    same = np.ones(len(index), dtype=bool)
    for level, value in enumerate(key):
        values = index.get_level_values(level)
        same &= values.isna() if pd.isna(value) else values == value
    return same


def fold_contrast(results, layer, pooling, prompts):
    """The mean difference of the conditions over all recorded prompts but these."""
    rows = pd.read_parquet(f"{results}/extract/activations/layer={layer:02d}/part-0.parquet")
    rows = rows[(rows.pooling == pooling) & ~rows.prompt_id.isin(prompts)]
    mean = {condition: np.stack(own.activation.to_list()).astype(np.float64).mean(0) for condition, own in rows.groupby("condition")}
    return torch.tensor(mean["normal"] - mean["swapped"], dtype=torch.float32)


def check_held_out(model, tokenizer, tokens, held_out, texts, results, vectors):
    summary = pd.read_parquet(f"{results}/analyze/statistics.parquet")
    pooling = json.load(open(f"{results}/analyze/statistics.json", encoding="utf-8"))["pooling"]
    assert pooling in set(summary.pooling)
    unsteered = texts[texts.operation == "unsteered"].set_index(["condition", "prompt_id"]).text
    known = held_out[held_out.direction.isin(vectors)]
    wrong = 0
    for row in known.itertuples():
        if row.operation == "unsteered":
            wrong += row.text != unsteered[row.condition, row.prompt_id]
            continue
        layer = int(row.layer)
        vector = vectors[row.direction][layer]
        if row.direction == "contrast":
            vector = fold_contrast(results, layer, pooling, set(held_out[held_out.fold == row.fold].prompt_id))
        text = steered_text(model, tokenizer, tokens[row.condition, row.prompt_id], row, vector)
        if text != row.text:
            wrong += 1
            print(f"held out, layer {layer} {row.direction} {row.coefficient}: {row.text!r} is {text!r} in transformers")
    return wrong, len(known)


def intervention(dose, vector):
    """The change of a layer's output, from its formula."""
    unit = vector / (vector.norm() + 1e-8)
    coefficient = 0.0 if pd.isna(dose.coefficient) else dose.coefficient
    if dose.operation == "addition":
        return lambda h: h + coefficient * vector
    if dose.operation == "ablation":
        return lambda h: h - (h @ unit)[..., None] * unit
    if dose.operation == "capping":
        signed, threshold = coefficient * unit, dose.threshold
        return lambda h: h - (h @ signed - threshold).clamp(min=0)[..., None] * signed
    raise ValueError(dose.operation)


def hooked(model, dose, vector):
    layer = int(dose.layer)
    change = intervention(dose, vector)

    def hook(_module, _inputs, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return model.model.layers[layer].register_forward_hook(hook)


def of_contrast(rows):
    is_known = rows.operation.isin(["addition", "ablation", "capping"])
    return rows[is_known & (rows.direction == "contrast")]


def check_texts(model, tokenizer, tokens, texts, contrast):
    wrong = count = 0
    for row in of_contrast(texts).iloc[::7].itertuples():
        text = steered_text(model, tokenizer, tokens[row.condition, row.prompt_id], row, contrast[int(row.layer)])
        count += 1
        if text != row.text:
            wrong += 1
            print(f"layer {row.layer:.0f} {row.operation} {row.coefficient}: {row.text!r} is {text!r} in transformers")
    return wrong, count


def steered_text(model, tokenizer, tokens, dose, vector):
    handle = hooked(model, dose, vector)
    prompt = torch.tensor([tokens])
    with torch.no_grad():
        out = model.generate(prompt, do_sample=False, max_new_tokens=48, eos_token_id=model.generation_config.eos_token_id)
    handle.remove()
    return tokenizer.decode(out[0, prompt.shape[1] :]).strip()


def check_divergence(model, tokenizer, neutral, doses, contrast):
    sequences = []
    for line in open(neutral, encoding="utf-8"):
        text = f"<bos><start_of_turn>user\n{json.loads(line)['text']}<end_of_turn>\n<start_of_turn>model\n"
        prompt = tokenizer(text, add_special_tokens=False).input_ids
        with torch.no_grad():
            out = model.generate(torch.tensor([prompt]), do_sample=False, max_new_tokens=NEUTRAL_TOKENS)
        sequences.append((out[0], len(prompt)))
    unsteered = [distributions(model, *sequence) for sequence in sequences]
    worst, rows = 0.0, of_contrast(doses).iloc[::11]
    for row in rows.itertuples():
        handle = hooked(model, row, contrast[int(row.layer)])
        steered = [distributions(model, *sequence) for sequence in sequences]
        handle.remove()
        parts = torch.cat([(p.exp() * (p - q)).sum(-1) for p, q in zip(unsteered, steered)])
        worst = max(worst, abs(parts.mean().item() - row.kl) / max(row.kl, 1e-5 / KL_LIMIT))
    return worst, len(rows)


@torch.no_grad()
def distributions(model, tokens, start):
    return model(tokens[None]).logits[0, start - 1 : -1].double().log_softmax(-1)


if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(__doc__)
    main(*sys.argv[1:])
