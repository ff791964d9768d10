"""What a model takes and gives: names and types of the features and of the prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError

Matrix = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Signature:
    """The signature of a manifest.

    Args:
        features: the feature names, in the order in which the model was trained.
        id_column: whether a row may carry one leading id, which is ignored.
        label: the name of what is predicted.
        kind: `string`, `integer` or `number`: the type of a prediction.
    """

    features: tuple[str, ...]
    id_column: bool
    label: str
    kind: str

    @classmethod
    def from_manifest(cls, manifest: Mapping[str, Any]) -> Signature:
        """Read the signature out of a manifest."""
        signature = manifest["signature"]
        return cls(
            features=tuple(feature["name"] for feature in signature["features"]),
            id_column=bool(signature["id_column"]),
            label=signature["prediction"]["name"],
            kind=signature["prediction"]["type"],
        )

    def matrix(self, rows: Sequence[Sequence[Any]], *, text: bool) -> Matrix:
        """Check rows and return them as a matrix.

        Args:
            rows: cells in the signature's order, after an optional id; strings where `text`, else JSON.
            text: whether a cell is a string that spells a number (CSV).

        Returns:
            A float64 matrix of shape (rows, features), finite throughout.

        Raises:
            RequestError: a row has the wrong width, or a cell is not a finite number.
        """
        width = len(self.features)
        cells: list[Sequence[Any]] = []
        for number, row in enumerate(rows, start=1):
            if len(row) == width:
                cells.append(row)
            elif self.id_column and len(row) == width + 1:
                cells.append(row[1:])
            else:
                raise self._wrong_width(number, len(row))
        if not cells:
            raise RequestError("no_rows", "The request has no rows.", hint=f"Send rows of {width} numbers.")
        if text or _all_plain_numbers(cells):
            try:
                matrix = np.array(cells, dtype=np.float64)
            except (ValueError, OverflowError):
                raise self._first_bad_cell(cells, text=text) from None
            if np.isfinite(matrix).all():
                return matrix
        raise self._first_bad_cell(cells, text=text)

    def rows_of_objects(self, objects: Sequence[Mapping[str, Any]]) -> list[list[Any]]:
        """Order the values of objects by feature name.

        Raises:
            RequestError: a feature is missing, or a name is not a feature.
        """
        known = set(self.features)
        for number, item in enumerate(objects, start=1):
            if not isinstance(item, Mapping):
                raise RequestError(
                    "not_an_object",
                    f"Row {number} is a {_json_type(item)}, and the rows before it are objects.",
                    row=number,
                    hint="Send every row as an object, or every row as a list.",
                )
            for name in item:
                if name not in known and not (self.id_column and name == "id"):
                    raise RequestError(
                        "unknown_column",
                        f"Row {number} has {name!r}, which is no feature of this model.",
                        row=number,
                        column=str(name),
                        hint=f"The features are {', '.join(self.features)}.",
                    )
            for name in self.features:
                if name not in item:
                    raise RequestError(
                        "missing_column",
                        f"Row {number} lacks {name!r}.",
                        row=number,
                        column=name,
                        hint=f"The features are {', '.join(self.features)}.",
                    )
        return [[item[name] for name in self.features] for item in objects]

    def _wrong_width(self, number: int, received: int) -> RequestError:
        width = len(self.features)
        allowed = f"{width} columns" + (f", or {width + 1} with a leading id" if self.id_column else "")
        column = self.features[received] if received < width else None
        return RequestError(
            "wrong_column_count",
            f"Row {number} has {received} columns; this model takes {allowed}.",
            row=number,
            column=column,
            hint=f"Columns in order: {', '.join(self.features)}.",
        )

    def _first_bad_cell(self, cells: Sequence[Sequence[Any]], *, text: bool) -> RequestError:
        for number, row in enumerate(cells, start=1):
            for name, cell in zip(self.features, row, strict=True):
                shown = repr(cell)[:40]
                try:
                    value = float(cell) if text or _is_plain_number(cell) else None
                except (ValueError, OverflowError):
                    value = None
                if value is None:
                    return RequestError(
                        "not_a_number",
                        f"Row {number}, {name}: {shown} is not a number.",
                        row=number,
                        column=name,
                        hint=_header_hint(number, row, self.features) or "Send a finite number.",
                    )
                if not math.isfinite(value):
                    return RequestError(
                        "not_finite",
                        f"Row {number}, {name}: {shown} is not a finite number.",
                        row=number,
                        column=name,
                        hint="Leave rows with NaN or infinity out, or fill the value in before.",
                    )
        return RequestError("not_a_number", "A cell is not a number.")


def _is_plain_number(cell: Any) -> bool:
    return type(cell) is float or type(cell) is int


def _all_plain_numbers(cells: Sequence[Sequence[Any]]) -> bool:
    return all(type(cell) is float or type(cell) is int for row in cells for cell in row)


def _header_hint(number: int, row: Sequence[Any], features: tuple[str, ...]) -> str | None:
    if number == 1 and any(str(cell).strip().strip('"') in features for cell in row):
        return "The first row looks like a header; send the rows without it."
    return None


def _json_type(value: Any) -> str:
    names = {dict: "object", list: "list", str: "string", bool: "boolean", type(None): "null"}
    return names.get(type(value), "number")
