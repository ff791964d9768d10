"""What a model relies on: how much worse it gets when one feature's values are shuffled among the test rows.

Breiman, Random Forests (2001), section 10; the mean and deviation over the repeats are as scikit-learn's
`permutation_importance` gives them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .rounding import short

REPEATS = 5
# So many rows are predicted in all: a forest of 100 trees takes a second for them.
PREDICTED = 50_000
FEWEST_ROWS = 50
FEATURES_SHOWN = 100

Predict = Callable[[pd.DataFrame], npt.NDArray[Any]]
Score = Callable[[npt.NDArray[Any], npt.NDArray[Any]], float]


def importance(
    features: pd.DataFrame,
    truth: npt.NDArray[Any],
    predict: Predict,
    score: Score,
    generator: np.random.Generator,
) -> dict[str, Any]:
    """Return each feature's importance, the largest first: at most the first 100.

    Args:
        features: the test rows.
        truth: the label's values, of shape (rows,).
        predict: the model.
        score: of truth and predicted; more is better.
        generator: the source of the shuffles.
    """
    width, rows = features.shape[1], len(features)
    repeats = REPEATS if width * REPEATS * FEWEST_ROWS <= PREDICTED else 1
    kept = min(rows, max(FEWEST_ROWS, PREDICTED // (width * repeats)))
    if width * repeats * FEWEST_ROWS > PREDICTED:
        return {"rows": 0, "repeats": 0, "baseline": None, "features": [], "features_left_out": width}
    chosen = np.linspace(0, rows - 1, kept).round().astype(np.int64)
    features, truth = features.iloc[chosen], truth[chosen]
    baseline = score(truth, predict(features))
    orders = np.stack([generator.permutation(kept) for _ in range(repeats)])
    stacked = pd.concat([features] * repeats, ignore_index=True)
    found = []
    for name in features.columns:
        before = stacked[name]
        stacked[name] = features[name].array.take(orders.ravel())
        answers = predict(stacked).reshape(repeats, kept)
        stacked[name] = before
        drops = np.array([baseline - score(truth, answer) for answer in answers])
        about = {"name": str(name), "importance": short(drops.mean()), "std": short(drops.std())}
        found.append((drops.mean(), about))
    found.sort(key=lambda pair: -pair[0])
    return {
        "rows": kept,
        "repeats": repeats,
        "baseline": short(baseline),
        "features": [about for _, about in found[:FEATURES_SHOWN]],
        "features_left_out": max(0, width - FEATURES_SHOWN),
    }
