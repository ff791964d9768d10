"""What a regression's errors look like on the test rows."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from .rounding import centre, short, shorts
from .summary import histogram

POINTS = 1000
BINS = 20

Floats = npt.NDArray[np.float64]


def regression(truth: Floats, predicted: Floats) -> dict[str, Any]:
    """Return predicted against true, and the residuals: true minus predicted, in units of the label.

    Args:
        truth: the label of each test row, of shape (rows,).
        predicted: the model's answers, of shape (rows,).
    """
    residual = truth - predicted
    # Evenly over the rows in the order of the truth, so that both ends are among them.
    order = np.argsort(truth, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, min(POINTS, len(order))).round().astype(np.int64)]
    counts, edges = histogram(residual, BINS)
    return {
        "rows": len(truth),
        "points": {
            "true": shorts(truth[chosen]),
            "predicted": shorts(predicted[chosen]),
            "residual": shorts(residual[chosen]),
        },
        "residuals": {
            "mean": centre(residual),
            "std": short(residual.std(ddof=1) if len(residual) > 1 else 0.0),
            "minimum": short(residual.min()),
            "median": short(np.median(residual)),
            "maximum": short(residual.max()),
            "histogram": {"low": short(edges[0]), "high": short(edges[-1]), "rows": counts},
        },
    }
