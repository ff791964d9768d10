"""The test rows that a model is most wrong about: where to begin to look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .rounding import short

SHOWN = 10

Floats = npt.NDArray[np.float64]
Numbers = npt.NDArray[np.int64]


def largest_errors(truth: Floats, predicted: Floats, numbers: Numbers) -> list[dict[str, Any]]:
    """Return the rows with the largest errors; `numbers` are their rows in the data, counted from one."""
    order = np.argsort(-np.abs(truth - predicted), kind="stable")[:SHOWN]
    return [
        {
            "row": int(numbers[place]),
            "true": short(truth[place]),
            "predicted": short(predicted[place]),
            "residual": short(truth[place] - predicted[place]),
        }
        for place in order
    ]


def surest_errors(
    truth: Numbers, predicted: Numbers, scores: Floats, classes: Sequence[Any], numbers: Numbers
) -> list[dict[str, Any]]:
    """Return the wrong answers that had the highest probability, which is that of the answer given."""
    wrong = np.flatnonzero(truth != predicted)
    stated = scores[wrong, predicted[wrong]]
    return [
        {
            "row": int(numbers[wrong[place]]),
            "true": classes[truth[wrong[place]]],
            "predicted": classes[predicted[wrong[place]]],
            "probability": short(stated[place]),
        }
        for place in np.argsort(-stated, kind="stable")[:SHOWN]
    ]
