"""Rows out of CSV: a parser for small bodies, one for large ones, and one that says what is wrong.

The fast ones take the common case only, and leave whatever they do not understand to the exact one; all three
give the same float64 values. Figures: docs/benchmarks/serving.md.
"""

from __future__ import annotations

import array
import io
from collections.abc import Iterator
from itertools import chain

import numpy as np

from .errors import RequestError
from .signature import Matrix, Signature
from .strict_json import loads

# Up to here one JSON parse beats NumPy's reader, which costs some microseconds before its first row.
_SMALL_BYTES = 10_000
_NUMBERS = frozenset({int, float})


def read_csv(body: bytes, signature: Signature) -> Matrix:
    """Read rows that are split by newlines or by `|`, without a header.

    Raises:
        RequestError: a row has the wrong width, a cell is not a number that the model takes, or there are
            more rows than one request may have.
    """
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
    """Read a CSV body with NumPy's reader, which needs little more memory than the matrix."""
    if b"|" in body:
        body = body.replace(b"|", b"\n")
    lines = body.count(b"\n") + (not body.endswith(b"\n"))
    signature.check_row_count(lines)
    try:
        matrix: Matrix = np.loadtxt(
            io.BytesIO(body), dtype=signature.dtype, delimiter=",", comments=None, ndmin=2, encoding="utf-8"
        )
    except ValueError:
        return None
    # It skips blank lines, and reads "nan" as a number.
    if matrix.shape != (lines, signature.width) or not np.isfinite(matrix).all():
        return None
    return matrix


def _exact(body: bytes, signature: Signature) -> Matrix:
    """Read a CSV body line by line, and name the first cell that is wrong."""
    cells = array.array("d")
    count = 0
    for count, line in enumerate(_lines(body), start=1):
        row = line.split(",")
        signature.check_row_count(count)
        cells.extend(signature.numbers(count, row))
    if not count:
        raise RequestError(
            "no_rows", "The request has no rows.", hint=f"Send rows of {signature.width} numbers."
        )
    return np.frombuffer(cells, dtype=np.float64).reshape(count, signature.width).astype(signature.dtype)


def _lines(body: bytes) -> Iterator[str]:
    try:
        text = body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            "not_utf8", f"The body is not UTF-8 text (byte {error.start}).", hint="Encode it as UTF-8."
        ) from None
    # Blank lines at the end end the last row and start none.
    return (line.rstrip("\r") for line in text.replace("|", "\n").rstrip().split("\n"))
