"""CSV of any width, with a header row: every cell is what it says, and nothing is guessed."""

from __future__ import annotations

import csv
import io
import itertools
import math
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, BinaryIO

import numpy as np
import numpy.typing as npt

from slipway.errors import DataInvalid

from .data_errors import not_a_number
from .data_table import Column, Kind

# So many cells are lists of text at a time; a table is then numbers.
_CELLS_A_PART = 500_000
_OTHER_SEPARATORS = (";", "\t")


class CsvTable:
    """An open CSV file: cells as RFC 4180 has them, in UTF-8.

    Args:
        file: its bytes, at the start; seekable.
        source: what `data` says.

    Raises:
        DataInvalid: it has no header.
    """

    def __init__(self, file: BinaryIO, source: str) -> None:
        self._file, self._source = file, source
        text = io.TextIOWrapper(file, encoding="utf-8-sig", newline="")
        self._reader = csv.reader(text, skipinitialspace=True, strict=True)
        with self._told():
            self.names = [name.strip() for name in next(self._reader, [])]
        if not any(self.names):
            raise DataInvalid(f"{source} has no header row.", fix="Name the columns in its first line.")
        for separator in _OTHER_SEPARATORS:
            if len(self.names) == 1 and separator in self.names[0]:
                raise DataInvalid(
                    f"{source} has its columns split by {separator!r}.", fix="Save it with commas."
                )

    def read(self, kinds: Mapping[str, Kind]) -> dict[str, Column]:
        """Read some columns; see `Table`."""
        places = {name: self.names.index(name) for name in kinds}
        parts: dict[str, list[Column]] = {name: [] for name in kinds}
        row = 1
        with self._told():
            while rows := list(itertools.islice(self._rows(), max(1, _CELLS_A_PART // len(self.names)))):
                columns = list(zip(*rows, strict=True))
                for name, kind in kinds.items():
                    cells = columns[places[name]]
                    part = self._numbers(cells, name, row) if kind == "number" else _texts(cells)
                    parts[name].append(part)
                row += len(rows)
        return {name: np.concatenate(found) if found else np.empty(0) for name, found in parts.items()}

    def _rows(self) -> Iterator[list[str]]:
        width = len(self.names)
        for cells in self._reader:
            if len(cells) != width:
                if not cells:  # a blank line
                    continue
                raise DataInvalid(
                    f"{self._source}, line {self._reader.line_num}: {len(cells)} cells, and the header names "
                    f"{width} columns.",
                    fix="Mend the line; a text with a comma in it stands in double quotes.",
                )
            yield cells

    def _numbers(self, cells: tuple[str, ...], name: str, row: int) -> npt.NDArray[np.float64]:
        try:
            numbers = np.fromiter(map(float, cells), np.float64, len(cells))
        except ValueError:  # an empty cell, or a text
            pass
        else:
            # Python takes 1_000 for a number, and no other reader of the same file does.
            if np.isfinite(numbers).all() and "_" not in "".join(cells):
                return numbers
        numbers = np.full(len(cells), np.nan)
        for place, cell in enumerate(cells):
            if cell and not cell.isspace():
                value = _number(cell)
                if value is None:
                    raise not_a_number(self._source, row + place, name, cell)
                numbers[place] = value
        return numbers

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Say of a file that is no CSV what it is instead, and where."""
        try:
            yield
        except csv.Error as error:
            raise DataInvalid(
                f"{self._source}, line {self._reader.line_num}: {error}.",
                why="Cells are as RFC 4180 has them: a text with a quote in it has it twice.",
                fix="Mend the line.",
            ) from None
        except UnicodeDecodeError:
            raise DataInvalid(
                f"{self._source}{self._place_of_other_text()} is not UTF-8 text.",
                fix="Save the file as CSV in UTF-8.",
            ) from None
        except (OSError, EOFError, zlib.error) as error:
            raise DataInvalid(
                f"{self._source} cannot be read to its end: {error}", fix="Fetch the file again."
            ) from None

    def _place_of_other_text(self) -> str:
        self._file.seek(0)
        for number, line in enumerate(self._file, start=1):
            try:
                line.decode()
            except UnicodeDecodeError:
                return f", line {number},"
        return ""


def _number(cell: str) -> float | None:
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if math.isfinite(value) and "_" not in cell else None


def _texts(cells: tuple[str, ...]) -> npt.NDArray[Any]:
    return np.array([cell.strip() or None for cell in cells], dtype=object)
