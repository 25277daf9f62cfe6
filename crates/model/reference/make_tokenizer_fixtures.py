#!/usr/bin/env python3
"""Makes crates/model/tests/fixtures/tokenizers: small vocabularies in GGUF, and what Hugging Face's tokenizers make of texts with them.

    venv/bin/python crates/model/reference/make_tokenizer_fixtures.py crates/model/tests/fixtures/tokenizers [--check]

byte_level.gguf was learned without any cut, so that its merges cross the places where each pre-tokenizer cuts; some whole words are tokens that no
merge makes. The others are what is particular to a model: the tokens that take blanks beside them (phi3, phi4), the space before texts (llama,
mistral, mistral_spaced, phi3), and listed merges with spaces as a letter (gemma4). ids.json has the texts, and for each name of a pre-tokenizer, or
of a file, the ids of each text.
"""
import copy
import json
import sys
import tempfile
from pathlib import Path

from gguf_tokenizers import DIGITS, EACH, GPT_2, PHI_3, SPECIAL, sentence_piece
from gguf_vocabulary import write_byte_level, write_sentence_piece
from sentencepiece import SentencePieceProcessor, SentencePieceTrainer
from tokenizer_texts import BY_HAND
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

CONTRACTIONS = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)"
REST = r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
UPPER, LOWER = r"[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]", r"[\p{Ll}\p{Lm}\p{Lo}\p{M}]"
ONE = r"[^\r\n\p{L}\p{N}]?"
SLASH = r" ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
LLAMA_3 = rf"{CONTRACTIONS}|{ONE}\p{{L}}+|\p{{N}}{{1,3}}|{REST}"
QWEN_2 = rf"{CONTRACTIONS}|{ONE}\p{{L}}+|\p{{N}}|{REST}"
QWEN_3_5 = rf"{CONTRACTIONS}|{ONE}[\p{{L}}\p{{M}}]+|\p{{N}}| ?[^\s\p{{L}}\p{{M}}\p{{N}}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
TEKKEN = rf"{ONE}{UPPER}*{LOWER}+|{ONE}{UPPER}+{LOWER}*|\p{{N}}|{SLASH}"
GPT_4O = rf"{ONE}{UPPER}*{LOWER}+{CONTRACTIONS}?|{ONE}{UPPER}+{LOWER}*{CONTRACTIONS}?|\p{{N}}{{1,3}}|{SLASH}"
DEEPSEEK_3 = [r"\p{N}{1,3}", "[一-龥\u3040-ゟ゠-ヿ]+", r"""[!"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+"""
              r"[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]


def splits(*patterns: str) -> list[dict]:
    steps = [{"type": "Split", "pattern": {"Regex": pattern}, "behavior": "Isolated", "invert": False} for pattern in patterns]
    return [*steps, {**GPT_2, "use_regex": False}]


# The steps of `pre_tokenizer`, whether there is NFC, and `ignore_merges`, as in the models' tokenizer.json.
PRE_TOKENIZERS = {
    "gpt-2": ([GPT_2], False, False),
    "smollm": ([DIGITS, GPT_2], False, False),
    "llama-bpe": (splits(LLAMA_3), False, True),
    "smaug-bpe": (splits(LLAMA_3), False, True),
    "dbrx": (splits(LLAMA_3), False, False),
    "qwen2": (splits(QWEN_2), True, False),
    "qwen35": (splits(QWEN_3_5), True, False),
    "tekken": (splits(TEKKEN), False, True),
    "gpt-4o": (splits(GPT_4O), False, False),
    "deepseek-v3": (splits(*DEEPSEEK_3), False, False),
}

TEXTS = [
    "", "Who are you?", "I'm sure they've said it's what we'd do; you'll see 's.", "I'M SURE THEY'VE SAID IT'S WHAT WE'D DO", "It's 's 'S 'T 're 'ſ ''s x'sx",
    "3 33 333 3333 33333 3.3 3..3 1234567890", "camelCaseWord HTTPServer iPhone", "  two\n   three\t\ttabs  \n\n\n end. \n\nNext\r\n\r\n", " a", "a ", "    ", "\n\n",
    "cafe\u0301 nai\u0308ve A\u030a café naïve Å", "日本語と中文、한국어", "🙂👍🏽👩‍👩‍👧 🇩🇪", "हिन्दी में ไทย", "a/b/c //\n//\n", "!!!\n...\r\n", "x² ½ Ⅻ ٣٤٥", "\u00a0no\u2003em\u3000wide\u0085",
    "def f(x):\n    return {x: [1, 2]}  # <b>\n\tpass", "\u2581\u2581 \u0120 \ufffd\x00", "<s>one</s>two <s> three", "a<|x|> b\n<|x|>\n <|y|>", "[INST] one [/INST] two</s> [INST]three[/INST]",
    "<s><|user|>\n one <|end|>\n<|assistant|>  \n two</s> three <|endoftext|> four", "<|im_start|>user<|im_sep|> one \n <|im_end|> two <|im_start|>", "hello hello helloworld",
    "the user is the user, and the model is you", "<tool>a</tool> <tool>",
]
CORPUS = ["Who are you? I am a model. You are the user, and the user is you.", "the quick brown fox, the lazy dog; they've said it's what we'd do",
          "I'm sure you'll see 's 't IT'S WE'D", "def f(x):\n    return x\n\n\tpass", "camelCase HTTPServer iPhone", "12 123 1234 12345 3.14", "日本語と中文、한국어 日本語",
          "cafe\u0301 café naïve", "a/b/c //\n//\n...\n!!!\n", "🙂👍🏽 🙂", "हिन्दी ไทย"] * 3 + BY_HAND[26:60]


def byte_level() -> dict:
    """A vocabulary whose merges cross words, with whole words that no merge makes."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(vocab_size=600, show_progress=False, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    tokenizer.train_from_iterator(CORPUS, trainer)
    made = json.loads(tokenizer.to_str())
    vocab = made["model"]["vocab"]
    for word in ["\u0120hello", "hello", "\u0120two", "\u0120three", "\u0120HTTP", "\u00e6\u0139\u00a5\u00e6\u013e\u00ac\u00e8\u00aa\u0140"]:
        vocab.setdefault(word, len(vocab))
    made["added_tokens"] = added(vocab, ["<s>", "</s>", "<|x|>", "<|y|>"]) + added(vocab, ["<tool>", "</tool>"], special=False)
    return made


def added(vocab: dict, tokens: list[str], **flags) -> list[dict]:
    for token in tokens:
        vocab.setdefault(token, len(vocab))
    return [{"id": vocab[token], "content": token, **SPECIAL, **flags} for token in tokens]


def learned(folder: str, control: list[str]) -> tuple[dict, dict]:
    """The ids and scores of a SentencePiece vocabulary that was learned as Llama's was, in which runs of spaces were given the last places."""
    prefix = f"{folder}/pieces"
    SentencePieceTrainer.train(
        sentence_iterator=iter(CORPUS), model_prefix=prefix, model_type="bpe", vocab_size=520, byte_fallback=True, character_coverage=0.98,
        normalization_rule_name="identity", remove_extra_whitespaces=False, split_digits=True, allow_whitespace_only_pieces=True,
        control_symbols=control, hard_vocab_limit=False, minloglevel=2, num_threads=1,
    )
    pieces = SentencePieceProcessor(model_file=f"{prefix}.model")
    vocab = {pieces.id_to_piece(id): id for id in range(len(pieces))}
    return vocab, {text: -1e9 if set(text) == {"\u2581"} else pieces.get_score(id) for text, id in vocab.items()}


def sentence_pieces(folder: str) -> dict[str, tuple[dict, dict]]:
    """For each file the tokenizer, and what its GGUF has beside the vocabulary."""
    begin = ["<unk>", "<s>", "</s>"]
    vocab, scores = learned(folder, [])
    llama = sentence_piece(vocab, scores, begin, legacy=True)
    spaced = sentence_piece(vocab, scores, begin, legacy=False)
    phi3 = copy.deepcopy(llama)
    phi3["added_tokens"][2].update(rstrip=True, special=False)
    phi3["added_tokens"] += added(phi3["model"]["vocab"], PHI_3[:1]) + added(phi3["model"]["vocab"], PHI_3[1:], rstrip=True)
    gemma4 = copy.deepcopy(llama)
    gemma4["normalizer"] = EACH["normalizers"][1]
    gemma4["decoder"]["decoders"].pop()
    mistral = sentence_piece(*learned(folder, ["[INST]", "[/INST]"]), [*begin, "[INST]", "[/INST]"], legacy=False)
    return {
        "llama": (llama, {}),
        "mistral": (mistral, {}),
        "mistral_spaced": (spaced, {"template": "{{ bos_token }}{{ ' [INST] ' }}"}),
        "phi3": (phi3, {}),
        "gemma4": (gemma4, {"architecture": "gemma4", "prefix": False, "lists": True}),
    }


def encoded(tokenizer: dict) -> list[list[int]]:
    reference = Tokenizer.from_str(json.dumps(tokenizer))
    return [reference.encode(text, add_special_tokens=False).ids for text in TEXTS]


def make(folder: Path) -> None:
    base, ids = byte_level(), {}
    special = {"bos": base["model"]["vocab"]["<s>"], "eos": base["model"]["vocab"]["</s>"]}
    write_byte_level(folder / "byte_level.gguf", base, "gpt-2", special, rows=len(base["model"]["vocab"]) + 3)
    for name, (steps, composes, ignores_merges) in PRE_TOKENIZERS.items():
        made = copy.deepcopy(base)
        made["pre_tokenizer"] = {"type": "Sequence", "pretokenizers": steps}
        made["normalizer"] = {"type": "NFC"} if composes else None
        made["model"]["ignore_merges"] = ignores_merges
        ids[name] = encoded(made)
        if name == "dbrx":
            made["added_tokens"] += added(made["model"]["vocab"], ["<|im_start|>", "<|im_sep|>", "<|im_end|>", "<|dummy_1|>"])
            for token in made["added_tokens"]:
                token.update(lstrip=True, rstrip=True)
            write_byte_level(folder / "phi4.gguf", made, name, special)
            ids["phi4"] = encoded(made)
    for one, other in [("llama-bpe", "dbrx"), ("dbrx", "qwen2"), ("qwen2", "qwen35"), ("tekken", "gpt-4o"), ("gpt-2", "smollm"), ("dbrx", "deepseek-v3")]:
        assert ids[one] != ids[other], (one, other)
    with tempfile.TemporaryDirectory() as scratch:
        for name, (made, rest) in sentence_pieces(scratch).items():
            write_sentence_piece(folder / f"{name}.gguf", made, {"unk": 0, "bos": 1, "eos": 2}, **rest)
            ids[name] = encoded(made)
    cases = {"texts": TEXTS, "ids": ids}
    (folder / "ids.json").write_text(json.dumps(cases, ensure_ascii=False, separators=(",", ":")).replace('],"', '],\n"') + "\n", encoding="utf-8")


def main(folder: Path, check: bool) -> None:
    if not check:
        folder.mkdir(parents=True, exist_ok=True)
        return make(folder)
    with tempfile.TemporaryDirectory() as scratch:
        make(Path(scratch))
        changed = [file.name for file in Path(scratch).iterdir() if file.read_bytes() != (folder / file.name).read_bytes()]
    sys.exit(f"changed: {', '.join(changed)}" if changed else 0)


if __name__ == "__main__":
    if len(sys.argv) not in (2, 3) or sys.argv[2:] not in ([], ["--check"]):
        sys.exit(__doc__)
    main(Path(sys.argv[1]), "--check" in sys.argv)
