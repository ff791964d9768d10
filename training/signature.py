"""What a model takes and gives, as its data has it, and rows of that data as a person would send them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from model_code.serving.csv_cells import Cell
from stacks.settings import ModelSettings

from .data import Dataset

_LARGEST_WHOLE = 2.0**53  # from here on every float is whole


def signature_of(settings: ModelSettings, dataset: Dataset) -> dict[str, Any]:
    """Return what the model takes and gives, from the data that it was made from.

    `features` is a list in the model's order, of `{"name", "type"}` and
    * for `number`, and `integer` where all values are whole (a hint for forms): `minimum`, `maximum`, and
      `unit` where it is known;
    * for `category`: `categories`, the texts, sorted; the model sees a text's place;
    * `missing`, the number of rows without a value, where there are some: requests may then leave it out.
    """
    features = [_feature(dataset, str(name)) for name in dataset.features.columns]
    prediction: dict[str, Any] = {"name": settings.model.label, "type": "number"}
    if settings.model.task == "classification":
        classes = sorted(set(dataset.label.tolist()))
        prediction["type"] = "string" if isinstance(classes[0], str) else "integer"
        prediction["classes"] = classes
    return {"features": features, "id_column": settings.model.id_column, "prediction": prediction}


def _feature(dataset: Dataset, name: str) -> dict[str, Any]:
    column: pd.Series = dataset.features[name]
    known = column.dropna()
    feature: dict[str, Any] = {"name": name}
    if name in dataset.categories:
        feature |= {"type": "category", "categories": list(dataset.categories[name])}
    else:
        whole = bool(((known % 1 == 0) & (known.abs() <= _LARGEST_WHOLE)).all())
        feature |= {
            "type": "integer" if whole else "number",
            "minimum": float(known.min()),
            "maximum": float(known.max()),
        }
        if name in dataset.units:
            feature["unit"] = dataset.units[name]
    if len(known) < len(column):
        feature["missing"] = len(column) - len(known)
    return feature


def as_request_rows(matrix: npt.NDArray[np.floating[Any]], signature: Mapping[str, Any]) -> list[list[Cell]]:
    """Return rows as a person would send them in JSON.

    Args:
        matrix: of shape (rows, features), as the model sees it.
        signature: from `signature_of`.
    """
    texts = [feature.get("categories") for feature in signature["features"]]
    return [[_cell(value, known) for value, known in zip(row, texts, strict=True)] for row in matrix.tolist()]


def _cell(value: float, texts: Sequence[str] | None) -> Cell:
    if math.isnan(value):
        return None
    return value if texts is None else texts[int(value)]
