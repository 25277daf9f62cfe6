"""Reference numbers for the tests of `crates/analyze`, computed the way the method's notebook computes them.

Needs numpy and nothing else. Run from the root of the repository:

    python3 scripts/analysis_reference.py > crates/analyze/tests/fixtures/analysis_reference.json

The activations come from a small generator that the Rust test repeats, so the fixture holds results only.
"""

import json

import numpy as np

SEED, LAYERS, PROMPTS, HIDDEN = 2024, 3, 5, 16
CONDITIONS = ("normal", "swapped")


def numbers(seed):
    """Knuth's 64-bit linear congruential generator; its top 24 bits give numbers in [-1, 1) exact in f32."""
    state = seed
    while True:
        state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
        yield (state >> 40) / 2**23 - 1.0


def activations():
    """{condition: [layers, prompts, hidden]}, f32. A common offset makes cosines that are far from zero."""
    source = numbers(SEED)
    shape = (len(CONDITIONS), LAYERS, PROMPTS, HIDDEN)
    flat = np.array([next(source) for _ in range(np.prod(shape))], dtype=np.float32)
    values = flat.reshape(shape) + np.arange(HIDDEN, dtype=np.float32) / np.float32(HIDDEN)
    values[1, :, :, ::2] += np.float32(0.5)
    return dict(zip(CONDITIONS, values))


def normalize(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def analyze(normal, swapped):
    normal, swapped = normal.astype(np.float64), swapped.astype(np.float64)
    normal_unit, swapped_unit = normalize(normal), normalize(swapped)
    normal_normal = normal_unit @ normal_unit.T
    swapped_swapped = swapped_unit @ swapped_unit.T
    normal_swapped = normal_unit @ swapped_unit.T
    pairs = PROMPTS * (PROMPTS - 1) / 2
    avg_normal_normal = np.triu(normal_normal, k=1).sum() / pairs
    avg_swapped_swapped = np.triu(swapped_swapped, k=1).sum() / pairs
    within = (avg_normal_normal + avg_swapped_swapped) / 2
    cross = normal_swapped.mean()
    contrast = normal.mean(axis=0) - swapped.mean(axis=0)
    unit = contrast / np.linalg.norm(contrast)
    norms = np.linalg.norm(np.concatenate([normal, swapped]), axis=1)
    return {
        "avg_within_category": within,
        "avg_cross_category": cross,
        "similarity_difference": within - cross,
        "avg_within_positive": avg_normal_normal,
        "avg_within_negative": avg_swapped_swapped,
        "contrast_norm": np.linalg.norm(contrast),
        "mean_residual_norm": norms.mean(),
        "normal_normal": normal_normal.tolist(),
        "normal_swapped": normal_swapped.tolist(),
        "swapped_swapped": swapped_swapped.tolist(),
        "contrast": contrast.tolist(),
        "projections": {"normal": (normal @ unit).tolist(), "swapped": (swapped @ unit).tolist()},
    }


def main():
    data = activations()
    layers = [analyze(data["normal"][layer], data["swapped"][layer]) for layer in range(LAYERS)]
    shape = {"seed": SEED, "layers": LAYERS, "prompts": PROMPTS, "hidden": HIDDEN}
    print(json.dumps({"shape": shape, "results": layers}, indent=1))


if __name__ == "__main__":
    main()
