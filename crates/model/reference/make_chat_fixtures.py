#!/usr/bin/env python3
"""What Hugging Face transformers renders of conversations in published chat formats, and of small templates that probe Jinja.

    venv/bin/python crates/model/reference/make_chat_fixtures.py crates/model/tests/fixtures/chat [--check]

Reads OUT/templates/*.jinja and writes OUT/NAME.json for each of `FORMATS`, and OUT/engine.json for the probes in
chat_engine_templates.py. All of it goes through `apply_chat_template` of a tokenizer, so that the templates see the
variables that they see there (`tools` and `documents` as none, the special tokens that there are, and no others).
`--check` writes nothing, and exits with 1 where a file is not what would be written. The README beside the fixtures says
what is in them.
"""
import argparse
import json
import os
import sys
from datetime import datetime

import chat_engine_templates

try:
    import jinja2
    import tokenizers
    import transformers
    from transformers.utils import chat_template_utils
except ImportError as error:
    sys.exit(f"error: {error}; install crates/model/reference/requirements.txt")

# Stands for the text of the user's turn that is opened; the rendered text is cut before it.
MARK = "RoleswapOpensTheTurnHere"
PROMPTS = (
    "Who are you?", "What is your name?", "Can you help me?", "What is your job?", "What do you like to do?",
    "What is the meaning of life?",
)
SYSTEM = "Answer in one sentence."
# What `strip` of Python takes for white space, and what other languages don't: file separators, no-break and em spaces.
SPACED = " \n\x1c\x1f\u00a0\u2003 Hi. \n"
# Not white space for Python, though they look like it.
INVISIBLE = "\u200b\ufeffHi.\u2060"
DATES = ("2025-07-04", "2024-02-29")

