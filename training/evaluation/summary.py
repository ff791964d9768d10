"""What the data are: each feature and the label in a few numbers, over all rows."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from training.data import Dataset
from training.split import Split

from .rounding import centre, short, shorts

# Some 600 bytes of the manifest each.
FEATURES_SHOWN = 100
CATEGORIES_SHOWN = 12
BINS = 12
QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)


def summarise(dataset: Dataset, parts: Split, *, task: str, important: Iterable[str]) -> dict[str, Any]:
    """Describe the rows of a data set.

    Args:
        dataset: all rows.
        parts: which of them are for what.
        task: `classification` or `regression`.
        important: features, the most important first: of more than 100 the first 100 are described.
    """
    features = decoded(dataset)
    names = list(features.columns)
    kept = set([*important, *names][:FEATURES_SHOWN]) if len(names) > FEATURES_SHOWN else set(names)
    shown = [name for name in names if name in kept]
    label = dataset.label.to_numpy()
    return {
        "features": [describe(features[name]) for name in shown],
        "features_left_out": len(names) - len(shown),
        "label": _classes(label, parts) if task == "classification" else describe(dataset.label),
    }


def decoded(dataset: Dataset) -> pd.DataFrame:
    """Return the features with their categories as texts, not as places."""
    if not dataset.categories:
        return dataset.features
    texts = {}
    for name, categories in dataset.categories.items():
        places = dataset.features[name].fillna(-1).to_numpy(dtype=np.int64)
        texts[name] = pd.Categorical.from_codes(places, categories=list(categories))
    return dataset.features.assign(**texts)


def describe(column: pd.Series) -> dict[str, Any]:
    """Describe one column: a number's spread and histogram, or a category's counts."""
    missing = int(column.isna().sum())
    about = {"name": str(column.name), "count": len(column) - missing, "missing": missing}
    present = column.dropna()
    if not is_number(column):
        counts = present.astype(str).value_counts()
        ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
        top = [{"value": str(value), "rows": int(rows)} for value, rows in ordered[:CATEGORIES_SHOWN]]
        return {**about, "distinct": len(ordered), "categories": top}
    values = present.to_numpy(dtype=np.float64)
    if not len(values):
        return about
    counts, edges = histogram(values, BINS)
    return {
        **about,
        "minimum": short(values.min()),
        "maximum": short(values.max()),
        "mean": centre(values),
        "std": short(values.std(ddof=1) if len(values) > 1 else 0.0),
        "quantiles": [
            {"share": share, "value": short(value)}
            for share, value in zip(QUANTILES, np.quantile(values, QUANTILES), strict=True)
        ],
        "histogram": {"low": short(edges[0]), "high": short(edges[-1]), "rows": counts},
    }


def histogram(values: npt.NDArray[np.float64], bins: int) -> tuple[list[int], npt.NDArray[np.float64]]:
    """Return counts and edges of equal bins; values that are all one fall into one bin."""
    if values.min() == values.max():
        return [len(values)], np.array([values[0], values[0]])
    try:
        counts, edges = np.histogram(values, bins=bins)
    except ValueError:  # so close together that no edges fit between them
        return [len(values)], np.array([values.min(), values.max()])
    return counts.tolist(), edges


def is_number(column: pd.Series) -> bool:
    """Whether a column holds numbers, not categories or truth values."""
    return column.dtype.kind in "fiu" if isinstance(column.dtype, np.dtype) else False


def _classes(label: npt.NDArray[Any], parts: Split) -> dict[str, Any]:
    return {
        "classes": [
            {
                "value": value,
                "rows": int((label == value).sum()),
                **{part: int((label[rows] == value).sum()) for part, rows in vars(parts).items()},
            }
            for value in sorted(set(label.tolist()))
        ]
    }


def quantile_edges(values: npt.NDArray[np.float64]) -> list[float | None]:
    """Return the borders between the quarters of some values, each once."""
    return shorts(np.unique(np.quantile(values, (0.25, 0.5, 0.75))))
