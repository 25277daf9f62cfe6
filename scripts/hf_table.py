#!/usr/bin/env python3
"""Checks a run's table of similarities against Hugging Face transformers: same tokens, other program, every layer.

    python3 -m venv venv && venv/bin/pip install -r crates/model/reference/requirements.txt
    venv/bin/python scripts/hf_table.py results/tiny data/tiny [--tolerance 1e-3] [--dtype f32|bf16]

The second argument is the model of the run: a folder in Hugging Face layout, a hub id, or a .gguf file. Takes from the run
the rendered prompts' token ids and the positions that were read, nothing else; pools what transformers computes there, and
compares the mean cosines within and across conditions, in float64, with analyze/summary.parquet. Where the model has a
tokenizer, the token ids and the `newline` positions are derived from the texts again too. Exits with 1 where a cosine
column differs by more than the tolerance.
"""
import argparse
import glob
import os
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "crates/model/reference"))
import hf_model  # noqa: E402  (its folder must be on the path first)

try:
    import numpy as np
    import pandas as pd
    import pyarrow.parquet as pq
    import torch
except ImportError as error:
    sys.exit(f"error: {error}; install crates/model/reference/requirements.txt")

COSINES = [
    "avg_within_category", "avg_cross_category", "similarity_difference", "avg_within_positive", "avg_within_negative",
]
NORMS = ["contrast_norm", "mean_residual_norm"]


class RunError(Exception):
    """A message for the user: what in the run's folder can't be checked and why."""


def read(path):
    """A table and its metadata, without the prefix of their names."""
    if not os.path.exists(path):
        raise RunError(f"{path}: no such file; is this the folder of a finished run?")
    try:
        table, footer = pd.read_parquet(path), pq.read_metadata(path).metadata or {}
    except (OSError, ValueError) as error:
        raise RunError(f"{path}: {str(error).splitlines()[0]}") from error
    metadata = {key.decode().removeprefix("roleswap."): value.decode() for key, value in footer.items()}
    if "schema_version" not in metadata:
        raise RunError(f"{path}: not a table of Roleswap, or written again by another program")
    return table, metadata


def recorded_positions(run):
    """{(prompt, condition, pooling): position}, without the poolings that read no single position."""
    parts = sorted(glob.glob(os.path.join(run, "extract/activations/layer=00/part-*.parquet")))
    if not parts:
        raise RunError(f"{run}: no activations")
    rows = pd.concat([read(part)[0] for part in parts])
    rows = rows[rows["position"].notna()]
    keys = zip(rows["prompt_id"], rows["condition"], rows["pooling"])
    return {key: int(position) for key, position in zip(keys, rows["position"])}


def pooled(residuals, pooling, position, opening):
    """`residuals`: [layers, tokens, hidden]; the result: [layers, hidden], in float64."""
    residuals = residuals.double().numpy()
    if position is None:
        return residuals[:, opening if pooling == "opening" else 0:].mean(axis=1)
    return residuals[:, position]


def activations(model, prompts, poolings, positions):
    """{(pooling, condition): [layers, prompts, hidden]}, the prompts in the order of the table."""
    rows = {}
    for prompt in prompts.itertuples():
        residuals = torch.stack(model.forward(prompt.token_ids.tolist()).residuals)
        for pooling in poolings:
            position = positions.get((prompt.prompt_id, prompt.condition, pooling))
            if position is None and pooling not in ("mean", "opening"):
                raise RunError(f'the activations have no position for prompt "{prompt.prompt_id}", pooling {pooling}')
            rows.setdefault((pooling, prompt.condition), []).append(pooled(residuals, pooling, position, prompt.opening))
    return {key: np.stack(vectors, axis=1) for key, vectors in rows.items()}


def summary_row(positive, negative):
    """The method's figures for one layer, of [prompts, hidden] each."""
    unit = [rows / np.linalg.norm(rows, axis=1, keepdims=True) for rows in (positive, negative)]
    pairs = np.triu_indices(len(positive), 1)
    within = [(rows @ rows.T)[pairs].mean() for rows in unit]
    cross = (unit[0] @ unit[1].T).mean()
    norms = np.linalg.norm(np.concatenate([positive, negative]), axis=1)
    return {
        "avg_within_category": sum(within) / 2, "avg_cross_category": cross,
        "similarity_difference": sum(within) / 2 - cross, "avg_within_positive": within[0], "avg_within_negative": within[1],
        "contrast_norm": np.linalg.norm(positive.mean(axis=0) - negative.mean(axis=0)), "mean_residual_norm": norms.mean(),
    }


