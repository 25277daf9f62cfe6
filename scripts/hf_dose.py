"""Checks a dose sweep against Hugging Face transformers: what texts are worth to the unsteered model, what steered and
ablated models say, and how far their next-token distributions move.

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
KL_LIMIT = 1e-4  # relative, with an absolute floor of 1e-5 nats
NEUTRAL_TOKENS = 16


def main(results, folder, neutral):
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    prompts = pd.read_parquet(f"{results}/extract/prompts.parquet")
    texts = pd.read_parquet(f"{results}/dose/texts.parquet")
    doses = pd.read_parquet(f"{results}/dose/doses.parquet")
    contrast = load_file(f"{results}/analyze/contrast.safetensors")["contrast"]
    tokens = {(r.condition, r.prompt_id): list(r.token_ids) for r in prompts.itertuples()}

    worst = check_surprise(model, tokens, texts)
    print(f"surprise of {len(texts)} texts in both formats: at most {worst:.1e} nats a token apart")
    wrong, count = check_texts(model, tokenizer, tokens, texts, contrast)
    print(f"steered, ablated and capped texts: {count - wrong} of {count} are the same")
    worst_kl, compared = check_divergence(model, tokenizer, neutral, doses, contrast)
    print(f"divergence of {compared} doses: at most {worst_kl:.1e} apart, relative")
    sys.exit(int(worst > SURPRISE_LIMIT or wrong > 0 or worst_kl > KL_LIMIT))


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


def hooked(model, dose, contrast):
    layer = int(dose.layer)
    change = intervention(dose, contrast[layer])

    def hook(_module, _inputs, output):
        return (change(output[0]), *output[1:]) if isinstance(output, tuple) else change(output)

    return model.model.layers[layer].register_forward_hook(hook)


def of_contrast(rows):
    is_known = rows.operation.isin(["addition", "ablation", "capping"])
    return rows[is_known & (rows.direction == "contrast")]


def check_texts(model, tokenizer, tokens, texts, contrast):
    wrong = count = 0
    for row in of_contrast(texts).iloc[::7].itertuples():
        handle = hooked(model, row, contrast)
        prompt = torch.tensor([tokens[row.condition, row.prompt_id]])
        with torch.no_grad():
            out = model.generate(prompt, do_sample=False, max_new_tokens=48, eos_token_id=model.generation_config.eos_token_id)
        handle.remove()
        text = tokenizer.decode(out[0, prompt.shape[1] :]).strip()
        count += 1
        if text != row.text:
            wrong += 1
            print(f"layer {row.layer:.0f} {row.operation} {row.coefficient}: {row.text!r} is {text!r} in transformers")
    return wrong, count


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
        handle = hooked(model, row, contrast)
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
