"""Reference numbers for the tests of the crate `statistics`, from scipy, scikit-learn and numpy.

Needs numpy, scipy and scikit-learn; their versions go into the file. Run from the root of the repository:

    python3 scripts/statistics_reference.py crates/statistics/tests/fixtures/statistics.json

Everything is computed from the rows themselves, as it is defined, and never from their inner products: labels
are really swapped, cosines taken over all pairs, covariances built in full. The rows are multiples of 1/1024
that f32 holds exactly, and stand in the file.
"""

import itertools
import json
import sys

import numpy as np
import scipy
import scipy.linalg
import scipy.stats
import sklearn
from sklearn.covariance import ledoit_wolf
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

SEED = 2024
RESAMPLES = 20000
MOST_PROMPTS_FOR_ALL_SWAPS = 10


def exact(values):
    """Rounded to multiples of 1/1024; f32 holds them exactly, since all are below 16,384."""
    rounded = np.round(np.asarray(values) * 1024) / 1024
    assert np.array_equal(rounded.astype(np.float32).astype(np.float64), rounded)
    return rounded


def noise(rng, prompts, hidden):
    """Rows without any structure, drawn until their covariance is wholly shrunk to the identity's multiple."""
    while True:
        plus, minus = exact(rng.normal(size=(2, prompts, hidden)))
        if whitened(plus, minus)["shrinkage"] == 1:
            return plus, minus


def paired_rows(rng, prompts, hidden, contrast, outlier=None):
    """Rows with a mean and a part of each prompt in common, and a contrast of the given size."""
    shared = rng.normal(size=hidden) + rng.normal(size=(prompts, hidden))
    direction = rng.normal(size=hidden) * contrast
    plus = shared + direction / 2 + rng.normal(size=(prompts, hidden))
    minus = shared - direction / 2 + rng.normal(size=(prompts, hidden))
    if outlier is not None:
        plus[:, outlier] = 800 + 60 * rng.normal(size=prompts)
        minus[:, outlier] = 800 + 60 * rng.normal(size=prompts)
    return exact(plus), exact(minus)


def unit_rows(rows):
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def cosines(a, b):
    return unit_rows(a) @ unit_rows(b).T


def off_diagonal_mean(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)].mean()


def similarity(plus, minus):
    within_plus = off_diagonal_mean(cosines(plus, plus))
    within_minus = off_diagonal_mean(cosines(minus, minus))
    cross = cosines(plus, minus)
    within = (within_plus + within_minus) / 2
    return {
        "within_plus": within_plus,
        "within_minus": within_minus,
        "within": within,
        "cross": cross.mean(),
        "difference": within - cross.mean(),
        "matched": np.diag(cross).mean(),
    }


def swapped_differences(plus, minus, swaps):
    """The within minus cross similarity with the rows of the prompts in `swaps` really exchanged."""
    swaps = np.asarray(swaps, dtype=bool)[:, None]
    return similarity(np.where(swaps, minus, plus), np.where(swaps, plus, minus))["difference"]


def label_swap(plus, minus):
    """All labellings, through scipy's permutation test of paired samples; its indices tell the rows."""
    prompts = len(plus)
    rows = np.concatenate([plus, minus])

    def statistic(first, second):
        return similarity(rows[first], rows[second])["difference"]

    result = scipy.stats.permutation_test(
        (np.arange(prompts), np.arange(prompts) + prompts),
        statistic,
        permutation_type="samples",
        vectorized=False,
        n_resamples=np.inf,
    )
    values = result.null_distribution
    assert len(values) == 2**prompts
    centre = values.mean()
    observed = abs(result.statistic - centre)
    return {
        "observed": result.statistic,
        "centre": centre,
        "standard_deviation": values.std(),
        "p": np.mean(np.abs(values - centre) >= observed * (1 - 1e-10)),
    }


def family(layers):
    """Westfall & Young's single-step max-T over the layers, all labellings, each really made."""
    prompts = len(layers[0][0])
    labellings = list(itertools.product([False, True], repeat=prompts))
    values = np.array([[swapped_differences(*layer, swaps) for swaps in labellings] for layer in layers])
    scores = np.abs(values - values.mean(axis=1, keepdims=True)) / values.std(axis=1, keepdims=True)
    observed = scores[:, 0]
    return {
        "p": [np.mean(own >= mine * (1 - 1e-10)) for own, mine in zip(scores, observed)],
        "p_family": [np.mean(scores.max(axis=0) >= mine * (1 - 1e-10)) for mine in observed],
    }


