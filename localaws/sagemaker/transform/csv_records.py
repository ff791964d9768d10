"""Rows of CSV as records: selected and joined a block at a time, parsed only where a row has quotes."""

import csv
import io
from collections.abc import Callable, Iterable, Sequence
from operator import itemgetter

from localaws.sagemaker.transform.failures import RecordError
from localaws.sagemaker.transform.json_path import Elements, Path, PathError, Wildcard

Getter = Callable[[Sequence[bytes]], tuple[bytes, ...]]


class CsvRecords:
    """Implements Records for text/csv. A record is a row's bytes, without its line end; none is blank."""

    def check(self, path: Path) -> None:
        """Raises PathError for what is not an index: a row is an array and nothing else."""
        if len(path) > 1 or not all(isinstance(step, Elements | Wildcard) for step in path):
            raise PathError("a CSV row has indices only, as in $[0] or $[1:]")

    def read(self, block: bytes) -> list[bytes]:
        """Return the rows."""
        return [row for row in block.splitlines() if row and not row.isspace()]

    def answers(self, block: bytes, _expected: int) -> list[bytes]:
        """Return the rows of a model's answer."""
        return self.read(block)

    def write(self, records: Sequence[bytes]) -> bytes:
        """Return rows, each with a newline."""
        return b"\n".join(records) + b"\n" if records else b""

    def join(self, inputs: Sequence[bytes], outputs: Sequence[bytes]) -> list[bytes]:
        """Append each answer to its row."""
        return [row + b"," + answer for row, answer in zip(inputs, outputs, strict=True)]

    def select(self, path: Path, records: Sequence[bytes]) -> list[bytes]:
        """Return the path's columns of every row. Raises RecordError."""
        elements = path[0] if path else Wildcard()
        if not isinstance(elements, Elements):
            return list(records)
        if any(b'"' in row for row in records):
            return [_selected_quoted(elements, row, number) for number, row in enumerate(records)]
        first = elements.spans[0]
        if len(elements.spans) == 1 and first.end is None and (first.start or 0) >= 0:
            return _from_column(first.start or 0, records)
        return _columns(elements, records)


def _from_column(start: int, rows: Sequence[bytes]) -> list[bytes]:
    """Cut off the first columns: no need to split the rest."""
    try:
        return [row.split(b",", start)[start] for row in rows]
    except IndexError:
        short = next(number for number, row in enumerate(rows) if row.count(b",") < start)
        columns = rows[short].count(b",") + 1
        raise RecordError(f"index {start} is out of range: there are {columns}", short) from None


def _columns(elements: Elements, rows: Sequence[bytes]) -> list[bytes]:
    getters: dict[int, Getter] = {}
    chosen = []
    for number, row in enumerate(rows):
        fields = row.split(b",")
        getter = getters.get(len(fields))
        if getter is None:
            getter = getters[len(fields)] = _getter(elements, len(fields), number)
        chosen.append(b",".join(getter(fields)))
    return chosen


def _getter(elements: Elements, columns: int, number: int) -> Getter:
    try:
        indices = elements.indices(columns)
    except PathError as error:
        raise RecordError(str(error), number) from error
    if len(indices) > 1:
        return itemgetter(*indices)
    return lambda fields: tuple(fields[index] for index in indices)


def _selected_quoted(elements: Elements, row: bytes, number: int) -> bytes:
    try:
        fields = next(csv.reader([row.decode()], strict=True))
        chosen = [fields[index] for index in elements.indices(len(fields))]
    except (csv.Error, UnicodeDecodeError, PathError) as error:
        raise RecordError(str(error), number) from error
    return _written(chosen)


def _written(fields: Iterable[str]) -> bytes:
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(fields)
    return text.getvalue().encode()