def expected_table(rows, poolings, positive, negative):
    table = []
    for pooling in poolings:
        for layer, both in enumerate(zip(rows[pooling, positive], rows[pooling, negative])):
            table.append({"layer": layer, "pooling": pooling} | summary_row(*both))
    return pd.DataFrame(table).set_index(["pooling", "layer"]).sort_index()


def tokenizer_of(source):
    """None for a GGUF file and for a folder without one, for which transformers would make up an empty tokenizer."""
    if source.endswith(".gguf"):
        return None
    folder = hf_model.find_folder(source)
    if not os.path.exists(os.path.join(folder, "tokenizer.json")):
        return None
    return hf_model.transformers.AutoTokenizer.from_pretrained(folder)


def newline_position(tokenizer, tokens, opening):
    """The last newline in the header of the opened turn, which begins at `opening`; the last token where it has none."""
    for place in range(len(tokens) - 1, opening - 1, -1):
        if "\n" in tokenizer.decode([tokens[place]]):
            return place
    return len(tokens) - 1


def check_inputs(tokenizer, prompts, positions):
    """The tokens and positions of the run, derived anew."""
    for prompt in prompts.itertuples():
        place = f'prompt "{prompt.prompt_id}", condition "{prompt.condition}"'
        tokens = tokenizer(prompt.text, add_special_tokens=False).input_ids
        if tokens != prompt.token_ids.tolist():
            raise RunError(f"{place}: the model's tokenizer gives {tokens}, the run has {prompt.token_ids.tolist()}")
        rules = {"newline": newline_position(tokenizer, tokens, prompt.opening), "last": len(tokens) - 1}
        for pooling, expected in rules.items():
            found = positions.get((prompt.prompt_id, prompt.condition, pooling), expected)
            if found != expected:
                raise RunError(f"{place}, pooling {pooling}: the run read position {found}, the rule says {expected}")


def compare(run, source, dtype):
    """Prints the differences; returns the largest of a cosine column."""
    prompts, _ = read(os.path.join(run, "extract/prompts.parquet"))
    found, metadata = read(os.path.join(run, "analyze/summary.parquet"))
    found = found.set_index(["pooling", "layer"]).sort_index()
    positions = recorded_positions(run)
    tokenizer = tokenizer_of(source)
    if tokenizer is not None:
        check_inputs(tokenizer, prompts, positions)
    model = hf_model.open_model(source, dtype)
    if str(model.layers) != metadata["layers"] or str(model.config.hidden_size) != metadata["hidden_size"]:
        raise RunError(
            f"{source} has {model.layers} layers of size {model.config.hidden_size}, "
            f"the run {metadata['layers']} of size {metadata['hidden_size']}"
        )
    poolings = list(dict.fromkeys(found.index.get_level_values("pooling")))
    rows = activations(model, prompts, poolings, positions)
    expected = expected_table(rows, poolings, metadata["positive"], metadata["negative"])
    if not expected.index.equals(found.index):
        raise RunError(f"{run}: the summary has other layers or poolings than the model and the prompts give")
    checked = "derived again and equal" if tokenizer is not None else "as the run has them (no tokenizer to check with)"
    print(f"{run} ({metadata['dtype']} on {metadata['device']}) against transformers ({dtype}): {len(found)} rows of")
    print(f"{model.layers} layers and poolings {', '.join(poolings)}; token ids and positions {checked}")
    difference = (found[COSINES + NORMS] - expected).abs()
    difference[NORMS] /= expected[NORMS].abs()
    for column in COSINES + NORMS:
        pooling, layer = difference[column].idxmax()
        kind = "relative" if column in NORMS else "absolute"
        print(f"{column:22} largest {kind} difference {difference[column].max():.2e} (layer {layer}, {pooling})")
    # `max` would pass over a NaN, which is a difference too.
    return difference[COSINES].to_numpy().max()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("results_folder")
    parser.add_argument("model")
    parser.add_argument("--tolerance", type=float, default=1e-3, help="for the cosine columns; 1e-3 by default")
    parser.add_argument("--dtype", choices=hf_model.DTYPES, default="f32", help="of transformers' weights and activations")
    options = parser.parse_args()
    torch.set_num_threads(1)
    try:
        worst = compare(options.results_folder.rstrip("/"), options.model, options.dtype)
    except (RunError, hf_model.ModelError) as error:
        sys.exit(f"error: {error}")
    agree = worst <= options.tolerance
    print(f"{'agree' if agree else 'DIFFER'}: largest difference of a cosine {worst:.2e}, tolerance {options.tolerance:g}")
    sys.exit(not agree)


if __name__ == "__main__":
    main()
