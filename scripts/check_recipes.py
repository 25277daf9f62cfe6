#!/usr/bin/env python3
"""Runs the recipes of scripts/recipes/ on results/tiny and compares what they print with the run's own figures.

    venv/bin/pip install -r scripts/readers-requirements.txt
    venv/bin/python scripts/check_recipes.py DuckDB Polars pandas datasets DataFusion
    venv/bin/python scripts/check_recipes.py --write      # writes docs/recipes.md, which shows the recipes

Without names it runs all. The recipes with PyTorch and transformers need crates/model/reference/requirements.txt, the one with R needs
Rscript with arrow and dplyr, and the one in Rust compiles DataFusion. Exits with an error where a figure differs, or where
docs/recipes.md shows another recipe.
"""
import csv
import pathlib
import re
import subprocess
import sys

FOLDER = pathlib.Path("scripts/recipes")
DOCUMENT = pathlib.Path("docs/recipes.md")
RUN = "results/tiny"
# Name, file, language, sentence.
RECIPES = [
    ("DuckDB", "similarity_with_duckdb.sql", "sql", "The same in DuckDB's own shell: `duckdb < scripts/recipes/similarity_with_duckdb.sql`."),
    ("Polars", "similarity_with_polars.py", "python", ""),
    ("pandas", "similarity_with_pandas.py", "python", ""),
    ("datasets", "similarity_with_datasets.py", "python", "Hugging Face's `datasets`, from the activations."),
    ("PyTorch", "similarity_with_pytorch.py", "python", "From the activations, as a tensor of [prompts, layers, hidden]."),
    ("DataFusion", "datafusion/src/main.rs", "rust", "A separate crate outside the workspace, with `datafusion` and `tokio`: `scripts/recipes/datafusion`."),
    ("R", "similarity_with_arrow.R", "r", "Not run by `.ci/run`, which has no R."),
    ("transformers", "steer_with_transformers.py", "python", "Steering with the contrast outside Roleswap. The greedy texts equal those in `steer/generations.parquet`; a script checks this."),
]
BEFORE = """# Recipes

<!-- Made from scripts/recipes: python3 scripts/check_recipes.py --write -->

How to read a run with other tools. Each of the first seven recipes computes one column of `analyze/summary.csv`, the mean cosine across the two
conditions, and `scripts/check_recipes.py` compares the output. Run them from the root of the repository, after `cargo xtask all`.
[schemas.md](schemas.md) describes the columns.
"""
AFTER = """
## A vector in llama.cpp

`analyze/export/contrast.gguf` is a control vector; the scale is the coefficient:

```
llama-cli -m model.gguf --control-vector-scaled results/NAME/analyze/export/contrast.gguf:0.5 --control-vector-layer-range 9 9
```

llama.cpp adds `direction.N` to the output of the 0-based block N, which is our layer N, so the range means our layers. llama.cpp cannot steer block 0.
On Gemma 3 270M (Q4_K_M) the logits move in llama.cpp as they do here (`scripts/llama_cpp_control_vector.py`, through its library; the command
line above was not run). At layer 9, at layer 17, and at layers 1 to 17 together, the two changes have cosines of 0.994 to 0.9998 and differ by 3
to 11 percent, since llama.cpp computes with quantized activations. As a control, a vector applied one layer later gives a different change (62 and 211
percent). At layer 1, where one contrast is a small push, 16 layers magnify the rounding: cosines of 0.86 and 0.96.

## Features of sparse autoencoders

```toml
[[saes]]
name = "scope"
folder = "models/gemma-scope-9b-pt-res/layer_20/width_131k/average_l0_114"
# hook = "blocks.20.hook_resid_post"    # where it reads, for folders that don't say it
```

| folder | kinds |
|---|---|
| `params.npz` (Gemma Scope) | JumpReLU; place and model are read off the names of the folders |
| `config.json`, `params.safetensors` (Gemma Scope 2) | JumpReLU |
| `cfg.json`, `sae_weights.safetensors` (SAELens) | standard, JumpReLU, top-k, batch-top-k with its threshold, gated |

`hf download google/gemma-scope-9b-pt-res --include "layer_20/width_131k/average_l0_114/*" --local-dir models/gemma-scope-9b-pt-res` gets one of them.
Transcoders, autoencoders of single heads or of what heads give before the output projection, and normalisations whose factor is not in the folder
are refused by name. Sites other than the residual stream have to be recorded: `extract.sites = ["hook_mlp_out"]`.

The stage `features` says whether the autoencoder is valid for these activations, and which features differ between the conditions. Steer with one by its
name, `directions = ["sae.scope.12345"]`, at the layer where it reads.
The same names work in `chat` and `serve` (`/steer layer=20 coef=40 vector=sae.scope.12345`). An autoencoder of the residual stream can
also hold a feature at an activation, `kind = "feature-clamping"` with `coefficients = [40.0]`, or take out what it adds,
`kind = "feature-ablation"`; what the autoencoder leaves out of the stream stays in it. Top-k autoencoders, where a feature depends on
all others, and those that normalise each activation are refused.

## Vectors from other tools

```toml
[[vectors]]
name = "refusal"              # its name in sets, in tables and in `contrast.project_out`
file = "data/refusal.npy"     # or a GGUF control vector, or safetensors
layer = 20                    # only for files with a single vector
```

| file | what is read | layers |
|---|---|---|
| `.gguf` | a control vector, F32 `direction.N` | N is the 0-based block whose output it is added to, so our layer N, as in llama.cpp and repeng; `direction.0` only in files of EasySteer |
| `.npy` | floats with 16, 32 or 64 bits, `[layers, hidden]`, `[1, hidden]` or `[hidden]` | row l is our layer l; a single row needs `layer` |
| `.safetensors` | the tensor of the vector's name, or `contrast`, or the only one, or one for each layer by the number in its name (`layer_12`, `model.layers.12`, `blk.12`, `blocks.12.hook_resid_post`, `12`); f16, bf16, f32, f64 | row l, or number l in a name, is our layer l |

A row of zeros is a layer without a vector. A matrix must have as many rows as the model has layers. One that is made from transformers' `hidden_states` has
one more, since its first row belongs to the embeddings: save `v[1:]`. Tensor names that count layers from 1 are refused; they are recognised by
a last number equal to the number of layers.

llama.cpp's own cvector-generator names what it measured after block N `direction.N+1`, and llama.cpp adds it to the output of block N+1. Such a file is
read as llama.cpp applies it, with a warning. To place each vector at the layer where it was measured:

```python
import gguf, numpy as np
rows = {int(tensor.name.split(".")[1]) - 1: tensor.data for tensor in gguf.GGUFReader("control.gguf").tensors}
layers = max(rows) + 2        # it leaves the last layer out
np.save("control.npy", np.stack([rows.get(layer, np.zeros_like(rows[0])) for layer in range(layers)]).astype("<f4"))
```

To convert a torch file to safetensors:
`save_file({"refusal": torch.load("axis.pt", weights_only=True).float()}, "axis.safetensors")`. `analyze/comparisons.parquet` has the cosines with
the run's own vectors, and `directions = ["refusal"]` steers with the vector.
"""


