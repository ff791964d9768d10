"""How rows are written for a model and its answers read: one of two formats, which the stack names."""

from __future__ import annotations

import csv
import io
import json
import math
from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from client.errors import RequestRefused

Row = Sequence[Any] | Mapping[str, Any]
Prediction = str | int | float
JSON, CSV = "application/json", "text/csv"


class Wire(Protocol):
    """One format."""

    content_type: str

    def encode(self, rows: Sequence[Row]) -> bytes:
        """Return a request's body.

        Raises:
            RequestRefused: the format cannot say these rows.
        """
        ...

    def decode(self, content: bytes) -> list[Prediction]:
        """Return the predictions of an answer to a request that accepts `content_type`."""
        ...


class SlipwayWire:
    """What our runtime speaks, in its own container and in AWS's for scikit-learn: JSON both ways."""

    content_type = JSON

    def encode(self, rows: Sequence[Row]) -> bytes:
        """Write lists, or objects by feature name."""
        return json.dumps([dict(row) if isinstance(row, Mapping) else list(row) for row in rows]).encode()

    def decode(self, content: bytes) -> list[Prediction]:
        """Read a list of predictions."""
        answer: list[Prediction] = json.loads(content)
        return answer


class XgboostWire:
    """What AWS's built-in XGBoost image speaks: CSV without a header, and one score a line.

    Args:
        features: the features in the signature's order; None where the stack does not say them.
        classes: the classes in sorted order, for which the scores stand; None for a number.
        categories: of each column that is one, by its place, its texts in the order that gives their codes.
        missing: the places of the features that a row by names may leave out.
    """

    content_type = CSV

    def __init__(
        self,
        features: Sequence[str] | None,
        classes: Sequence[str | int] | None,
        categories: Mapping[str, Sequence[str]] | None = None,
        missing: Sequence[int] | None = None,
    ) -> None:
        self._features, self._classes = features, classes
        self._categories = categories or {}
        self._optional = {features[place] for place in missing or ()} if features else set()

    def encode(self, rows: Sequence[Row]) -> bytes:
        """Write lines of numbers; what is missing is an empty cell."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        for number, row in enumerate(rows, start=1):
            cells = self._in_order(row, number) if isinstance(row, Mapping) else row
            writer.writerow([self._cell(cell, place, number) for place, cell in enumerate(cells)])
        return text.getvalue().encode()

    def decode(self, content: bytes) -> list[Prediction]:
        """Read one score a line, or one a class."""
        lines = content.decode().split()
        return [self._prediction([float(score) for score in line.split(",")]) for line in lines]

    def _in_order(self, row: Mapping[str, Any], number: int) -> list[Any]:
        if self._features is None:
            raise RequestRefused(
                "This model takes rows as lists: its image knows no feature names.", row=number
            )
        hint = f"The features are {', '.join(self._features)}."
        for name in self._features:
            if name not in row and name not in self._optional:
                raise RequestRefused(f"Row {number} has no {name}.", row=number, column=name, hint=hint)
        for name in row:
            if name not in self._features:
                raise RequestRefused(
                    f"Row {number} has {name}, which is no feature.", row=number, column=name, hint=hint
                )
        return [row.get(name) for name in self._features]

    def _cell(self, value: Any, place: int, row: int) -> Any:
        if value is None or (isinstance(value, float) and math.isnan(value)):
            return ""
        if not isinstance(value, str):
            return value
        texts = self._categories.get(str(place), ())
        if value in texts:
            return texts.index(value)
        column = self._features[place] if self._features and place < len(self._features) else None
        hint = f"Send one of {', '.join(map(repr, texts[:10]))}." if texts else "Send a finite number."
        raise RequestRefused(
            f"Row {row}, {column or f'column {place + 1}'}: {value!r} is not "
            f"{'one of its categories' if texts else 'a number'}.",
            row=row,
            column=column,
            hint=hint,
        )

    def _prediction(self, scores: list[float]) -> Prediction:
        if self._classes is None:
            return scores[0]
        if len(scores) > 1:  # one probability a class
            code = scores.index(max(scores))
        else:  # the probability of the second of two, or the number of the class
            code = int(scores[0] > 0.5) if len(self._classes) == 2 else int(scores[0])
        return self._classes[code]


def wire_of(described: str | None) -> Wire:
    """Return the format that a stack's output `WireFormat` describes; without one it is ours."""
    about = json.loads(described) if described else {}
    if about.get("format") == "xgboost":
        return XgboostWire(
            about.get("features"), about.get("classes"), about.get("categories"), about.get("missing")
        )
    return SlipwayWire()
