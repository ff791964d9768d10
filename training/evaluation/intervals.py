"""How far a metric could be off by the luck of the test rows: bootstrap intervals.

Efron and Tibshirani, An Introduction to the Bootstrap (1993), chapter 13: the percentile interval. Rows are
drawn with replacement; the metrics are those of `training.evaluate`, computed for all resamples at once.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from .rounding import short

CONFIDENCE = 0.95
RESAMPLES = 1000
FEWEST = 100
# For numbers each resample draws each row: beyond 20,000 rows there are fewer resamples, and beyond 100,000
# rows so many of them, evenly chosen. Classes are drawn by the cells of the confusion matrix, for any count.
DRAWS_EACH = 20_000
ROWS = 100_000

Counts = npt.NDArray[np.int64]
Floats = npt.NDArray[np.float64]


def class_intervals(
    matrix: Counts, generator: np.random.Generator, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return an interval for each metric of a classifier.

    Args:
        matrix: confusion counts, of shape (classes, classes), a row for each true class.
        generator: the source of the draws.
        resamples: how many.
    """
    rows = int(matrix.sum())
    truth, predicted = np.nonzero(matrix)
    # Drawing rows with replacement draws cells by their shares.
    drawn = generator.multinomial(rows, matrix[truth, predicted] / rows, size=resamples)
    return _intervals(_class_metrics(drawn, truth, predicted, len(matrix)), resamples, rows)


def number_intervals(
    truth: Floats, predicted: Floats, generator: np.random.Generator, resamples: int = RESAMPLES
) -> dict[str, Any]:
    """Return an interval for each metric of a regression; truth and predicted are of shape (rows,)."""
    if len(truth) > ROWS:
        chosen = np.linspace(0, len(truth) - 1, ROWS).round().astype(np.int64)
        truth, predicted = truth[chosen], predicted[chosen]
    rows = len(truth)
    resamples = min(resamples, max(FEWEST, resamples * DRAWS_EACH // rows))
    error, centred = truth - predicted, truth - truth.mean()
    terms = np.stack([error**2, np.abs(error), centred, centred**2], axis=1)
    sums = np.empty((resamples, terms.shape[1]))
    for number in range(resamples):
        counts = np.bincount(generator.integers(rows, size=rows, dtype=np.int32), minlength=rows)
        sums[number] = counts @ terms
    return _intervals(_number_metrics(sums, rows), resamples, rows)


def _class_metrics(cells: Counts, truth: Counts, predicted: Counts, classes: int) -> dict[str, Floats]:
    """Return each metric of each resample; `cells` is of shape (resamples, cells that are not zero)."""
    by_truth, by_predicted = (np.eye(classes)[side] for side in (truth, predicted))
    actual, answered = cells @ by_truth, cells @ by_predicted
    right = cells @ (by_truth * (truth == predicted)[:, None])
    known, either = actual > 0, actual + answered > 0
    recall = np.where(known, right / np.where(known, actual, 1), 0.0)
    f1 = np.where(either, 2 * right / np.where(either, actual + answered, 1), 0.0)
    return {
        "accuracy": right.sum(axis=1) / cells.sum(axis=1),
        "balanced_accuracy": recall.sum(axis=1) / known.sum(axis=1),
        "f1_macro": f1.sum(axis=1) / either.sum(axis=1),
    }


def _number_metrics(sums: Floats, rows: int) -> dict[str, Floats]:
    """Return each metric of each resample from the sums of squared and absolute errors, and of the truth."""
    squares, absolutes, centred, centred_squares = sums.T
    spread = centred_squares - centred**2 / rows
    varied = spread > 1e-12 * np.maximum(centred_squares, 1e-300)
    r2 = np.where(varied, 1 - squares / np.where(varied, spread, 1), np.where(squares == 0, 1.0, 0.0))
    return {"r2": r2, "rmse": np.sqrt(squares / rows), "mae": absolutes / rows}


def _intervals(found: Mapping[str, Floats], resamples: int, rows: int) -> dict[str, Any]:
    tail = (1 - CONFIDENCE) / 2
    bounds = {name: np.quantile(values, (tail, 1 - tail)) for name, values in found.items()}
    return {
        "confidence": CONFIDENCE,
        "resamples": resamples,
        "rows": rows,
        "metrics": {name: {"low": short(low), "high": short(high)} for name, (low, high) in bounds.items()},
    }
