"""Interventions in the residual stream, by their formulas, as make_reference.py applies them after one layer.

With h a residual, v a direction and u = v / (|v| + 1e-8):

    addition       h + c v
    ablation       h - (h.u) u + c v
    mean-ablation  h - (h.u) u + m
    capping        h - max(h.u - t, 0) u
"""
import json

import torch

# Of numbers that f32 holds exactly. The direction's are uniform in [-1, 1).
COEFFICIENTS = {"addition": 1.5, "ablation": 0.75}
DIRECTION_STEPS = 2**24


def unit(direction):
    direction = direction.double()
    return (direction / (direction.norm() + 1e-8)).float()


def projections(residual, direction):
    return residual @ unit(direction)


def without(residual, direction):
    return residual - projections(residual, direction)[:, None] * unit(direction)


def changed(residual, row, vectors):
    """`residual` [tokens, hidden] after the intervention that `row` describes."""
    direction = vectors["vector"]
    if row["kind"] == "addition":
        new = residual + row["coefficient"] * direction
    elif row["kind"] == "ablation":
        new = without(residual, direction) + row["coefficient"] * direction
    elif row["kind"] == "mean-ablation":
        new = without(residual, direction) + vectors["mean"]
    else:
        excess = (projections(residual, direction) - row["threshold"]).clamp(min=0)
        new = residual - excess[:, None] * unit(direction)
    if row["positions"] == "last":
        new = torch.cat([residual[:-1], new[-1:]])
    return new


def rows(layer, residual, direction):
    """What is done: each kind at all positions, and addition also at the last one. The threshold is about the median
    of the projections, so that capping changes about half of the positions."""
    threshold = round(float(projections(residual, direction).median()), 2)
    everywhere = dict(layer=layer, positions="all")
    return [
        dict(name="addition", kind="addition", coefficient=COEFFICIENTS["addition"], **everywhere),
        dict(name="addition-last", kind="addition", coefficient=COEFFICIENTS["addition"], layer=layer, positions="last"),
        dict(name="ablation", kind="ablation", coefficient=COEFFICIENTS["ablation"], **everywhere),
        dict(name="mean-ablation", kind="mean-ablation", **everywhere),
        dict(name="capping", kind="capping", threshold=threshold, **everywhere),
    ]


def reference(model, tokens, residuals, numbers):
    """The tensors, and the metadata as JSON. `numbers` is a stream of integers below DIRECTION_STEPS; `residuals` are those
    of the pass that nothing changes."""
    layer = (model.layers - 1) // 2
    residual = residuals[layer]
    draws = [next(numbers) for _ in range(residual.shape[1])]
    direction = torch.tensor(draws, dtype=torch.float32) / (DIRECTION_STEPS // 2) - 1
    vectors = {"vector": direction, "mean": residual.mean(0)}
    table = rows(layer, residual, direction)
    tensors = {f"intervention.{name}": vector for name, vector in vectors.items()}
    for row in table:
        with model.changed_layer(layer, lambda residual: changed(residual, row, vectors)):
            tensors[f"intervention.{row['name']}"] = model.forward(tokens).residuals[-1]
    return tensors, json.dumps(table)