def whitened(plus, minus):
    rows = np.concatenate([plus, minus])
    centred = rows - rows.mean(axis=0)
    covariance, shrinkage = ledoit_wolf(centred, assume_centered=True)
    return {"shrinkage": shrinkage, "gram": centred @ np.linalg.solve(covariance, centred.T)}


def outliers(plus, minus):
    squares = (np.concatenate([plus, minus]) ** 2).sum(axis=0)
    shares = squares / squares.sum()
    order = np.argsort(-shares, kind="stable")[:8]
    least = max(0.01, 10 / plus.shape[1])
    return [{"dimension": int(k), "share": shares[k]} for k in order if shares[k] >= least]


def resampled(plus, minus, counts):
    """Drawn rows are really there as often as they were drawn, without pairs of one prompt with itself."""
    prompts = len(plus)
    drawn = np.repeat(np.arange(prompts), counts)
    other = drawn[:, None] != drawn[None, :]
    a, b = plus[drawn], minus[drawn]
    within_plus, within_minus = cosines(a, a)[other].mean(), cosines(b, b)[other].mean()
    across = cosines(a, b)
    matched = np.diag(across).mean()
    within = (within_plus + within_minus) / 2
    cross = matched / prompts + (prompts - 1) / prompts * across[other].mean()
    differences = a - b
    return {
        "within_plus": within_plus,
        "within_minus": within_minus,
        "within": within,
        "cross": cross,
        "difference": within - cross,
        "matched": matched,
        "contrast_norm": np.sqrt(max(0.0, (differences @ differences.T)[other].mean())),
    }


def confidence_level(units):
    """Of a percentile interval that is as wide as Student's: Hesterberg (2015)."""
    reach = np.sqrt(units / (units - 1)) * scipy.stats.t.ppf(0.975, units - 1)
    return 1 - 2 * scipy.stats.norm.cdf(-reach)


def percentile_interval(units, statistic, rng):
    """scipy's, of a statistic that gets the indices of the drawn units."""
    result = scipy.stats.bootstrap(
        (np.arange(units),),
        statistic,
        n_resamples=RESAMPLES,
        vectorized=False,
        confidence_level=confidence_level(units),
        method="percentile",
        rng=rng,
    )
    return [result.confidence_interval.low, result.confidence_interval.high]


def bootstrap(plus, minus, rng):
    def figure(name):
        return lambda drawn: resampled(plus, minus, np.bincount(drawn, minlength=len(plus)))[name]

    names = ["within_plus", "cross", "difference", "matched", "contrast_norm"]
    return {name: percentile_interval(len(plus), figure(name), rng) for name in names}


def separability(plus, minus):
    differences, midpoints = plus - minus, (plus + minus) / 2
    scores_plus, scores_minus = [], []
    for i in range(len(plus)):
        others = np.arange(len(plus)) != i
        contrast = differences[others].mean(axis=0)
        unit = contrast / np.linalg.norm(contrast)
        scores_plus.append((plus[i] - midpoints[others].mean(axis=0)) @ unit)
        scores_minus.append((minus[i] - midpoints[others].mean(axis=0)) @ unit)
    scores = np.array(scores_plus + scores_minus)
    labels = np.repeat([1, 0], len(plus))
    pooled = np.sqrt((np.var(scores_plus, ddof=1) + np.var(scores_minus, ddof=1)) / 2)
    return {
        "auc": roc_auc_score(labels, scores),
        "accuracy": np.mean((scores > 0) == (labels == 1)),
        "effect_size": (np.mean(scores_plus) - np.mean(scores_minus)) / pooled,
        "scores_plus": scores_plus,
        "scores_minus": scores_minus,
    }


def unit(vector):
    return vector / np.linalg.norm(vector)


