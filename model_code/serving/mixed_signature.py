"""Signatures of which some features are categories, or may be missing.

The model sees numbers throughout: a category is its place in the signature's list, a missing value NaN.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from .errors import RequestError
from .signature import SEND_A_NUMBER, Matrix, Signature, json_type

_MOST_SHOWN = 10
_LONGEST_COMPARED = 100  # characters of a text whose nearest spelling is looked for
_NUMBERS = frozenset({int, float})
_NUMBERS_AND_NULL = frozenset({int, float, type(None)})


def read_signature(manifest: Mapping[str, Any], **limits: Any) -> Signature:
    """Read the signature out of a manifest: one of plain numbers where it has nothing else."""
    signature = manifest["signature"]
    features = signature["features"]
    names = tuple(feature["name"] for feature in features)
    prediction = signature["prediction"]
    common = (names, bool(signature["id_column"]), prediction["name"], prediction["type"])
    if not any("categories" in feature or feature.get("missing") for feature in features):
        return Signature(*common, **limits)
    return MixedSignature(
        *common,
        **limits,
        categories=tuple(
            tuple(feature["categories"]) if "categories" in feature else None for feature in features
        ),
        optional=tuple(bool(feature.get("missing")) for feature in features),
    )


@dataclass(frozen=True)
class MixedSignature(Signature):
    """A signature that takes texts and missing values too.

    Args:
        categories: of each feature that is one its texts, else None.
        optional: of each feature whether it may be missing.
    """

    categories: tuple[tuple[str, ...] | None, ...] = ()
    optional: tuple[bool, ...] = ()

    @cached_property
    def _codes(self) -> tuple[dict[str | None, float] | None, ...]:
        """Of each category what its texts are to the model, and what None is where it may be missing."""
        return tuple(
            None
            if texts is None
            else {
                **{text: float(code) for code, text in enumerate(texts)},
                **({None: np.nan} if optional else {}),
            }
            for texts, optional in zip(self.categories, self.optional, strict=True)
        )

    @cached_property
    def most_brackets(self) -> float:
        """As of plain numbers; and a category's text may hold some as well."""
        in_texts = sum(
            max(text.count("[") + text.count("{") for text in texts) for texts in self.categories if texts
        )
        return super().most_brackets + (0 if self.max_rows is None else (self.max_rows + 2) * in_texts)

    def matrix(self, rows: Sequence[Sequence[Any]], *, finite: bool = False) -> Matrix:
        """Check rows of JSON values and return them as a matrix; see `Signature.matrix`."""
        if not rows:
            raise self.no_rows()
        self.check_row_count(len(rows))
        found = self._by_columns(rows) if finite else None
        if found is not None:
            return found
        exact = [self.numbers(number, row, text=False) for number, row in enumerate(rows, start=1)]
        return np.array(exact, dtype=self.dtype)

    def matrix_of_texts(self, rows: Sequence[Sequence[str]], first: int = 1) -> Matrix:
        """Check rows of CSV cells and return them as a matrix.

        Args:
            rows: cells without spaces around them; an empty one is missing.
            first: the number of the first row.

        Raises:
            RequestError: the first thing that is wrong with them.
        """
        found = self._by_columns(rows, text=True)
        if found is not None:
            return found
        exact = [self.numbers(number, row) for number, row in enumerate(rows, start=first)]
        return np.array(exact, dtype=self.dtype)

    def numbers(self, number: int, row: Sequence[Any], *, text: bool = True) -> list[float]:
        """Check one row and return what the model sees of it; see `Signature.numbers`."""
        if len(row) == self.width + 1 and self.id_column:
            row = row[1:]
        if len(row) != self.width:
            raise self.wrong_width(number, len(row))
        missing: str | None = "" if text else None
        absent = [
            optional and type(cell) is type(missing) and cell == missing
            for cell, optional in zip(row, self.optional, strict=True)
        ]
        # What is no number is checked here, and the numbers as those of any signature.
        stand_in: str | int = "0" if text else 0
        plain = [
            stand_in if gone or texts is not None else cell
            for cell, gone, texts in zip(row, absent, self.categories, strict=True)
        ]
        values = super().numbers(number, plain, text=text)
        for place, codes in enumerate(self._codes):
            if absent[place]:
                values[place] = np.nan
            elif codes is not None:
                cell = row[place]
                if not isinstance(cell, str) or cell not in codes:
                    raise self._unknown_category(number, place, cell)
                values[place] = codes[cell]
        return values

    def rows_of_objects(self, objects: Sequence[Any]) -> list[list[Any]]:
        """Order the values of objects by feature name; an absent one is null where it may be missing."""
        absent = {name: None for name, optional in zip(self.features, self.optional, strict=True) if optional}
        return super().rows_of_objects(
            [{**absent, **item} if isinstance(item, Mapping) else item for item in objects]
        )

    def checked(self, matrix: npt.NDArray[Any]) -> Matrix:
        """Return a matrix of numbers in the signature's type; categories are their places, NaN is missing."""
        if matrix.dtype not in (np.float32, np.float64):
            matrix = matrix.astype(np.float64)
        for place, texts in enumerate(self.categories):
            if texts is not None:
                column = matrix[:, place]
                known = np.isfinite(column)
                wrong = known & ((column % 1 != 0) | (column < 0) | (column >= len(texts)))
                if wrong.any():
                    row = int(wrong.argmax())
                    raise self._unknown_category(row + 1, place, float(column[row]))
        absent = np.isnan(matrix) & np.array(self.optional)
        found = super().checked(np.where(absent, matrix.dtype.type(0), matrix))
        found[absent] = np.nan
        return found

    def _by_columns(self, rows: Sequence[Sequence[Any]], *, text: bool = False) -> Matrix | None:
        """Return the matrix of rows that are as they should be; None where one needs a closer look."""
        width, widths = self.width, set(map(len, rows))
        with_id = self.id_column and widths == {width + 1}
        if not with_id and widths != {width}:
            return None
        columns = list(zip(*rows, strict=True))[with_id:]
        matrix = np.empty((len(rows), width), dtype=np.float64)
        try:
            for place, cells in enumerate(columns):
                codes, optional = self._codes[place], self.optional[place]
                if text and optional and "" in cells:
                    cells = tuple(cell or None for cell in cells)
                if codes is not None:
                    matrix[:, place] = [codes[cell] for cell in cells]
                else:
                    matrix[:, place] = _numbers(cells, optional=optional, text=text)
        except (KeyError, TypeError, ValueError, OverflowError):
            return None
        return None if (np.abs(matrix) > self.largest).any() else matrix.astype(self.dtype, copy=False)

    def _unknown_category(self, number: int, place: int, cell: Any) -> RequestError:
        name, texts = self.features[place], self.categories[place] or ()
        shown = repr(cell)[:80] if type(cell) in (str, int, float) else json_type(cell)
        more = f" and {len(texts) - _MOST_SHOWN} more" if len(texts) > _MOST_SHOWN else ""
        hint = f"Send one of {', '.join(map(repr, texts[:_MOST_SHOWN]))}{more}."
        if isinstance(cell, str):
            import difflib  # for who is wrong alone: every cold start would pay for it

            near = difflib.get_close_matches(cell[:_LONGEST_COMPARED], texts, n=1)
            hint += f" Did you mean {near[0]!r}?" if near else ""
            if number == 1 and cell in self.features:
                hint = "The first row looks like a header; send the rows without it."
        return RequestError(
            "unknown_category",
            f"Row {number}, {name}: {shown} is not one of its categories.",
            status=422,
            row=number,
            column=name,
            hint=hint,
        )

    def _bad_cell(self, code: str, number: int, position: int, cell: Any, hint: str = "") -> RequestError:
        if self.optional[position] and code != "too_large" and hint in ("", SEND_A_NUMBER):
            hint = "Send a finite number; where it is missing, null, or in CSV an empty cell."
        return super()._bad_cell(code, number, position, cell, hint)


def _numbers(cells: Sequence[Any], *, optional: bool, text: bool) -> npt.NDArray[np.float64]:
    """Return a column of numbers. Raises ValueError where a cell needs a closer look."""
    if text:
        known = [cell for cell in cells if cell is not None] if optional else cells
        if "_" in "".join(known):
            raise ValueError
    elif not (_NUMBERS_AND_NULL if optional else _NUMBERS).issuperset(map(type, cells)):
        raise ValueError
    else:
        known = [cell for cell in cells if cell is not None] if optional else cells
    numbers = np.fromiter(map(float, known), np.float64, len(known))
    if not np.isfinite(numbers).all():
        raise ValueError
    if len(known) == len(cells):
        return numbers
    column = np.full(len(cells), np.nan)
    column[[cell is not None for cell in cells]] = numbers
    return column
