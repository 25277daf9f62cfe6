"""Files in GGUF that hold only a tokenizer, as llama.cpp's convert_hf_to_gguf.py makes them of a tokenizer.json."""
import gguf

NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE = 1, 2, 3, 4, 5, 6


def looks_special(text: str) -> bool:
    """The converter calls some tokens control tokens that the model doesn't."""
    return (
        text in ("<pad>", "<mask>", "<2mass>", "[@BOS@]")
        or (text.startswith("<|") and text.endswith("|>"))
        or (text.startswith("<\uff5c") and text.endswith("\uff5c>"))
        or (text.startswith("<unused") and text.endswith(">"))
    )


def pairs(model: dict) -> list[tuple[str, str]]:
    return [tuple(merge.split(" ")) if isinstance(merge, str) else tuple(merge) for merge in model["merges"]]


def vocabulary(tokenizer: dict, rows: int = 0) -> tuple[list[str], list[int]]:
    """Texts and types by id; rows without a token are padding, of which there are more up to `rows`."""
    by_id = {id: text for text, id in tokenizer["model"]["vocab"].items()}
    added = {token["id"]: token for token in tokenizer["added_tokens"]}
    by_id.update({id: token["content"] for id, token in added.items()})
    texts, types = [], []
    for id in range(max(rows, max(by_id) + 1)):
        if id not in by_id:
            text, kind = f"[PAD{id}]", UNUSED
        elif id not in added:
            text, kind = by_id[id], NORMAL
        elif added[id]["special"] or looks_special(by_id[id]):
            text, kind = by_id[id], CONTROL
        else:
            text, kind = by_id[id].replace("\u2581", " "), USER_DEFINED
        texts.append(text)
        types.append(kind)
    return texts, types


def write_byte_level(path, tokenizer: dict, pre: str, special: dict[str, int], rows: int = 0) -> None:
    """`special` are ids under names such as `bos`."""
    texts, types = vocabulary(tokenizer, rows)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre(pre)
    writer.add_token_list(texts)
    writer.add_token_types(types)
    # A space within a part is written as the letter 256 places above it.
    merges = [" ".join(part.replace(" ", "\u0120") for part in pair) for pair in pairs(tokenizer["model"])]
    writer.add_token_merges(merges)
    finish(writer, special)


def write_sentence_piece(path, tokenizer: dict, special: dict[str, int], architecture="llama", prefix=None, template=None, lists=False) -> None:
    """The scores of a vocabulary that was learned as a BPE are the places at which tokens were learned; runs of spaces come last in all but
    Gemma's, where they are added tokens. With `lists`, the merges are listed, as for Gemma 4, and no score means anything.
    """
    texts, types = vocabulary(tokenizer)
    rank, scores = 0, []
    for id, text in enumerate(texts):
        if types[id] == NORMAL and len(text) == 6 and text.startswith("<0x"):
            types[id] = BYTE
        if text == tokenizer["model"]["unk_token"]:
            types[id] = UNKNOWN
        if types[id] == NORMAL and set(text) == {"\u2581"} and not architecture.startswith("gemma"):
            scores.append(-1e9)
        elif types[id] == NORMAL:
            scores.append(-float(rank))
            rank += 1
        else:
            scores.append(0.0 if types[id] == BYTE else -1000.0)
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_tokenizer_model("gemma4" if lists else "llama")
    if not lists:
        writer.add_tokenizer_pre("default")
    writer.add_token_list(texts)
    writer.add_token_scores([-1000.0] * len(texts) if lists else scores)
    writer.add_token_types(types)
    if lists:
        writer.add_token_merges([" ".join(pair) for pair in pairs(tokenizer["model"])])
    if prefix is not None:
        writer.add_add_space_prefix(prefix)
    if template is not None:
        writer.add_chat_template(template)
    finish(writer, special)


def finish(writer: gguf.GGUFWriter, special: dict[str, int]) -> None:
    for name, id in special.items():
        getattr(writer, f"add_{name}_token_id")(id)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
