"""Rows out of CSV: a parser for small bodies, one for large ones, and one that says what is wrong.

The fast ones take the common case only, and leave whatever they do not understand to the exact one; all of
them give the same values. Figures: docs/benchmarks/serving.md.
"""

from __future__ import annotations

import array
import io
from collections.abc import Iterator
from itertools import chain, islice

import numpy as np

from .csv_cells import TooManyCells, rows_of
from .errors import RequestError
from .mixed_signature import MixedSignature
from .short_decimals import short_decimals
from .signature import Matrix, Signature
from .strict_json import loads

# Up to here one JSON parse beats NumPy's reader, which costs some microseconds before its first row.
_SMALL_BYTES = 10_000
_BLOCK_BYTES = 128 * 1024
_MIXED_CELLS = 50_000  # so many are texts at a time
_NEWLINE = ord("\n")
_NUMBERS = frozenset({int, float})


def read_csv(body: bytes, signature: Signature) -> Matrix:
    """Read rows that are split by newlines or by `|`, without a header.

    Raises:
        RequestError: a row has the wrong width, a cell is not a number that the model takes, or there are
            more rows than one request may have.
    """
    if isinstance(signature, MixedSignature):
        return _mixed(body, signature)
    matrix = _small(body, signature) if len(body) <= _SMALL_BYTES else _large(body, signature)
    return _exact(body, signature) if matrix is None else matrix


def _small(body: bytes, signature: Signature) -> Matrix | None:
    """Read a CSV body as the JSON lists that it nearly is; None where it is not."""
    if b"]" in body:  # could close a list of ours
        return None
    if b"|" in body:
        body = body.replace(b"|", b"\n")
    text = body.rstrip()
    try:
        rows = loads(b"[[" + text.replace(b"\n", b"],[") + b"]]")
    except ValueError:
        return None
    width = signature.width
    for row in rows:
        if len(row) != width:
            return None
    if not _NUMBERS.issuperset(map(type, chain.from_iterable(rows) if len(rows) > 1 else rows[0])):
        return None
    return signature.small_matrix(rows)


def _large(body: bytes, signature: Signature) -> Matrix | None:
    """Read a CSV body block by block, so that little is needed beside the body and the matrix."""
    if b"|" in body:
        body = body.replace(b"|", b"\n")
    lines, width = _newlines(body) + (not body.endswith(b"\n")), signature.width
    signature.check_row_count(lines)
    if lines * width * 2 > len(body) + 1:  # a cell and what ends it are two characters at least
        return None
    matrix: Matrix = np.empty((lines, width), dtype=signature.dtype)
    row = 0
    with np.errstate(over="ignore"):
        for start, end in _blocks(body):
            part = _block(body, start, end, width)
            if part is None or part.shape[1] != width or row + len(part) > lines:
                return None
            matrix[row : row + len(part)] = part
            row += len(part)
    # NumPy's reader skips blank lines, and reads "nan" as a number.
    return matrix if row == lines and np.isfinite(matrix).all() else None


def _newlines(body: bytes) -> int:
    """Count them: as `bytes.count` does, which takes four times as long for so many."""
    codes = np.frombuffer(body, np.uint8)
    parts = (codes[start : start + _BLOCK_BYTES] for start in range(0, len(codes), _BLOCK_BYTES))
    return sum(int(np.count_nonzero(part == _NEWLINE)) for part in parts)


def _blocks(body: bytes) -> Iterator[tuple[int, int]]:
    """Cut a body into whole lines of about _BLOCK_BYTES together, or one that is longer."""
    start, size = 0, len(body)
    while start < size:
        end = body.rfind(b"\n", start, start + _BLOCK_BYTES) + 1
        if end == 0:
            end = body.find(b"\n", start) + 1 or size
        yield start, end
        start = end


def _block(body: bytes, start: int, end: int, width: int) -> Matrix | None:
    if end - start > _BLOCK_BYTES and body.count(b",", start, end) != width - 1:
        return None  # one line, whose cells would take many times its bytes
    if body[end - 1] != _NEWLINE:
        body, start, end = body[start:end] + b"\n", 0, end - start + 1
    part = short_decimals(body, start, end, width)
    if part is not None:
        return part
    try:
        lines = io.BytesIO(body[start:end])
        return np.loadtxt(lines, delimiter=",", comments=None, ndmin=2, encoding="utf-8")
    except ValueError:
        return None


def _exact(body: bytes, signature: Signature) -> Matrix:
    """Read a CSV body line by line, and name the first cell that is wrong."""
    cells = array.array("d")
    count = 0
    for count, line in enumerate(_lines(body), start=1):
        signature.check_row_count(count)
        columns = line.count(",") + 1
        if columns > signature.width + 1:  # before they are split
            raise signature.wrong_width(count, columns)
        cells.extend(signature.numbers(count, line.split(",")))
    if not count:
        raise signature.no_rows()
    return np.frombuffer(cells, dtype=np.float64).reshape(count, signature.width).astype(signature.dtype)


def _lines(body: bytes) -> Iterator[str]:
    # Blank lines at the end end the last row and start none.
    return (line.rstrip("\r") for line in _text(body).replace("|", "\n").rstrip().split("\n"))


def _mixed(body: bytes, signature: MixedSignature) -> Matrix:
    """Read a CSV body with texts or empty cells in it, some rows at a time."""
    found: list[Matrix] = []
    rows = rows_of(_text(body), most=signature.width + 1)
    count = 0
    try:
        while part := list(islice(rows, max(1, _MIXED_CELLS // signature.width))):
            signature.check_row_count(count + len(part))
            found.append(signature.matrix_of_texts(part, first=count + 1))
            count += len(part)
    except TooManyCells as error:
        raise signature.wrong_width(error.row, error.cells) from None
    return found[0] if len(found) == 1 else np.concatenate(found)


def _text(body: bytes) -> str:
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            "not_utf8", f"The body is not UTF-8 text (byte {error.start}).", hint="Encode it as UTF-8."
        ) from None
