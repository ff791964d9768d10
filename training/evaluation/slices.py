"""For which rows a model is worse: its metric by quarter of a number, or by category."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from .rounding import short
from .summary import is_number, quantile_edges

FEATURES = 5
CATEGORIES = 8
WORST = 3
# A share of fewer rows says nothing.
FEWEST_ROWS = 5

Mask = npt.NDArray[np.bool_]
Measure = Callable[[Mask], dict[str, Any]]


def slices(
    features: pd.DataFrame, important: Iterable[str], measure: Measure, *, lower_is_better: bool
) -> dict[str, Any]:
    """Return the metric on slices of the test rows, by the most important features.

    Args:
        features: the test rows.
        important: names of features, the most important first; five are taken.
        measure: `value`, `low` and `high` of the metric on the rows of a mask.
        lower_is_better: whether the worst slice is the one with the largest value.
    """
    found: list[dict[str, Any]] = []
    for name in list(important)[:FEATURES]:
        for about, mask in _cut(features[name]):
            rows = int(mask.sum())
            if rows:
                measured = measure(mask) if rows >= FEWEST_ROWS else {}
                found.append({"feature": name, **about, "rows": rows, **measured})
    whole = [entry for entry in found if "value" in entry]
    worst = sorted(whole, key=lambda entry: entry["value"] * (-1 if lower_is_better else 1))[:WORST]
    return {"fewest_rows": FEWEST_ROWS, "slices": found, "worst": worst}


def _cut(column: pd.Series) -> Iterator[tuple[dict[str, Any], Mask]]:
    missing = column.isna().to_numpy(dtype=bool)
    if is_number(column):
        values = column.to_numpy(dtype=np.float64)
        present = values[~missing]
        if len(present):
            borders = [-np.inf, *(edge for edge in quantile_edges(present) if edge is not None), np.inf]
            lowest, highest = short(present.min()), short(present.max())
            for low, high in pairwise(borders):
                mask = ~missing & (values > low) & (values <= high)
                shown = {
                    "above": lowest if low == -np.inf else low,
                    "up_to": highest if high == np.inf else high,
                }
                yield {"kind": "range", **shown, "first": low == -np.inf}, mask
    else:
        texts = column.astype(str).to_numpy()
        counts = column.dropna().astype(str).value_counts()
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        for value, _ in ordered[:CATEGORIES]:
            yield {"kind": "category", "category": str(value)}, ~missing & (texts == value)
    if missing.any():
        yield {"kind": "missing"}, missing
