#!/usr/bin/env python3
"""Extraction with TransformerLens, in f32: the residual stream after every layer, one text at a time, as its documentation shows it
   (run_with_cache of a TransformerBridge, with the names that are wanted).
   transformer_lens_peer.py CKPT --work WORK.json [--threads 2] [--repeat 1]"""
import argparse, importlib.metadata, json
import bench_common as bc
import torch
from transformer_lens.model_bridge import TransformerBridge
ap = argparse.ArgumentParser(); ap.add_argument("ckpt"); ap.add_argument("--work", required=True)
ap.add_argument("--threads", type=int, default=2); ap.add_argument("--repeat", type=int, default=1); a = ap.parse_args()
torch.set_num_threads(a.threads); torch.set_grad_enabled(False); T = bc.Timer()
model = T("load", lambda: TransformerBridge.boot_transformers(a.ckpt, device="cpu", dtype=torch.float32))
work = json.load(open(a.work)); L = model.cfg.n_layers; names = {f"blocks.{l}.hook_out" for l in range(L)}

def one_text(ids, at):
    _, cache = model.run_with_cache(torch.tensor([ids]), names_filter=lambda name: name in names)
    return torch.stack([cache[f"blocks.{l}.hook_out"][0, at] for l in range(L)])

def extract(): return torch.stack([one_text(i, p) for i, p in zip(work["tokens"], work["positions"])])
one_text(work["tokens"][0], work["positions"][0])   # warm-up, one pass
for _ in range(a.repeat): v = T("extract", extract)
bc.emit(tool="transformer_lens", version=importlib.metadata.version("transformer_lens"), torch=torch.__version__, dtype="f32", threads=a.threads, layers=L,
        load_s=T.med("load"), extract_s=T.med("extract"), extract_all=T.all("extract"), layer_norms=v.norm(dim=-1).mean(0).tolist(), peak_rss_bytes=bc.peak_rss_mib() << 20)
