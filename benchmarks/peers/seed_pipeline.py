#!/usr/bin/env python3
"""The notebook's method with HF transformers: one full forward pass per layer per prompt, one generation at a time.
   seed_pipeline.py CKPT [--dtype f32|bf16] [--threads 2] [--repeat 1] [--new 32] [--gen-prompts 12] [--skip-generate] [--table OUT.json]
   --every K passes for every K-th layer only, and multiplies the time: each layer costs the same whole pass."""
import argparse, json, time, sys
import bench_common as bc
import torch, transformers
from transformers import AutoModelForCausalLM, AutoTokenizer
ap = argparse.ArgumentParser(); ap.add_argument("ckpt"); ap.add_argument("--dtype", default="bf16"); ap.add_argument("--threads", type=int, default=2)
ap.add_argument("--repeat", type=int, default=1); ap.add_argument("--new", type=int, default=32); ap.add_argument("--gen-prompts", type=int, default=12)
ap.add_argument("--skip-generate", action="store_true"); ap.add_argument("--table"); ap.add_argument("--every", type=int, default=1); a = ap.parse_args()
torch.set_num_threads(a.threads); torch.manual_seed(0); dt = {"f32": torch.float32, "bf16": torch.bfloat16}[a.dtype]; T = bc.Timer()
def load():
    tok = AutoTokenizer.from_pretrained(a.ckpt); m = AutoModelForCausalLM.from_pretrained(a.ckpt, dtype=dt).eval(); return tok, m
tok, model = T("load", load)
nl, nlnl = bc.newline_ids(tok); L = model.config.num_hidden_layers
normal, swapped = bc.texts()
enc = lambda s: tok(s, return_tensors="pt", add_special_tokens=False)

@torch.no_grad()
def one_layer(layer, text):
    got = {}
    h = model.model.layers[layer].register_forward_hook(lambda m, i, o: got.__setitem__("h", (o[0] if isinstance(o, tuple) else o).detach()))
    try: e = enc(text); model(**e)
    finally: h.remove()
    return got["h"][0, bc.last_newline(e["input_ids"][0].tolist(), nl, nlnl)].float().clone()

def extract(): return [[torch.stack([one_layer(l, t) for l in range(0, L, a.every)]) for t in c] for c in (normal, swapped)]
enc(normal[0]); 
with torch.no_grad(): model(**enc(normal[0]))   # warm-up, one pass
for _ in range(a.repeat): vn, vs = T("extract", extract)
rows = T("analyze", lambda: bc.analyze(vn, vs))
SL = bc.steer_layer(L); vec = (torch.stack(vn).mean(0) - torch.stack(vs).mean(0))[SL // a.every]
KW = dict(do_sample=True, temperature=0.7, repetition_penalty=1.1, pad_token_id=0)

@torch.no_grad()
def gen(text, coef=None, new=None):
    h = None
    if coef is not None:
        add = (coef * vec).to(dt)
        h = model.model.layers[SL].register_forward_hook(lambda m, i, o: (o[0] + add, *o[1:]) if isinstance(o, tuple) else o + add)
    try: return model.generate(**enc(text), max_new_tokens=new or a.new, min_new_tokens=new or a.new, **KW)
    finally:
        if h: h.remove()
out = dict(tool="seed_pipeline", ckpt=a.ckpt.split("/")[-1], dtype=a.dtype, attn=model.config._attn_implementation, torch=torch.__version__, transformers=transformers.__version__,
           threads=a.threads, layers=L, steer_layer=SL, load_s=T.med("load"), extract_s=T.med("extract") * L / len(range(0, L, a.every)), extract_all=T.all("extract"), passes=L * 12, analyze_s=T.med("analyze"))
if not a.skip_generate:
    gp = (normal + swapped)[:a.gen_prompts]; sp = normal[:max(1, a.gen_prompts // 2)]
    for _ in range(1): T("prefill", lambda: [gen(t, new=1) for t in gp]); T("generate", lambda: [gen(t) for t in gp])
    T("steer", lambda: [gen(t, c) for c in (-3, 3) for t in sp])
    n = len(gp)
    out.update(gen_seqs=n, new_tokens=a.new, generate_s=T.med("generate"), generate_tok_s=round(n * a.new / T.med("generate"), 3),
               decode_tok_s=round(n * (a.new - 1) / (T.med("generate") - T.med("prefill")), 3), steer_seqs=2 * len(sp), steer_s=T.med("steer"), steer_tok_s=round(2 * len(sp) * a.new / T.med("steer"), 3))
out.update(peak_rss_mib=bc.peak_rss_mib(), **bc.rss_split_mib()); bc.emit(**out)
if a.table: json.dump(dict(rows=rows, vec_norm=vec.norm().item()), open(a.table, "w"))
