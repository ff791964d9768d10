"""How well probabilities tell each class from the rest: ROC and precision against recall."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn import metrics

from .rounding import short, shorts

POINTS = 40
# The areas are kept for every class, the curves of so many: those with most test rows.
CLASSES_SHOWN = 12
THRESHOLDS = 50

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def curves(truth: Numbers, scores: Floats, classes: Sequence[Any]) -> list[dict[str, Any]]:
    """Return for each class, one against the rest, the areas and at most 40 points of each curve.

    Args:
        truth: class numbers, of shape (rows,).
        scores: probabilities, of shape (rows, classes).
        classes: the label's values; of two, only the second is shown.
    """
    counts = np.bincount(truth, minlength=len(classes))
    drawn = set(np.argsort(-counts, kind="stable")[:CLASSES_SHOWN].tolist())
    found = []
    for number in range(1 if len(classes) == 2 else 0, len(classes)):
        about = {"value": classes[number], "rows": int(counts[number])}
        is_class = truth == number
        if 0 < counts[number] < len(truth):
            about |= _curves(is_class, scores[:, number], drawn=number in drawn)
        found.append(about)
    return found


def _curves(is_class: npt.NDArray[np.bool_], score: Floats, *, drawn: bool) -> dict[str, Any]:
    false_rate, true_rate, _ = metrics.roc_curve(is_class, score)
    precision, recall, _ = metrics.precision_recall_curve(is_class, score)
    areas = {
        "roc_auc": short(metrics.auc(false_rate, true_rate)),
        "average_precision": short(-np.sum(np.diff(recall) * precision[:-1])),
        "share": short(is_class.mean()),
    }
    if not drawn:
        return areas
    roc, by_recall = _thinned(false_rate, true_rate), _thinned(recall, precision)
    return {
        **areas,
        "roc": {"false_rate": shorts(false_rate[roc]), "true_rate": shorts(true_rate[roc])},
        "precision_recall": {
            "recall": shorts(recall[by_recall]),
            "precision": shorts(precision[by_recall]),
        },
    }


def _thinned(across: Floats, up: Floats) -> Numbers:
    """Return at most 40 positions, evenly along the line: ties give many points in one place."""
    if len(across) <= POINTS:
        return np.arange(len(across))
    along = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(across)) + np.abs(np.diff(up)))])
    found = np.searchsorted(along, np.linspace(0, along[-1], POINTS - 1)).clip(0, len(along) - 1)
    return np.unique([*found, len(along) - 1])


def thresholds(truth: Numbers, scores: Floats, classes: Sequence[Any]) -> dict[str, Any]:
    """Return for a classifier of two classes what would follow from each threshold on the second's score."""
    score, positive = scores[:, 1], truth == 1
    rows = []
    for threshold in np.linspace(0, 1, THRESHOLDS + 1):
        answered = score >= threshold
        right, wrong = int((answered & positive).sum()), int((answered & ~positive).sum())
        missed, rejected = int(positive.sum()) - right, int((~positive).sum()) - wrong
        rows.append(
            {
                "threshold": short(threshold),
                "true_positives": right,
                "false_positives": wrong,
                "false_negatives": missed,
                "true_negatives": rejected,
                "precision": short(right / (right + wrong)) if right + wrong else None,
                "recall": short(right / (right + missed)) if right + missed else None,
                "accuracy": short((right + rejected) / len(truth)),
            }
        )
    return {"positive": classes[1], "rows": rows}
