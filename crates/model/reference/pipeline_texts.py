"""The texts of a pipeline and their tokens, as Hugging Face transformers renders and tokenises them.

Used by make_reference.py. Every prompt is put into every condition, with the chat template, arguments and date of the
pipeline's [model] table and the tokenizer of the model's folder.
"""
import json
import tomllib
from datetime import datetime

import hf_model
import jinja2
import transformers
from transformers.utils import chat_template_utils

# Stands for the text of the turn that is opened, and for a text that was said.
MARK, SAID = "RoleswapOpensTheTurnHere", "RoleswapSaidThisBefore"
ROLES = {"user": "user", "model": "assistant", "assistant": "assistant", "system": "system"}


class Refused(Exception):
    """The chat template raised an exception of its own."""


class FixedClock(datetime):
    """What `strftime_now` asks."""
    day = None

    @classmethod
    def now(cls, tz=None):
        if cls.day is None:
            raise hf_model.ModelError("the chat template asks for today's date; set model.date in the pipeline")
        return datetime.fromisoformat(cls.day)


class ChatFormat:
    def __init__(self, source, table):
        """`table`: the pipeline's [model] table."""
        if source.endswith(".gguf"):
            raise hf_model.ModelError(f"{source}: texts need a folder's tokenizer; give a folder or a hub id")
        self.tokenizer = transformers.AutoTokenizer.from_pretrained(hf_model.find_folder(source))
        self.template = None
        if "chat_template" in table:
            with open(table["chat_template"], encoding="utf-8-sig") as file:
                self.template = file.read()
        self.arguments = table.get("template_arguments", {})
        chat_template_utils.datetime, FixedClock.day = FixedClock, str(table["date"]) if "date" in table else None

    def render(self, messages, add_generation_prompt):
        try:
            return self.tokenizer.apply_chat_template(
                messages, chat_template=self.template, add_generation_prompt=add_generation_prompt, tokenize=False, **self.arguments
            )
        except jinja2.exceptions.TemplateError as error:
            raise Refused(str(error)) from error

    def has_system_turn(self):
        try:
            return SAID in self.render([turn("system", SAID), turn("user", "Question")], True)
        except Refused:
            return False

    def open(self, messages, opens):
        """The model's turn is opened by the template; for the user's, the text is cut where one more turn begins."""
        if opens == "assistant":
            text = self.render(messages, True)
            if messages[-1]["role"] == opens and text == self.render(messages, False):
                raise hf_model.ModelError("the chat template opens no turn of the model behind one of the model")
            return text
        text = self.render([*messages, turn("user", MARK)], False)
        return text[: text.rindex(MARK)]

    def opening(self, role):
        """What opens the turn of `role`, from a conversation in which turns alternate."""
        said = [turn("user", "Question")] if role == "assistant" else [turn("user", "Question"), turn("assistant", "Answer")]
        closed, opened = self.render(said, False), self.open(said, role)
        if not opened.startswith(closed):
            raise hf_model.ModelError("how the chat template opens a turn can't be told: it closes the turn before it otherwise")
        return opened[len(closed):]

    def text(self, messages, opens):
        try:
            return self.open(messages, opens)
        except Refused:
            # Two turns of one speaker in a row: what comes before the other speaker's opening, and then this one's.
            if messages[-1]["role"] != opens:
                raise
            other = "assistant" if opens == "user" else "user"
            return self.open(messages, other).removesuffix(self.opening(other)) + self.opening(opens)


def turn(role, content):
    return {"role": role, "content": content}


def conversations(pipeline):
    """(system, turns, opens) of every prompt in every condition, each once and sorted; `turns` are pairs of speaker and text."""
    with open(pipeline["prompts"]["file"], encoding="utf-8-sig") as file:
        prompts = [json.loads(line)["text"] for line in file if line.strip()]
    found = set()
    for condition in pipeline["conditions"]:
        for prompt in prompts:
            system = condition.get("system")
            turns = tuple((speaker(row["speaker"]), row["text"].replace("{prompt}", prompt)) for row in condition["turns"])
            found.add((None if system is None else system.replace("{prompt}", prompt), turns, speaker(condition["opens"])))
    return sorted(found, key=lambda found: (found[2], found[0] or "", found[0] is not None, found[1]))


def speaker(name):
    return {"assistant": "model"}.get(name, name)


def messages_of(system, turns, has_system_turn):
    """As the template takes them: without a system turn, its text opens the first turn of the user."""
    messages = [turn(ROLES[speaker], text) for speaker, text in turns]
    if system is None:
        return messages
    if has_system_turn:
        return [turn("system", system), *messages]
    first = next((message for message in messages if message["role"] == "user"), None)
    if first is None:
        raise hf_model.ModelError("the chat template has no system turn, and a condition with `system` no turn of the user")
    first["content"] = f"{system}\n\n{first['content']}"
    return messages


def entries(source, table, listed):
    """A dictionary for each of `listed`, as `conversations` gives them."""
    format = ChatFormat(source, table)
    has_system_turn = any(system is not None for system, _, _ in listed) and format.has_system_turn()
    rows = []
    for system, turns, opens in listed:
        try:
            text = format.text(messages_of(system, turns, has_system_turn), ROLES[opens])
        except Refused as error:
            raise hf_model.ModelError(f"the chat template refuses {turns} with the turn of the {opens} opened: {error}") from error
        ids = format.tokenizer(text, add_special_tokens=False)["input_ids"]
        rows.append({"system": system, "turns": [list(pair) for pair in turns], "opens": opens, "text": text, "ids": ids})
    return rows


def read_pipeline(path):
    try:
        with open(path, "rb") as file:
            return tomllib.loads(file.read().decode("utf-8-sig"))
    except (OSError, ValueError) as error:
        raise hf_model.ModelError(f"{path}: {error}") from error


def written(source, path):
    """The JSON that goes into the metadata."""
    pipeline = read_pipeline(path)
    try:
        rows = entries(source, pipeline["model"], conversations(pipeline))
    except (OSError, KeyError, ValueError) as error:
        raise hf_model.ModelError(f"{path}: {type(error).__name__}: {error}") from error
    return compact(rows)


def compact(rows):
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def check(source, path, stored, pipeline):
    """How many texts `path` has in `stored`; they are made again from `pipeline`, or else from the conversations that
    they are of, with the folder's own template."""
    if stored is None:
        if pipeline:
            raise hf_model.ModelError(f"{path}: holds no texts")
        return 0
    rows = json.loads(stored)
    if pipeline:
        again = written(source, pipeline)
    else:
        listed = [(row["system"], tuple(tuple(pair) for pair in row["turns"]), row["opens"]) for row in rows]
        again = compact(entries(source, {}, listed))
    if again != stored:
        raise hf_model.ModelError(f"{path}: its texts are not what they are now")
    return len(rows)
