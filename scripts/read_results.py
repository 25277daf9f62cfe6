#!/usr/bin/env python3
"""Reads the tables of a run with DuckDB, Polars, pandas, pyarrow and datasets, and checks that all see the same numbers.

    python3 -m venv venv && venv/bin/pip install -r scripts/readers-requirements.txt
    venv/bin/python scripts/read_results.py results/tiny

Exits with an error that names the reader and the table where one of them sees something else.
"""
import glob
import itertools
import json
import sys

import datasets
import duckdb
import gguf
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq
from safetensors.numpy import load_file

datasets.disable_progress_bars()


def activations(run):
    files = sorted(glob.glob(f"{run}/extract/activations/layer=*/part-0.parquet"))
    assert files, f"{run}: no activations"
    for layer, file in enumerate(files):
        table = pq.read_table(file)
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        footer = {key.decode(): value.decode() for key, value in pq.read_metadata(file).metadata.items()}
        assert footer["roleswap.layer"] == str(layer), f"pyarrow, {file}: layer {footer.get('roleswap.layer')}"
        assert len(footer["roleswap.model_fingerprint"]) == 64, f"pyarrow, {file}: no model fingerprint"
        arrow = table.column("activation").combine_chunks()
        arrow = arrow.chunk(0) if hasattr(arrow, "chunk") else arrow
        tensor = arrow.flatten().to_numpy().reshape(len(arrow), -1)
        assert tensor.shape == (table.num_rows, int(footer["roleswap.hidden_size"])), f"pyarrow, {file}: {tensor.shape}"
        norms = np.asarray(table.column("norm"))
        assert np.allclose(np.linalg.norm(tensor.astype(np.float64), axis=1), norms, rtol=1e-6), f"pyarrow, {file}: norms"
        seen = {
            "polars": pl.read_parquet(file)["activation"].to_numpy(),
            "pandas": np.stack(pd.read_parquet(file)["activation"].to_numpy()),
            "duckdb": np.array(duckdb.sql(f"SELECT activation FROM '{file}'").fetchall(), dtype=np.float32)[:, 0, :],
            "datasets": datasets.load_dataset("parquet", data_files=file, split="train").with_format("numpy")["activation"][:],
        }
        for reader, values in seen.items():
            assert np.array_equal(values, tensor), f"{reader}, {file}: other activations than pyarrow"
    everything = f"{run}/extract/activations/*/*.parquet"
    layers = duckdb.sql(f"SELECT count(DISTINCT layer) FROM read_parquet('{everything}', hive_partitioning = true)").fetchall()[0][0]
    assert layers == len(files), f"duckdb: {layers} layers in the partitions"
    assert pl.scan_parquet(everything, hive_partitioning=True).select(pl.col("layer").n_unique()).collect().item() == len(files)
    return len(files)


def similarities(run):
    """The summary from the activations, computed here with numpy from the method's formulas."""
    summary = pd.read_parquet(f"{run}/analyze/summary.parquet").query("pooling == 'newline'").set_index("layer")
    for layer in summary.index:
        rows = pd.concat(map(pd.read_parquet, sorted(glob.glob(f"{run}/extract/activations/layer={layer:02}/part-*.parquet")))).query("pooling == 'newline'")
        unit = {}
        for condition, group in rows.groupby("condition"):
            matrix = np.stack(group["activation"].to_numpy()).astype(np.float64)
            unit[condition] = matrix / np.linalg.norm(matrix, axis=1, keepdims=True)
        upper = np.triu_indices(len(unit["normal"]), 1)
        within = [(unit[name] @ unit[name].T)[upper].mean() for name in ("normal", "swapped")]
        cross = (unit["normal"] @ unit["swapped"].T).mean()
        expected = [sum(within) / 2, cross, sum(within) / 2 - cross]
        columns = ["avg_within_category", "avg_cross_category", "similarity_difference"]
        assert np.allclose(summary.loc[layer, columns].to_numpy(dtype=float), expected, atol=1e-9), f"summary, layer {layer}"


def statistics(run):
    """Some of what the figures are worth, from the activations: labels really swapped, means really taken away."""
    table = pd.read_parquet(f"{run}/analyze/statistics.parquet").query("pooling == 'newline'").set_index("layer")
    for layer in table.index:
        rows = pd.concat(map(pd.read_parquet, sorted(glob.glob(f"{run}/extract/activations/layer={layer:02}/part-*.parquet")))).query("pooling == 'newline'")
        pair = [np.stack(rows.query(f"condition == '{name}'")["activation"].to_numpy()).astype(np.float64) for name in ("normal", "swapped")]
        n = len(pair[0])
        differences = []
        for swaps in itertools.product((False, True), repeat=n):
            keep = np.array(swaps)[:, None]
            differences.append(difference(np.where(keep, pair[1], pair[0]), np.where(keep, pair[0], pair[1])))
        differences = np.array(differences)
        distance = np.abs(differences - differences.mean())
        p = (distance >= distance[0] - 1e-12).mean()
        mean = np.concatenate(pair).mean(axis=0)
        unit = [matrix / np.linalg.norm(matrix, axis=1, keepdims=True) for matrix in pair]
        expected = {
            "permutation_difference": differences[0],
            "permutation_mean": differences.mean(),
            "permutation_deviation": differences.std(),
            "permutation_p": p,
            "centred_difference": difference(pair[0] - mean, pair[1] - mean),
            "matched": (unit[0] * unit[1]).sum(axis=1).mean(),
        }
        for column, value in expected.items():
            assert np.isclose(table.loc[layer, column], value, atol=1e-9), f"statistics, layer {layer}: {column} is not {value}"


