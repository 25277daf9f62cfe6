#!/usr/bin/env python3
"""A stranger's model from the hub, end to end, without the hub: `cargo xtask new`, `doctor` and `all` on google/gemma-3-1b-it.

    python3 scripts/stranger.py [PYTHON]     # PYTHON: one with crates/model/reference/requirements.txt, to compare with transformers

A server on this machine's loopback interface stands for the hub. Its one repository has the files, the configuration and the
tokenizer's odd token of the published model (one token more than the table has rows, the end of a turn among the end
tokens of generation_config.json), but small random weights and the embedded model's vocabulary. With PYTHON, the table of
similarities is computed again by Hugging Face transformers from the same files. Standard library only.
"""
import hashlib
import http.server
import json
import os
import random
import shutil
import struct
import subprocess
import sys
import tempfile
import threading

ROOT = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
MODEL, PIPELINE, COMMIT = "google/gemma-3-1b-it", "stranger", "0123456789abcdef" * 2 + "01234567"
HIDDEN, INNER, LAYERS, HEADS, HEAD_DIM = 96, 256, 12, 4, 32

# The keys of the published file; sizes and token ids are of this repository's vocabulary.
CONFIG = {
    "architectures": ["Gemma3ForCausalLM"], "attention_bias": False, "attention_dropout": 0.0,
    "attn_logit_softcapping": None, "bos_token_id": 2, "cache_implementation": "hybrid", "eos_token_id": [1, 5],
    "final_logit_softcapping": None, "head_dim": HEAD_DIM, "hidden_activation": "gelu_pytorch_tanh", "hidden_size": HIDDEN,
    "initializer_range": 0.02, "intermediate_size": INNER, "max_position_embeddings": 32768, "model_type": "gemma3_text",
    "num_attention_heads": HEADS, "num_hidden_layers": LAYERS, "num_key_value_heads": 1, "pad_token_id": 0,
    "query_pre_attn_scalar": HEAD_DIM, "rms_norm_eps": 1e-06, "rope_local_base_freq": 10000, "rope_scaling": None,
    "rope_theta": 1000000, "sliding_window": 16, "sliding_window_pattern": 6, "torch_dtype": "bfloat16",
    "transformers_version": "4.50.0.dev0", "use_cache": True,
}


def tensors(rows):
    """Names, shapes and spreads of a text model's weights."""
    yield "model.embed_tokens.weight", [rows, HIDDEN], 0.3
    for layer in range(LAYERS):
        name = f"model.layers.{layer}."
        for part, shape in [("q_proj", [HEADS * HEAD_DIM, HIDDEN]), ("k_proj", [HEAD_DIM, HIDDEN]),
                            ("v_proj", [HEAD_DIM, HIDDEN]), ("o_proj", [HIDDEN, HEADS * HEAD_DIM])]:
            yield f"{name}self_attn.{part}.weight", shape, 0.12
        for part in ("q_norm", "k_norm"):
            yield f"{name}self_attn.{part}.weight", [HEAD_DIM], 0.3
        for part, shape in [("gate_proj", [INNER, HIDDEN]), ("up_proj", [INNER, HIDDEN]), ("down_proj", [HIDDEN, INNER])]:
            yield f"{name}mlp.{part}.weight", shape, 0.1
        for part in ("input", "post_attention", "pre_feedforward", "post_feedforward"):
            yield f"{name}{part}_layernorm.weight", [HIDDEN], 0.3
    yield "model.norm.weight", [HIDDEN], 0.3


def write_weights(path, rows):
    """bf16, the upper halves of random f32 numbers."""
    draw, head, data = random.Random(0), {}, bytearray()
    for name, shape, spread in tensors(rows):
        count = shape[0] * (shape[1] if len(shape) > 1 else 1)
        numbers = struct.pack(f"<{count}f", *(draw.gauss(0, spread) for _ in range(count)))
        start = len(data)
        data += b"".join(numbers[at + 2:at + 4] for at in range(0, len(numbers), 4))
        head[name] = {"dtype": "BF16", "shape": shape, "data_offsets": [start, len(data)]}
    text = json.dumps(head).encode()
    with open(path, "wb") as file:
        file.write(struct.pack("<Q", len(text)) + text + data)