def document():
    parts = [BEFORE]
    for name, file, language, sentence in RECIPES:
        text = (FOLDER / file).read_text(encoding="utf-8").strip()
        parts.append(f"\n## {name}\n\n{sentence}\n\n```{language}\n{text}\n```\n".replace("\n\n\n", "\n\n"))
    return "".join(parts) + AFTER


def output(name, file):
    path = FOLDER / file
    if name == "DuckDB":
        import duckdb

        return "\n".join(f"{layer} {cosine}" for layer, cosine in duckdb.sql(path.read_text()).fetchall())
    command = [sys.executable, path]
    if name == "DataFusion":
        command = ["cargo", "run", "--quiet", "--locked", "--manifest-path", FOLDER / "datafusion/Cargo.toml", "--target-dir", "target/recipes"]
    if name == "R":
        command = ["Rscript", path]
    return subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout


def check_similarity(name, text):
    with open(f"{RUN}/analyze/summary.csv", encoding="utf-8") as file:
        expected = {int(row["layer"]): float(row["avg_cross_category"]) for row in csv.DictReader(file)}
    found = {int(layer): float(cosine) for layer, cosine in re.findall(r"^\W*(\d+)[\s|]+(-?\d\.\d+)", text, re.M)}
    assert found.keys() == expected.keys(), f"{name}: layers {sorted(found)} in\n{text}"
    worst = max(abs(found[layer] - expected[layer]) for layer in expected)
    assert worst < 1e-9, f"{name}: {worst} from summary.csv"
    print(f"{name}: {len(found)} layers, at most {worst:.0e} from summary.csv")


def check_texts(name, text):
    import pandas as pd

    rows = pd.read_parquet(f"{RUN}/steer/generations.parquet").query("set == 'steered' and coefficient == -0.65")
    found = dict(line.split("\t", 1) for line in text.splitlines())
    expected = dict(zip(rows["prompt_id"], rows["text"]))
    assert found == expected, f"{name}: {found} is not {expected}"
    print(f"{name}: {len(found)} steered texts as in generations.parquet")


def main(names):
    if names == ["--write"]:
        DOCUMENT.write_text(document(), encoding="utf-8")
        return
    assert DOCUMENT.read_text(encoding="utf-8") == document(), f"{DOCUMENT} is not what the recipes make; run it with --write"
    unknown = set(names) - {recipe[0] for recipe in RECIPES}
    assert not unknown, f"no recipe is called {unknown}"
    for name, file, _, _ in RECIPES:
        if not names or name in names:
            check = check_texts if name == "transformers" else check_similarity
            check(name, output(name, file))


if __name__ == "__main__":
    main(sys.argv[1:])