def directions(plus, minus):
    differences = plus - minus
    contrast = differences.mean(axis=0)
    _, vectors = np.linalg.eigh(differences.T @ differences)
    principal = vectors[:, -1] * (1 if vectors[:, -1] @ contrast >= 0 else -1)
    rows = np.concatenate([plus, minus])
    labels = np.repeat([1, 0], len(plus))
    centred = rows - rows.mean(axis=0)
    scaled = centred / np.sqrt((centred**2).sum() / len(rows))
    probe = LogisticRegression(C=1.0, tol=1e-12, solver="newton-cholesky", max_iter=1000).fit(scaled, labels)
    by_class = np.concatenate([plus - plus.mean(axis=0), minus - minus.mean(axis=0)])
    covariance, _ = ledoit_wolf(by_class, assume_centered=True)
    return {
        "mean_difference": contrast,
        "paired_difference_pca": principal,
        "logistic_probe": unit(probe.coef_[0]),
        "shrinkage_lda": unit(np.linalg.solve(covariance, contrast)),
    }


def principal_components(plus, minus):
    """Places on the two first components, each turned toward the plus rows."""
    pca = PCA(n_components=2, svd_solver="full")
    places = pca.fit_transform(np.concatenate([plus, minus]))
    for k in range(2):
        if places[: len(plus), k].mean() < places[len(plus) :, k].mean():
            places[:, k] *= -1
    return {"places": places, "shares": pca.explained_variance_ratio_}


def project_out(rng):
    vector = rng.normal(size=9)
    independent = rng.normal(size=(3, 9))
    # One direction twice over, one that the others span, and one of zeros.
    given = np.concatenate([independent, independent[:1] * -2.5, [independent.sum(axis=0)], np.zeros((1, 9))])
    basis = scipy.linalg.orth(independent.T)
    return {"vector": vector, "directions": given, "left": vector - basis @ (basis.T @ vector)}


def unbiased_norm(vectors):
    products = vectors @ vectors.T
    return np.sqrt(max(0.0, off_diagonal_mean(products)))


def cosine(a, b):
    return a @ b / (np.linalg.norm(a) * np.linalg.norm(b))


def design(rng, prompts, hidden):
    """[transcript, speaker, prompt, hidden], with effects of different sizes."""
    speaker, transcript, interaction = (rng.normal(size=hidden) * size for size in (1.5, 2.0, 0.6))
    shared = rng.normal(size=hidden) + rng.normal(size=(prompts, hidden))
    cells = np.empty((2, 2, prompts, hidden))
    for t, s in itertools.product([0, 1], repeat=2):
        signs = 1 - 2 * t, 1 - 2 * s
        effects = signs[0] * transcript + signs[1] * speaker + signs[0] * signs[1] * interaction
        cells[t, s] = shared + effects / 2 + rng.normal(size=(prompts, hidden))
    return exact(cells)


def effects(cells, rng):
    """Analysis of variance by fitted means: a sum of squares is that of what its term adds to each row."""
    prompts = cells.shape[2]
    grand = cells.mean(axis=(0, 1, 2))
    means = cells.mean(axis=2)
    speaker_means, transcript_means = cells.mean(axis=(0, 2)), cells.mean(axis=(1, 2))
    fitted = {
        "speaker": np.broadcast_to((speaker_means - grand)[None, :, None, :], cells.shape),
        "transcript": np.broadcast_to((transcript_means - grand)[:, None, None, :], cells.shape),
        "prompt": np.broadcast_to((cells.mean(axis=(0, 1)) - grand)[None, None], cells.shape),
    }
    additive = speaker_means[None, :] + transcript_means[:, None] - grand
    fitted["interaction"] = np.broadcast_to((means - additive)[:, :, None, :], cells.shape)
    total = ((cells - grand) ** 2).sum()
    residual = cells - grand - sum(fitted.values())
    own = {
        "speaker": (cells[:, 0] - cells[:, 1]).mean(axis=0),
        "transcript": (cells[0] - cells[1]).mean(axis=0),
        "interaction": (cells[0, 0] - cells[0, 1] - cells[1, 0] + cells[1, 1]) / 2,
    }

    def effect(name):
        vectors = own[name]

        def drawn_norm(drawn):
            other = drawn[:, None] != drawn[None, :]
            return np.sqrt(max(0.0, (vectors[drawn] @ vectors[drawn].T)[other].mean()))

        return {
            "vector": vectors.mean(axis=0),
            "norm": np.linalg.norm(vectors.mean(axis=0)),
            "norm_unbiased": unbiased_norm(vectors),
            "norm_interval": percentile_interval(prompts, drawn_norm, rng),
            "share": (fitted[name] ** 2).sum() / total,
        }

    def speaker_share(drawn):
        contrast = (cells[0, 0] - cells[1, 1])[drawn].mean(axis=0)
        return own["speaker"][drawn].mean(axis=0) @ contrast / (contrast @ contrast)

    contrast = means[0, 0] - means[1, 1]
    speaker, transcript = own["speaker"].mean(axis=0), own["transcript"].mean(axis=0)
    return {
        "cells": cells,
        **{name: effect(name) for name in own},
        "prompt_share": (fitted["prompt"] ** 2).sum() / total,
        "residual_share": (residual**2).sum() / total,
        "speaker_share_of_contrast": speaker_share(np.arange(prompts)),
        "speaker_share_interval": percentile_interval(prompts, speaker_share, rng),
        "speaker_contrast_cosine": cosine(speaker, contrast),
        "transcript_contrast_cosine": cosine(transcript, contrast),
        "speaker_transcript_cosine": cosine(speaker, transcript),
        "simple_cosine": cosine(means[0, 0] - means[0, 1], means[1, 0] - means[1, 1]),
    }


