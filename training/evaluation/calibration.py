"""Whether probabilities mean what they say: of the rows that get 0.8, are 80 % so?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from .rounding import short

BINS = 10
_LEAST = np.finfo(np.float64).eps


def calibration(
    truth: npt.NDArray[np.int64], scores: npt.NDArray[np.float64], classes: Sequence[Any]
) -> dict[str, Any]:
    """Return ten bins of equal width, the expected calibration error, the log loss and the Brier score.

    Of two classes the second's probability is looked at; of more, that of the most probable class
    (Guo et al., On Calibration of Modern Neural Networks, 2017). The Brier score is halved, so that it is
    within 0 and 1.

    Args:
        truth: class numbers, of shape (rows,).
        scores: probabilities, of shape (rows, classes).
        classes: the label's values.
    """
    rows = np.arange(len(truth))
    if len(classes) == 2:
        stated, so = scores[:, 1], truth == 1
    else:
        likeliest = scores.argmax(axis=1)
        stated, so = scores[rows, likeliest], truth == likeliest
    place = np.searchsorted(np.linspace(0, 1, BINS + 1)[1:-1], stated)
    counts = np.bincount(place, minlength=BINS)
    stated_sum, so_sum = (np.bincount(place, weights=side, minlength=BINS) for side in (stated, so))
    bins = [
        {
            "low": short(number / BINS),
            "high": short((number + 1) / BINS),
            "rows": int(count),
            "stated": short(stated_sum[number] / count) if count else None,
            "observed": short(so_sum[number] / count) if count else None,
        }
        for number, count in enumerate(counts)
    ]
    right = np.zeros_like(scores)
    right[rows, truth] = 1
    return {
        "of": classes[1] if len(classes) == 2 else None,
        "bins": bins,
        "expected_error": short(np.abs(stated_sum - so_sum).sum() / len(truth)),
        "log_loss": short(-np.log(np.clip(scores[rows, truth], _LEAST, 1)).mean()),
        "brier": short(((scores - right) ** 2).sum(axis=1).mean() / 2),
    }