GEMMA = {"bos_token": "<bos>", "eos_token": "<eos>", "unk_token": "<unk>", "pad_token": "<pad>"}
LLAMA2 = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>"}
LLAMA3 = {"bos_token": "<|begin_of_text|>", "eos_token": "<|eot_id|>"}
QWEN = {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|endoftext|>"}
PHI4 = {"bos_token": "<|endoftext|>", "eos_token": "<|im_end|>", "pad_token": "<|dummy_85|>"}
PHI4_MINI = {name: "<|endoftext|>" for name in ("bos_token", "eos_token", "unk_token", "pad_token")}
THINKING = ({"enable_thinking": False}, {"enable_thinking": True})

# Name: which repositories publish the format, special tokens, and arguments that its template knows.
FORMATS = {
    "gemma2": ("google/gemma-2-*-it, google/gemma-*-it", GEMMA, ()),
    "gemma3": ("google/gemma-3-*-it", GEMMA, ()),
    "gemma4": ("google/gemma-4-*-it from 12B on", GEMMA, THINKING),
    "llama2": ("meta-llama/Llama-2-*-chat-hf", LLAMA2, ()),
    "llama3_1": ("meta-llama/Llama-3.1-*-Instruct", LLAMA3, ({"date_string": "1 Jan 2030"},)),
    "llama3_2": ("meta-llama/Llama-3.2-*-Instruct", LLAMA3, ({"date_string": "1 Jan 2030"},)),
    "qwen2_5": ("Qwen/Qwen2.5-*-Instruct", QWEN, ()),
    "qwen3": ("Qwen/Qwen3-* of April 2025", QWEN, THINKING),
    "mistral_v0_1": ("mistralai/Mistral-7B-Instruct-v0.1", LLAMA2, ()),
    "mistral_v0_3": ("mistralai/Mistral-7B-Instruct-v0.3", LLAMA2, ()),
    "smollm2": (
        "HuggingFaceTB/SmolLM2-*-Instruct",
        {"bos_token": "<|im_start|>", "eos_token": "<|im_end|>", "unk_token": "<|endoftext|>", "pad_token": "<|im_end|>"},
        (),
    ),
    "smollm3": ("HuggingFaceTB/SmolLM3-3B", {"bos_token": None, "eos_token": "<|im_end|>", "pad_token": "<|im_end|>"}, THINKING),
    "phi4": ("microsoft/phi-4", PHI4, ()),
    "phi4_early": ("microsoft/phi-4 as first published", PHI4, ()),
    "phi4_mini": ("microsoft/Phi-4-mini-instruct", PHI4_MINI, ()),
    "olmo2": (
        "allenai/OLMo-2-*-Instruct",
        {"bos_token": "<|endoftext|>", "eos_token": "<|endoftext|>", "unk_token": "<|endoftext|>", "pad_token": "<|pad|>"},
        (),
    ),
    "deepseek_r1_distill": (
        "deepseek-ai/DeepSeek-R1-Distill-*",
        {"bos_token": "<｜begin▁of▁sentence｜>", "eos_token": "<｜end▁of▁sentence｜>", "pad_token": "<｜end▁of▁sentence｜>"},
        (),
    ),
}


class FixedClock(datetime):
    """The clock that `strftime_now` reads."""
    at = None

    @classmethod
    def now(cls, tz=None):
        if cls.at is None:
            raise RuntimeError("a template reads the clock in a case without a date")
        return datetime.fromisoformat(cls.at)


def make_tokenizer(template, special_tokens):
    """A tokenizer of one word: rendering needs nothing of it but its special tokens."""
    words = tokenizers.Tokenizer(tokenizers.models.WordLevel({"Hello": 0}, unk_token="Hello"))
    known = {name: token for name, token in special_tokens.items() if token is not None}
    return transformers.PreTrainedTokenizerFast(tokenizer_object=words, chat_template=template, **known)


def render(tokenizer, messages, opens, arguments, date):
    """The text, or the exception; `opens` is "assistant", "user" or None."""
    FixedClock.at = date
    if opens == "user":
        messages = [*messages, turn("user", MARK)]
    try:
        text = tokenizer.apply_chat_template(
            messages, add_generation_prompt=opens == "assistant", tokenize=False, **arguments
        )
    except Exception as error:  # Jinja raises what its operands raise.
        return error
    return text[: text.rindex(MARK)] if opens == "user" else text


def turn(role, content):
    return {"role": role, "content": content}


def chat(*texts):
    """The user begins, and turns alternate."""
    return [turn(("user", "assistant")[index % 2], text) for index, text in enumerate(texts)]


def conversations():
    """(messages, opens) of each case without arguments."""
    system = [turn("system", SYSTEM)]
    for prompt in PROMPTS:
        yield chat(prompt), "assistant"
        yield chat("Hello.", prompt), "user"
    for messages in (chat(PROMPTS[0]), chat("Hello.", PROMPTS[0])):
        for opens in ("assistant", "user", None):
            yield messages, opens
            yield system + messages, opens
    yield system + chat("Hello.", "Hi.", PROMPTS[0]), "assistant"
    yield [turn("system", "")] + chat(PROMPTS[0]), "assistant"
    yield [turn("system", SPACED)] + chat(PROMPTS[0]), "assistant"
    yield chat(PROMPTS[0]) + system + [turn("assistant", "Hi.")], "user"
    yield system, "assistant"
    for text in (SPACED, INVISIBLE, "", "\n\nHi.\n\n"):
        yield chat(text), "assistant"
        yield chat("Hello.", text), "user"
        yield chat("Hello.", text), None
    yield from thoughts()
    yield from odd_texts()
    yield [turn("user", "Hello."), turn("user", PROMPTS[0])], "assistant"
    yield [turn("user", "Hello."), turn("user", PROMPTS[0])], "user"
    yield chat("Hello.", "Hi.") + [turn("assistant", "Who?")], "user"
    yield [turn("assistant", "Hi."), turn("user", PROMPTS[0])], "assistant"


def thoughts():
    thought, other = "<think>\nThe user greets.\n</think>\n\nHi.", "<think>Hm.</think>Yes."
    for first in (thought, other, "<think>\n\n</think>\n\nHi.", "</think>Hi.", "<think>\nstill at it", "a</think>b</think>\n\nc"):
        yield chat("Hello.", first), "user"
        yield chat("Hello.", first), None
        yield chat("Hello.", first, PROMPTS[0]), "assistant"
    yield chat("Hello.", thought, PROMPTS[0], other), "user"
    yield chat("Hello.", thought, PROMPTS[0], other), None
    yield chat("Hello.", thought, "<tool_response>4</tool_response>", other, "Why?"), "assistant"
    yield chat("Hello.", "<|channel>thought\nHm.<channel|> Yes. "), "user"
    yield chat("/no_think Hello."), "assistant"
    for text in ("/no_think", "Be brief. /no_think", "Be brief. /think ", "/system_override Be odd. "):
        yield [turn("system", text)] + chat("Hello.", "Hi.", "Who?"), "assistant"


def odd_texts():
    yield chat("Hello.", "Hi. How can I help?", "Who are you?", "A program.", "Who made you?", "People did."), "user"
    yield chat("Hello.", "Hi. How can I help?", "Who are you?", "A program.", "Who made you?"), "assistant"
    for text in (
        "Grüße, 你好, नमस्ते, שלום, 😀👩\u200d👩\u200d👧 e\u0301", "{{ bos_token }} {% raw %} {# no #} {{ '{{' }}", "<b>a & b</b> 'single' \"double\"",
        "%s %d %(role)s {0} {role}", "back\\slash \\n \t tab\r\nline\rend", "Line one\n\n  line two  \n\tline three", "user\nmodel\nassistant",
    ):
        yield chat(text), "assistant"
        yield chat("Hello.", text), "user"


def format_cases(name, template, special_tokens, arguments):
    tokenizer = make_tokenizer(template, special_tokens)
    reads_clock = "strftime_now" in template
    date = DATES[0] if reads_clock else None
    rows = [(messages, opens, {}, date) for messages, opens in conversations()]
    for values in arguments:
        for messages, opens in (
            (chat(PROMPTS[0]), "assistant"), (chat("Hello.", PROMPTS[0]), "user"), (chat("Hello.", PROMPTS[0]), None),
            ([turn("system", SYSTEM)] + chat(PROMPTS[0]), "assistant"),
            (chat("Hello.", "<think>\nHm.\n</think>\n\nHi.", PROMPTS[0]), "assistant"),
            (chat("Hello.", "<think>\nHm.\n</think>\n\nHi."), None),
        ):
            rows.append((messages, opens, values, date))
    if reads_clock:
        rows.append((chat(PROMPTS[0]), "assistant", {}, DATES[1]))
    for messages, opens, values, date in rows:
        yield case(tokenizer, name, messages, opens, values, date)


def case(tokenizer, name, messages, opens, arguments, date):
    entry = {"messages": messages, "arguments": arguments, "opens": opens}
    if date:
        entry["date"] = date
    text = render(tokenizer, messages, opens, arguments, date)
    if type(text) is jinja2.exceptions.TemplateError:
        entry["error"] = str(text)
    elif isinstance(text, Exception):
        raise SystemExit(f"error: {name}: {messages}: {type(text).__name__}: {text}")
    else:
        entry["text"] = text
    return entry


def format_file(name, folder):
    published, special_tokens, arguments = FORMATS[name]
    template_file = f"templates/{name}.jinja"
    with open(os.path.join(folder, template_file), encoding="utf-8", newline="") as file:
        template = file.read()
    head = {"name": name, "published": published, "template_file": template_file, "special_tokens": special_tokens}
    return written(head, format_cases(name, template, special_tokens, arguments))


def engine_file():
    """Each probe with the conversation and arguments that it sees. Where Jinja refuses, `why` says in which words."""
    special_tokens = {"bos_token": "<bos>", "eos_token": "<eos>"}
    head = {"special_tokens": special_tokens, "conversations": chat_engine_templates.CONVERSATIONS}

    def cases():
        for topic, template, conversation, arguments, date in chat_engine_templates.probes():
            entry = {"topic": topic, "template": template, "conversation": conversation, "arguments": arguments}
            if date:
                entry["date"] = date
            tokenizer = make_tokenizer(template, special_tokens)
            text = render(tokenizer, chat_engine_templates.CONVERSATIONS[conversation], None, arguments, date)
            if isinstance(text, Exception):
                entry |= {"error": True, "why": f"{type(text).__name__}: {text}"}
            else:
                entry["text"] = text
            yield entry

    return written(head, cases())


def written(head, cases):
    """JSON with one case a line, in ASCII, so that a difference shows which case and which character."""
    lines = [f" {json.dumps(key)}: {json.dumps(value)}," for key, value in head.items()]
    rows = ",\n".join(f"  {json.dumps(entry)}" for entry in cases)
    return "{\n" + "\n".join(lines) + '\n "cases": [\n' + rows + "\n ]\n}\n"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", help="the folder of the fixtures, with templates/ in it")
    parser.add_argument("--check", action="store_true", help="compare with the files that are there")
    options = parser.parse_args()
    transformers.utils.logging.set_verbosity_error()
    chat_template_utils.datetime = FixedClock
    files = {f"{name}.json": format_file(name, options.out) for name in FORMATS}
    files["engine.json"] = engine_file()
    different = []
    for name, text in files.items():
        path = os.path.join(options.out, name)
        if not options.check:
            with open(path, "w", encoding="ascii") as file:
                file.write(text)
        elif not os.path.exists(path) or open(path, encoding="utf-8").read() != text:
            different.append(path)
    for path in different:
        print(f"{path}: is not what would be written; make it again without --check")
    count = sum(text.count("\n  {") for text in files.values())
    print(f"{options.out}: {len(files)} files, {count} cases" + (f", {len(different)} differ" if different else ""))
    sys.exit(bool(different))


if __name__ == "__main__":
    main()