def difference(positive, negative):
    unit = [matrix / np.linalg.norm(matrix, axis=1, keepdims=True) for matrix in (positive, negative)]
    upper = np.triu_indices(len(positive), 1)
    return np.mean([(matrix @ matrix.T)[upper].mean() for matrix in unit]) - (unit[0] @ unit[1].T).mean()


def doses(run):
    """The figures of the doses from their texts."""
    key = ["layer", "operation", "direction", "direction_number", "coefficient", "percentile", "condition"]
    table = pd.read_parquet(f"{run}/dose/doses.parquet")
    texts = pd.read_parquet(f"{run}/dose/texts.parquet")
    for frame in (table, texts):
        # Empty cells are no keys.
        numbers = ["layer", "coefficient", "percentile"]
        frame[numbers] = frame[numbers].fillna(-999.0)
    table = table.set_index(key).sort_index()
    assert np.allclose(texts["log_odds"], texts["surprise_negative"] - texts["surprise_positive"], atol=1e-12)
    texts["likelier"] = texts[["surprise_positive", "surprise_negative"]].min(axis=1)
    unsteered = texts.query("operation == 'unsteered'")
    before = unsteered.set_index(["condition", "prompt_id"])["log_odds"]
    toward = texts["condition"].map({"normal": -1.0, "swapped": 1.0})
    texts["moved"] = toward * (texts["log_odds"] - before.loc[list(zip(texts["condition"], texts["prompt_id"]))].to_numpy())
    texts["crossed"] = (texts["condition"] == "normal") == (texts["log_odds"] < 0)
    texts["ended"] = texts["finish_reason"] == "stop"
    groups = texts.groupby(key)
    means = groups[["log_odds", "moved", "crossed", "ended", "likelier", "distinct_2"]].mean().sort_index()
    assert means.index.equals(table.index), "other doses in the texts than in the table"
    ratio = np.exp(means["likelier"] - unsteered["likelier"].mean())
    for column, values in {
        "log_odds": means["log_odds"],
        "effect": means["moved"],
        "crossed": means["crossed"],
        "ended": means["ended"],
        "distinct_2": means["distinct_2"],
        "perplexity_ratio": ratio,
        "wrong_way": groups["moved"].agg(lambda moved: (moved < 0).mean()).sort_index(),
    }.items():
        assert np.allclose(table[column], values, atol=1e-9), f"doses: {column}"
    return len(table)


def exports(run):
    """The contrast in the files for other tools, read by their own packages."""
    contrast = load_file(f"{run}/analyze/contrast.safetensors")["contrast"]
    folder = f"{run}/analyze/export"
    assert np.array_equal(np.load(f"{folder}/contrast.npy"), contrast), "contrast.npy"
    reader = gguf.GGUFReader(f"{folder}/contrast.gguf")
    directions = {tensor.name: tensor.data for tensor in reader.tensors}
    assert list(directions) == [f"direction.{layer}" for layer in range(1, len(contrast))], f"contrast.gguf: {list(directions)}"
    assert all(np.array_equal(directions[f"direction.{layer}"], contrast[layer]) for layer in range(1, len(contrast))), "contrast.gguf"
    assert reader.get_field("general.architecture").contents() == "controlvector"
    for layer, row in enumerate(contrast):
        with open(f"{folder}/neuronpedia/contrast/L{layer}.json") as file:
            body = json.load(file)
        # A model that Neuronpedia has no name for, such as the embedded one, has a note instead.
        assert body.get("modelId", "gemma-").startswith("gemma-"), f"neuronpedia, layer {layer}: {body['modelId']}"
        assert body["layerNumber"] == layer and np.array_equal(np.float32(body["vector"]), row), f"neuronpedia, layer {layer}"
    return len(contrast)


def other_tables(run):
    names = ("summary", "similarities", "projections", "vectors", "statistics", "depth")
    tables = [f"{run}/analyze/{name}.parquet" for name in names]
    tables += [f"{run}/steer/generations.parquet", f"{run}/steer/lens.parquet", f"{run}/extract/prompts.parquet"]
    tables += [f"{run}/dose/doses.parquet", f"{run}/dose/texts.parquet"]
    for file in tables:
        counts = {
            "pyarrow": pq.read_table(file).num_rows,
            "polars": pl.read_parquet(file).height,
            "pandas": len(pd.read_parquet(file)),
            "duckdb": duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0],
            "datasets": len(datasets.load_dataset("parquet", data_files=file, split="train")),
        }
        assert len(set(counts.values())) == 1 and counts["pyarrow"] > 0, f"{file}: {counts}"
    steered = duckdb.sql(f"SELECT DISTINCT coefficient FROM '{run}/steer/generations.parquet' WHERE \"set\" = 'steered'").fetchall()
    with open(glob.glob(f"{run}/steer/*_steer.json")[0]) as file:
        keys = {key for texts in json.load(file).values() for key in texts}
    assert keys == {str(value) for (value,) in steered}, f"{keys} in the JSON file, {steered} in the table"
    return len(tables)


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    run = sys.argv[1].rstrip("/")
    layers = activations(run)
    similarities(run)
    statistics(run)
    swept = doses(run)
    tables = other_tables(run)
    exported = exports(run)
    print(f"{run}: {layers} layers of activations and {tables} other tables read alike by pyarrow, Polars, pandas, DuckDB and datasets")
    print(f"{run}: the contrast of {exported} layers is the same in safetensors, .npy, GGUF and Neuronpedia's JSON")
    print(f"{run}: similarities, label swaps and the figures of {swept} doses are what numpy and pandas make of the rows")


if __name__ == "__main__":
    main()
