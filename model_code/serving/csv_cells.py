"""Cells of CSV with texts in them: RFC 4180's quotes, and rows that end at a newline or at `|`."""

from __future__ import annotations

import re
import string
from collections.abc import Iterable, Iterator

# A quoted cell, in which a quote is written twice, or one without quotes; then what ends it. Nothing is given
# back (`*+`), so the time grows with the text alone.
_CELL = re.compile(r'[ \t]*+"((?:[^"]|"")*+)"[ \t\r]*+([,|\n]|\Z)|([^,|\n]*+)([,|\n]|\Z)')
_QUOTED = re.compile(r'[",|\r\n]')
# A number, the text of a category, or None where it is missing.
Cell = float | str | None


class TooManyCells(ValueError):
    """A row of more cells than are taken; `row` counts from 1."""

    def __init__(self, row: int, cells: int) -> None:
        super().__init__(f"row {row} has {cells} cells")
        self.row, self.cells = row, cells


def rows_of(text: str, most: int | None = None) -> Iterator[list[str]]:
    """Yield the cells of each row, without spaces around them; blank lines at the end are none.

    Args:
        text: one row or more.
        most: how many cells a row may have.

    Raises:
        TooManyCells: a row has more; they are counted and not kept.
    """
    text = text.rstrip(string.whitespace + "|")
    if '"' not in text:
        for number, line in enumerate(text.replace("|", "\n").split("\n"), start=1):
            if most is not None and (cells := line.count(",") + 1) > most:
                raise TooManyCells(number, cells)
            yield [cell.strip() for cell in line.split(",")]
        return
    row: list[str] = []
    count, number = 0, 1
    for match in _CELL.finditer(text):
        quoted, end, bare, bare_end = match.groups()
        count += 1
        if most is None or count <= most:
            row.append((bare if quoted is None else quoted.replace('""', '"')).strip())
        if (end or bare_end) == ",":
            continue
        if most is not None and count > most:
            raise TooManyCells(number, count)
        yield row
        row, count, number = [], 0, number + 1
        if not (end or bare_end):
            return


def line_of(cells: Iterable[Cell], number: str = "") -> str:
    """Return one row, without what ends it; a text is quoted where it has to be.

    Args:
        cells: of the row.
        number: how to format numbers, as `format` has it; default: exactly.
    """
    texts = (
        "" if cell is None else cell if isinstance(cell, str) else format(cell, number) for cell in cells
    )
    return ",".join('"' + text.replace('"', '""') + '"' if _QUOTED.search(text) else text for text in texts)
