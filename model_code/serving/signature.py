"""What a model takes and gives: names and types of the features and of the prediction."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError

Matrix = npt.NDArray[np.floating[Any]]
SINGLE_MAX = float(np.finfo(np.float32).max)
_DOUBLE_MAX = float(np.finfo(np.float64).max)
_SHOWN_FEATURES = 40
SEND_A_NUMBER = "Send a finite number."
_FEW_CELLS = 256


@dataclass(frozen=True)
class Signature:
    """The signature of a manifest whose features are numbers.

    Args:
        features: the feature names, in the order in which the model was trained.
        id_column: whether a row may carry one leading id, which is ignored.
        label: the name of what is predicted.
        kind: `string`, `integer` or `number`: the type of a prediction.
        single_precision: whether the engine computes with float32; larger numbers are then refused.
        max_rows: how many rows one request may have; None is any number.
    """

    features: tuple[str, ...]
    id_column: bool
    label: str
    kind: str
    single_precision: bool = False
    max_rows: int | None = None

    @cached_property
    def width(self) -> int:
        """How many features there are."""
        return len(self.features)

    @cached_property
    def dtype(self) -> type[np.float32] | type[np.float64]:
        """The type of a matrix."""
        return np.float32 if self.single_precision else np.float64

    @cached_property
    def largest(self) -> float:
        """The largest number that the engine can take."""
        return SINGLE_MAX if self.single_precision else _DOUBLE_MAX

    @cached_property
    def most_brackets(self) -> float:
        """How many `[` and `{` a request of as many rows as one may have can hold, ids among them."""
        in_names = sum(name.count("[") + name.count("{") for name in self.features)
        return math.inf if self.max_rows is None else (self.max_rows + 2) * (2 + in_names)

    @cached_property
    def shown_features(self) -> str:
        """The feature names for a message; of very many, the first."""
        more = ", …" if self.width > _SHOWN_FEATURES else ""
        return ", ".join(self.features[:_SHOWN_FEATURES]) + more

    def matrix(self, rows: Sequence[Sequence[Any]], *, finite: bool = False) -> Matrix:
        """Check rows of JSON values and return them as a matrix.

        Args:
            rows: cells in the signature's order, after an optional id.
            finite: whether it is known that no cell is NaN.

        Returns:
            A matrix of shape (rows, features), finite throughout.

        Raises:
            RequestError: there is no row or too many, a row has the wrong width, or a cell is not a number
                that the model takes.
        """
        if not rows:
            raise self.no_rows()
        self.check_row_count(len(rows))
        width = self.width
        if finite and all(len(row) == width and _PLAIN.issuperset(map(type, row)) for row in rows):
            if len(rows) * width <= _FEW_CELLS:
                matrix = self.small_matrix(rows)
            else:
                try:
                    matrix = np.array(rows, dtype=np.float64)
                    matrix = (
                        None if self._wrong(matrix) is not None else matrix.astype(self.dtype, copy=False)
                    )
                except OverflowError:  # an integer that no float holds
                    matrix = None
            if matrix is not None:
                return matrix
        return np.array(
            [self.numbers(number, row, text=False) for number, row in enumerate(rows, start=1)],
            dtype=self.dtype,
        )

    def small_matrix(self, rows: Sequence[Sequence[float]]) -> Matrix | None:
        """Return a matrix of a few rows of plain numbers of the right width; None if one is too large.

        For so few numbers Python's own comparisons are faster than a call into NumPy.
        """
        largest = self.largest
        for row in rows:
            if max(row) > largest or min(row) < -largest:
                return None
        if self.max_rows is not None and len(rows) > self.max_rows:
            return None
        return np.array(rows, dtype=self.dtype)

    def checked(self, matrix: npt.NDArray[Any]) -> Matrix:
        """Return a matrix of numbers in the signature's type once every one of them can be taken.

        Raises:
            RequestError: one is not finite, or too large.
        """
        if matrix.dtype not in (np.float32, np.float64):
            matrix = matrix.astype(np.float64)
        wrong = self._wrong(matrix)
        if wrong is None:
            return matrix.astype(self.dtype)
        row, column = wrong
        cell = float(matrix[row, column])
        raise self._bad_cell("too_large" if math.isfinite(cell) else "not_finite", row + 1, column, cell)

    def numbers(self, number: int, row: Sequence[Any], *, text: bool = True) -> list[float]:
        """Check one row and return its features.

        Args:
            number: which row it is, counted from 1.
            row: its cells, after an optional id.
            text: whether a cell is a string that spells a number (CSV).

        Raises:
            RequestError: the first thing that is wrong with it.
        """
        width = self.width
        if len(row) == width + 1 and self.id_column:
            row = row[1:]
        if len(row) != width:
            raise self.wrong_width(number, len(row))
        values = []
        for position, cell in enumerate(row):
            try:
                value = float(cell) if (text and "_" not in cell) or type(cell) in _PLAIN else None
            except (ValueError, OverflowError):
                value = None
            if value is None:
                hint = _header_hint(number, row, self.features) or SEND_A_NUMBER
                raise self._bad_cell("not_a_number", number, position, cell, hint)
            if not math.isfinite(value):
                raise self._bad_cell("not_finite", number, position, cell)
            if abs(value) > self.largest:
                raise self._bad_cell("too_large", number, position, cell)
            values.append(value)
        return values

    def no_rows(self) -> RequestError:
        """Return what to say of a request without rows."""
        return RequestError("no_rows", "The request has no rows.", hint=f"Send rows of {self.width} columns.")

    def check_row_count(self, rows: int) -> None:
        """Refuse more rows than one request may have.

        Raises:
            RequestError: 413.
        """
        if self.max_rows is not None and rows > self.max_rows:
            raise RequestError(
                "too_many_rows",
                f"The request has over {self.max_rows} rows.",
                status=413,
                hint="Send them in several requests.",
            )

    def rows_of_objects(self, objects: Sequence[Any]) -> list[list[Any]]:
        """Order the values of objects by feature name.

        Raises:
            RequestError: a feature is missing, or a name is not a feature.
        """
        known = {*self.features, *(["id"] if self.id_column else [])}
        for number, item in enumerate(objects, start=1):
            if not isinstance(item, Mapping):
                raise RequestError(
                    "not_an_object",
                    f"Row {number} is {json_type(item)}, and the rows before it are objects.",
                    row=number,
                    hint="Send every row as an object, or every row as a list.",
                )
            for name in (*item, *self.features):
                if name not in known or name not in item:
                    shown = str(name)[:100]  # a key may be as long as the body
                    code, what = (
                        ("missing_column", f"lacks {shown!r}.")
                        if name in known
                        else ("unknown_column", f"has {shown!r}, which is no feature of this model.")
                    )
                    raise RequestError(
                        code,
                        f"Row {number} {what}",
                        row=number,
                        column=shown,
                        hint=f"The features are {self.shown_features}.",
                    )
        return [[item[name] for name in self.features] for item in objects]

    def _wrong(self, matrix: npt.NDArray[Any]) -> tuple[int, int] | None:
        """Return row and column of the first cell that cannot be taken."""
        wrong = ~np.isfinite(matrix)
        if self.single_precision and matrix.dtype == np.float64:
            wrong |= np.abs(matrix) > self.largest
        if not wrong.any():
            return None
        row, column = np.unravel_index(int(wrong.argmax()), wrong.shape)
        return int(row), int(column)

    def wrong_width(self, number: int, received: int) -> RequestError:
        """Return what to say of row `number` with `received` columns."""
        width = self.width
        allowed = f"{width} columns" + (f", or {width + 1} with a leading id" if self.id_column else "")
        return RequestError(
            "wrong_column_count",
            f"Row {number} has {received} columns; this model takes {allowed}.",
            row=number,
            column=self.features[received] if received < width else None,
            hint=f"Columns in order: {self.shown_features}.",
        )

    def _bad_cell(self, code: str, number: int, position: int, cell: Any, hint: str = "") -> RequestError:
        is_what, default = _CELL_ERRORS[code]
        name = self.features[position]
        # What is inside a list may be nested deeper than Python can print.
        shown = json_type(cell) if isinstance(cell, list | dict) else repr(cell)[:40]
        return RequestError(
            code,
            f"Row {number}, {name}: {shown} is {is_what}.",
            row=number,
            column=name,
            hint=hint or default,
        )


_PLAIN = frozenset({int, float})
_CELL_ERRORS = {
    "not_a_number": ("not a number", SEND_A_NUMBER),
    "not_finite": (
        "not a finite number",
        "Leave rows with NaN or infinity out, or fill the value in before.",
    ),
    "too_large": (
        "larger than the model can compute with",
        f"Its numbers are 32-bit floats: at most {SINGLE_MAX:.3g}.",
    ),
}


def _header_hint(number: int, row: Sequence[Any], features: tuple[str, ...]) -> str | None:
    if number == 1 and any(isinstance(cell, str) and cell.strip().strip('"') in features for cell in row):
        return "The first row looks like a header; send the rows without it."
    return None


def json_type(value: Any) -> str:
    """Return what a JSON value is, for a message."""
    names = {dict: "an object", list: "a list", str: "a string", bool: "a boolean", type(None): "null"}
    return names.get(type(value), "a number")
