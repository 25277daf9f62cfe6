#!/usr/bin/env python3
"""Reads the tables of a run with DuckDB, Polars, pandas and pyarrow, and checks that all see the same numbers.

    python3 -m venv venv && venv/bin/pip install -r scripts/readers-requirements.txt
    venv/bin/python scripts/read_results.py results/tiny

Exits with an error that names the reader and the table where one of them sees something else.
"""
import glob
import json
import sys

import duckdb
import numpy as np
import pandas as pd
import polars as pl
import pyarrow.parquet as pq


def activations(run):
    files = sorted(glob.glob(f"{run}/extract/activations/layer=*/part-0.parquet"))
    assert files, f"{run}: no activations"
    for layer, file in enumerate(files):
        table = pq.read_table(file)
        metadata = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        footer = {key.decode(): value.decode() for key, value in pq.read_metadata(file).metadata.items()}
        assert footer["roleswap.layer"] == str(layer), f"pyarrow, {file}: layer {footer.get('roleswap.layer')}"
        assert len(footer["roleswap.model_fingerprint"]) == 64, f"pyarrow, {file}: no model fingerprint"
        # The extension type makes the column a tensor of [rows, hidden].
        arrow = table.column("activation").combine_chunks()
        arrow = arrow.chunk(0) if hasattr(arrow, "chunk") else arrow
        tensor = arrow.to_numpy_ndarray()
        assert tensor.shape == (table.num_rows, int(footer["roleswap.hidden_size"])), f"pyarrow, {file}: {tensor.shape}"
        norms = np.asarray(table.column("norm"))
        assert np.allclose(np.linalg.norm(tensor.astype(np.float64), axis=1), norms, rtol=1e-6), f"pyarrow, {file}: norms"
        seen = {
            "polars": pl.read_parquet(file)["activation"].to_numpy(),
            "pandas": np.stack(pd.read_parquet(file)["activation"].to_numpy()),
            "duckdb": np.array(duckdb.sql(f"SELECT activation FROM '{file}'").fetchall(), dtype=np.float32)[:, 0, :],
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
        rows = pd.read_parquet(f"{run}/extract/activations/layer={layer:02}/part-0.parquet").query("pooling == 'newline'")
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


def other_tables(run):
    tables = [f"{run}/analyze/{name}.parquet" for name in ("summary", "similarities", "projections", "vectors")]
    tables += [f"{run}/steer/generations.parquet", f"{run}/extract/prompts.parquet"]
    for file in tables:
        counts = {
            "pyarrow": pq.read_table(file).num_rows,
            "polars": pl.read_parquet(file).height,
            "pandas": len(pd.read_parquet(file)),
            "duckdb": duckdb.sql(f"SELECT count(*) FROM '{file}'").fetchall()[0][0],
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
    tables = other_tables(run)
    print(f"{run}: {layers} layers of activations and {tables} other tables read alike by pyarrow, Polars, pandas and DuckDB")


if __name__ == "__main__":
    main()