def write_repository(folder):
    """The files that such a repository has."""
    tiny = os.path.join(ROOT, "data/tiny")
    with open(os.path.join(tiny, "tokenizer.json"), encoding="utf-8") as file:
        tokenizer = json.load(file)
    with open(os.path.join(tiny, "tokenizer_config.json"), encoding="utf-8") as file:
        config = json.load(file)
    rows = 1 + max([*tokenizer["model"]["vocab"].values(), *(token["id"] for token in tokenizer["added_tokens"])])
    image = {"id": rows, "content": "<image_soft_token>", "single_word": False, "lstrip": False, "rstrip": False,
             "normalized": False, "special": True}
    tokenizer["added_tokens"].append(image)
    config |= {"image_token": "<image_soft_token>", "tokenizer_class": "GemmaTokenizer"}
    special = {name: {"content": f"<{name[:3]}>"} for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
    files = {
        "config.json": CONFIG | {"vocab_size": rows},
        "generation_config.json": {"bos_token_id": 2, "cache_implementation": "hybrid", "do_sample": True,
                                   "eos_token_id": [1, 5], "pad_token_id": 0, "top_k": 64, "top_p": 0.95},
        "tokenizer.json": tokenizer, "tokenizer_config.json": config, "special_tokens_map.json": special,
        "added_tokens.json": {"<image_soft_token>": rows},
    }
    for name, value in files.items():
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            json.dump(value, file, ensure_ascii=False)
    for name in ("README.md", ".gitattributes", "tokenizer.model"):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write("not needed\n")
    write_weights(os.path.join(folder, "model.safetensors"), rows)


def hub(folder):
    """A server that answers for the one repository as the hub does."""

    class Hub(http.server.BaseHTTPRequestHandler):
        def answer(self, with_body):
            if self.path.startswith(f"/api/models/{MODEL}"):
                files = [{"rfilename": name} for name in sorted(os.listdir(folder))]
                return self.send(json.dumps({"sha": COMMIT, "siblings": files}).encode(), {}, with_body)
            name = self.path.removeprefix(f"/{MODEL}/resolve/{COMMIT}/")
            if name not in os.listdir(folder):
                self.send_response(404)
                self.send_header("X-Error-Code", "EntryNotFound")
                return self.end_headers()
            with open(os.path.join(folder, name), "rb") as file:
                content = file.read()
            digest = hashlib.sha256(content) if name.endswith(".safetensors") else hashlib.sha1(
                f"blob {len(content)}\0".encode() + content)
            return self.send(content, {"ETag": f'"{digest.hexdigest()}"', "X-Repo-Commit": COMMIT}, with_body)

        def send(self, content, headers, with_body):
            self.send_response(200)
            for key, value in headers.items():
                self.send_header(key, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if with_body:
                self.wfile.write(content)

        def do_GET(self):
            self.answer(True)

        def do_HEAD(self):
            self.answer(False)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main():
    python = sys.argv[1] if len(sys.argv) > 1 else None
    written = [os.path.join(ROOT, name) for name in (f"pipelines/{PIPELINE}.toml", f"data/prompts/{PIPELINE}.jsonl")]
    results = os.path.join(ROOT, f"results/{PIPELINE}")
    for path in filter(os.path.exists, written):
        sys.exit(f"{path} is already there; remove it")
    with tempfile.TemporaryDirectory() as folder:
        repository = os.path.join(folder, "repository")
        os.mkdir(repository)
        write_repository(repository)
        server = hub(repository)
        home = os.path.join(folder, "home")
        environment = os.environ | {"HF_HOME": home, "HF_ENDPOINT": f"http://127.0.0.1:{server.server_address[1]}"}
        environment.pop("HF_HUB_OFFLINE", None)

        def run(*command):
            subprocess.run(command, cwd=ROOT, env=environment, check=True)

        try:
            run("cargo", "xtask", "new", PIPELINE, "--model", MODEL)
            run("cargo", "xtask", "all", "--pipeline", PIPELINE)
            run("cargo", "xtask", "doctor", "--pipeline", PIPELINE)
            run("cargo", "xtask", "check-results", "--pipeline", PIPELINE)
            if python:
                snapshot = os.path.join(home, "hub/models--" + MODEL.replace("/", "--"), "snapshots", COMMIT)
                run(python, "scripts/hf_table.py", results, snapshot)
        finally:
            server.shutdown()
            for path in filter(os.path.exists, written):
                os.remove(path)
            shutil.rmtree(results, ignore_errors=True)


if __name__ == "__main__":
    main()
