"""Which classes a classifier takes for which, on the test rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .rounding import short, shorts

# Larger matrices are not readable, and a manifest should stay small.
CLASSES_SHOWN = 40


def confusion_matrix(truth: npt.NDArray[np.int64], predicted: npt.NDArray[np.int64], classes: int) -> Any:
    """Return counts of shape (classes, classes), a row for each true class, from class numbers."""
    return np.bincount(truth * classes + predicted, minlength=classes**2).reshape(classes, classes)


def confusion(matrix: npt.NDArray[np.int64], classes: Sequence[Any]) -> dict[str, Any]:
    """Return the confusion matrix and each class's precision, recall and F1.

    A rate is a share of the true class's rows. Where nothing is there to divide by, it is null.
    """
    actual, answered, right = matrix.sum(axis=1), matrix.sum(axis=0), np.diag(matrix)
    with np.errstate(divide="ignore", invalid="ignore"):
        rates = matrix / actual[:, None]
        precision, recall, f1 = right / answered, right / actual, 2 * right / (actual + answered)
    by_class = [
        {
            "value": value,
            "rows": int(actual[number]),
            "precision": short(precision[number]),
            "recall": short(recall[number]),
            "f1": short(f1[number]),
        }
        for number, value in enumerate(classes)
    ]
    found: dict[str, Any] = {"by_class": by_class}
    if len(classes) <= CLASSES_SHOWN:
        found["matrix"] = {"counts": matrix.tolist(), "rates": [shorts(row) for row in rates]}
    return found
