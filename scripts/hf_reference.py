#!/usr/bin/env python3
"""What Hugging Face transformers computes from the embedded model, for the twelve texts of the tiny pipeline.

    python3 -m venv venv && venv/bin/pip install -r crates/model/reference/requirements.txt
    venv/bin/python scripts/hf_reference.py data/tiny OUT_FOLDER

Loads the folder unchanged with AutoModelForCausalLM and AutoTokenizer (f32, eager attention), renders every prompt in
both conditions by the method's own recipe, and writes OUT_FOLDER/tiny_reference.safetensors (the residual stream after
every layer, before the final norm: `hidden.{row}`, [layers, tokens, hidden]) and tiny_reference.json (texts, token ids,
greedy continuations). `cargo test` compares the program with the committed copy in crates/tiny/tests/fixtures; run this
script again when the model changes, or with --check to compare a fresh run with the committed copy.
"""
import json
import os
import sys

import torch
import transformers
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM, AutoTokenizer

MAX_NEW_TOKENS = 48


def prompts():
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    with open(os.path.join(root, "data/prompts/role-questions.jsonl")) as lines:
        return [json.loads(line)["text"] for line in lines if line.strip()]


def rendered(tokenizer, prompt, swapped):
    """The method's two formats; the swapped one replaces the last "model" of the template's own generation prompt."""
    turns = [{"role": "user", "content": prompt}]
    if swapped:
        turns = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": prompt}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
    if swapped:
        head, _, tail = text.rpartition("model")
        text = head + "user" + tail
    return text


def reference(folder):
    torch.set_grad_enabled(False)
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="eager").eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    captured = []
    for layer in model.model.layers:
        layer.register_forward_hook(lambda _m, _i, out: captured.append((out[0] if isinstance(out, tuple) else out).clone()))
    tensors, rows = {}, []
    for condition in ("normal", "swapped"):
        for prompt in prompts():
            text = rendered(tokenizer, prompt, condition == "swapped")
            ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
            captured.clear()
            model(input_ids=ids, use_cache=False)
            tensors[f"hidden.{len(rows)}"] = torch.stack([h[0] for h in captured]).contiguous()
            generated = model.generate(
                input_ids=ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MAX_NEW_TOKENS
            )[0, ids.shape[1]:]
            rows.append(dict(
                condition=condition, prompt=prompt, text=text, token_ids=ids[0].tolist(), greedy_ids=generated.tolist(),
                greedy_text=tokenizer.decode(generated, skip_special_tokens=False).strip(),
            ))
    facts = dict(torch=torch.__version__, transformers=transformers.__version__, max_new_tokens=MAX_NEW_TOKENS, rows=rows)
    return tensors, facts


def main():
    arguments = [argument for argument in sys.argv[1:] if argument != "--check"]
    if len(arguments) != 2:
        sys.exit(__doc__)
    folder, out = arguments
    tensors, facts = reference(folder)
    if "--check" in sys.argv:
        committed = load_file(os.path.join(out, "tiny_reference.safetensors"))
        with open(os.path.join(out, "tiny_reference.json")) as file:
            rows = json.load(file)["rows"]
        assert rows == facts["rows"], "texts, tokens or continuations differ from the committed reference"
        worst = max(float((tensors[name] - committed[name]).abs().max() / committed[name].square().mean().sqrt()) for name in committed)
        assert worst < 1e-4, f"residuals differ from the committed reference by {worst:.2e} of the RMS"
        print(f"{len(rows)} rows agree with the committed reference; largest error {worst:.1e} of the RMS")
        return
    os.makedirs(out, exist_ok=True)
    save_file(tensors, os.path.join(out, "tiny_reference.safetensors"))
    with open(os.path.join(out, "tiny_reference.json"), "w") as file:
        json.dump(facts, file, indent=1, ensure_ascii=False)
        file.write("\n")
    for row in facts["rows"]:
        print(f"{row['condition']:8} {row['prompt']:30} {row['greedy_text']}")


if __name__ == "__main__":
    main()
