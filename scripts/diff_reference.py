#!/usr/bin/env python3
"""What `cargo xtask diff` must find between the activations of two small made-up models, from the definitions, in plain Python.

    python3 scripts/diff_reference.py > crates/diff/tests/fixtures/inside.json

Two models, two conditions, five prompts, seven numbers each. All numbers are multiples of 1/16, which f32 holds exactly; sums
are exact (`fractions`), so that no order of summation is favoured. B is A with a common shift, noise and a stretch.
"""
import json
import random
from fractions import Fraction
from math import sqrt

PROMPTS, HIDDEN = 5, 7
CONDITIONS = ["normal", "swapped"]


def sixteenths(value):
    return round(value * 16) / 16


def made_up():
    generator = random.Random(20261130)
    rows = {"a": {}, "b": {}}
    for place, condition in enumerate(CONDITIONS):
        centre = [generator.gauss(1.0 - 2.0 * place * (i % 2), 1.0) for i in range(HIDDEN)]
        shift = [generator.gauss(0.0, 0.5) for _ in range(HIDDEN)]
        a = [[sixteenths(generator.gauss(c, 0.6)) for c in centre] for _ in range(PROMPTS)]
        b = [[sixteenths(1.1 * x + s + generator.gauss(0.0, 0.2)) for x, s in zip(row, shift)] for row in a]
        rows["a"][condition], rows["b"][condition] = a, b
    return rows


def exact(row):
    return [Fraction(value) for value in row]


def dot(x, y):
    return sum((a * b for a, b in zip(x, y)), Fraction(0))


def norm(x):
    return sqrt(dot(x, x))


def cosine(x, y):
    return float(dot(x, y)) / (norm(x) * norm(y))


def minus(x, y):
    return [a - b for a, b in zip(x, y)]


def mean_row(rows):
    return [sum(column, Fraction(0)) / len(rows) for column in zip(*rows)]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def figures(rows):
    a, b = ({c: [exact(row) for row in rows[model][c]] for c in CONDITIONS} for model in "ab")
    contrasts = [minus(*(mean_row(model[c]) for c in CONDITIONS)) for model in (a, b)]
    shifts = {c: mean_row([minus(y, x) for x, y in zip(a[c], b[c])]) for c in CONDITIONS}
    norms = [mean(norm(row) for c in CONDITIONS for row in model[c]) for model in (a, b)]
    found = {"conditions": []}
    for c in CONDITIONS:
        pairs = list(zip(a[c], b[c]))
        found["conditions"].append({
            "cosines": [cosine(x, y) for x, y in pairs],
            "cosine": mean(cosine(x, y) for x, y in pairs),
            "difference": mean(norm(minus(y, x)) / norm(x) for x, y in pairs),
            "shift": norm(shifts[c]) / mean(norm(x) for x in a[c]),
            "along_contrast": cosine(shifts[c], contrasts[0]),
        })
    found["relative_norms"] = [norm(contrast) / scale for contrast, scale in zip(contrasts, norms)]
    found["contrasts_cosine"] = cosine(*contrasts)
    found["shifts_cosine"] = cosine(*shifts.values())
    return found


rows = made_up()
print(json.dumps({"rows": rows, "figures": figures(rows)}))
