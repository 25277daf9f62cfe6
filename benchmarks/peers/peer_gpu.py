#!/usr/bin/env python3
"""The work of `cargo xtask bench` in transformers on a GPU: every layer's residual stream of twelve prompts in one padded batch, and texts of
1, 12, 48 and 256 rows, and of 12 steered ones. A line of JSON comes last.
   peer_gpu.py CKPT [--attention eager|sdpa] [--dtype bf16|f32] [--new 33] [--device cuda]"""
import argparse, json, os, time
os.environ.setdefault("HF_HUB_OFFLINE", "1")
import bench_common as bc
import torch
from transformers import AutoModelForCausalLM, AutoTokenizer

ap = argparse.ArgumentParser()
ap.add_argument("ckpt"); ap.add_argument("--attention", default="sdpa"); ap.add_argument("--dtype", default="bf16")
ap.add_argument("--new", type=int, default=33); ap.add_argument("--device", default="cuda")
a = ap.parse_args()
kind = {"f32": torch.float32, "bf16": torch.bfloat16}[a.dtype]
tok = AutoTokenizer.from_pretrained(a.ckpt, padding_side="left")
model = AutoModelForCausalLM.from_pretrained(a.ckpt, dtype=kind, attn_implementation=a.attention).eval().to(a.device)
normal, swapped = bc.texts()
layers = model.model.layers
on_cuda = a.device.startswith("cuda")


def batch(rows):
    texts = [(normal + swapped)[row % 12] for row in range(rows)]
    return tok(texts, return_tensors="pt", add_special_tokens=False, padding=True).to(a.device)


def seconds(work):
    """The second run: the first one warms up."""
    for _ in range(2):
        if on_cuda: torch.cuda.synchronize()
        start = time.perf_counter(); work()
        if on_cuda: torch.cuda.synchronize()
        taken = time.perf_counter() - start
    return taken


@torch.no_grad()
def extract():
    kept = []
    hooks = [layer.register_forward_hook(lambda m, i, o: kept.append((o[0] if isinstance(o, tuple) else o)[:, -1].float().cpu())) for layer in layers]
    try:
        model.model(**batch(12), use_cache=False)
    finally:
        for hook in hooks: hook.remove()


def generate(rows, new, add=None):
    hook = None
    if add is not None:
        hook = layers[bc.steer_layer(len(layers))].register_forward_hook(lambda m, i, o: (o[0] + add, *o[1:]) if isinstance(o, tuple) else o + add)
    try:
        with torch.no_grad():
            model.generate(**batch(rows), max_new_tokens=new, min_new_tokens=new, do_sample=True, temperature=0.7, top_k=50, repetition_penalty=1.1, pad_token_id=0)
    finally:
        if hook: hook.remove()


tokens = lambda rows: int(batch(rows)["attention_mask"].sum())
parts = {}
taken = seconds(extract)
parts["extract"] = {"seconds": taken, "tokens_per_second": tokens(12) / taken}
width = model.config.get_text_config().hidden_size
for name, rows, add in [("decode 1", 1, None), ("decode 12", 12, None), ("decode 48", 48, None), ("decode 256", 256, None),
                        ("steer 12", 12, torch.randn(12, 1, width, dtype=kind, device=a.device))]:
    prompts, whole = seconds(lambda: generate(rows, 1, add)), seconds(lambda: generate(rows, a.new, add))
    parts[name] = {"seconds": whole, "tokens_per_second": rows * (a.new - 1) / (whole - prompts)}
print(json.dumps({"tool": f"transformers, {a.attention}", "checkpoint": a.ckpt, "dtype": a.dtype, "torch": torch.__version__, "parts": parts,
                  "device_memory_bytes": torch.cuda.max_memory_reserved() if on_cuda else None}))