def case(name, rng, plus, minus):
    counts = rng.multinomial(len(plus), np.full(len(plus), 1 / len(plus)))
    assert np.count_nonzero(counts) > 1
    few = len(plus) <= MOST_PROMPTS_FOR_ALL_SWAPS
    return {
        "name": name,
        "plus": plus,
        "minus": minus,
        "similarity": similarity(plus, minus),
        "label_swap": label_swap(plus, minus) if few else None,
        "whitened": whitened(plus, minus),
        "outliers": outliers(plus, minus),
        "counts": counts,
        "resampled": resampled(plus, minus, counts),
        "contrast_norm_unbiased": unbiased_norm(plus - minus),
        "separability": separability(plus, minus),
        "directions": directions(plus, minus),
        "principal_components": principal_components(plus, minus),
    }


def quantiles(rng):
    values = np.sort(rng.normal(size=11))
    places = [0.0, 0.025, 0.31, 0.5, 0.95, 0.975, 1.0]
    return {"values": values, "places": places, "quantiles": [np.quantile(values, q) for q in places]}


def mean_interval(rng):
    values = rng.exponential(size=30)
    return {"values": values, "interval": percentile_interval(30, lambda drawn: values[drawn].mean(), rng)}


def plain(value):
    """Arrays as lists and numpy's numbers as Python's."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(item) for item in value]
    if isinstance(value, np.ndarray):
        return value.tolist()
    return value.item() if isinstance(value, np.generic) else value


def main():
    rng = np.random.default_rng(SEED)
    cases = [
        case("few_prompts", rng, *paired_rows(rng, 5, 7, 1.0)),
        case("wide", rng, *paired_rows(rng, 6, 40, 1.5)),
        case("more_rows_than_dimensions", rng, *paired_rows(rng, 20, 12, 0.4)),
        case("outlier", rng, *paired_rows(rng, 8, 24, 1.0, outlier=3)),
        case("no_difference", rng, *paired_rows(rng, 8, 16, 0.0)),
        case("noise", rng, *noise(rng, 6, 5)),
    ]
    layers = [paired_rows(rng, 7, 6, contrast) for contrast in (0.0, 0.6, 1.5)]
    resampled_rows = paired_rows(rng, 12, 10, 0.7)
    reference = {
        "versions": {module.__name__: module.__version__ for module in (np, scipy, sklearn)},
        "cases": cases,
        "family": {"layers": [{"plus": plus, "minus": minus} for plus, minus in layers], **family(layers)},
        "bootstrap": {
            "plus": resampled_rows[0],
            "minus": resampled_rows[1],
            "intervals": bootstrap(*resampled_rows, rng),
        },
        "effects": effects(design(rng, 9, 8), rng),
        "project_out": project_out(rng),
        "quantile": quantiles(rng),
        "bootstrap_mean": mean_interval(rng),
    }
    with open(sys.argv[1], "w", encoding="utf-8") as file:
        json.dump(plain(reference), file)
        file.write("\n")


if __name__ == "__main__":
    main()
