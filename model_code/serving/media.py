"""Bodies in and out, by Content-Type and Accept."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .csv_rows import read_csv
from .errors import RequestError
from .npy import read_npy, write_npy
from .signature import Matrix, Signature
from .strict_json import loads

JSON = "application/json"
CSV = "text/csv"
JSON_LINES = "application/jsonlines"
NPY = "application/x-npy"
SERVED = (JSON, CSV, JSON_LINES, NPY)  # in the order of preference, where Accept leaves a choice
Prediction = str | int | float
_FEW = 100
_NEWLINE = "\n"


class Request(NamedTuple):
    """Rows to predict, and the shape in which the answer is expected.

    Args:
        matrix: of shape (rows, features), in the signature's type.
        wrapped: whether the rows came as `{"instances": [...]}`.
    """

    matrix: Matrix
    wrapped: bool = False


def read(body: bytes | str, content_type: str | None, signature: Signature) -> Request:
    """Read a request body.

    Args:
        body: the bytes, or the text that a server has decoded already.
        content_type: the header; parameters are ignored, and none means JSON, as in AWS's own images.
        signature: what the model takes.

    Raises:
        RequestError: 400 for what the body says, 413 for too many rows, 415 for a type that is not served.
    """
    reader = _READERS[media_type_of(content_type)]
    content = body.encode() if isinstance(body, str) else body
    if not content or content.isspace():
        raise RequestError(
            "empty_body", "The request has no body.", hint=f"Send rows as one of {', '.join(SERVED)}."
        )
    return reader(content, signature)


def write(predictions: Sequence[Prediction], media_type: str, *, wrapped: bool) -> bytes:
    """Return the answer's body.

    Args:
        predictions: one for each row, in order; all of one type.
        media_type: what `negotiate` has chosen.
        wrapped: answer `{"predictions": [...]}` instead of a list, where it is JSON.
    """
    if media_type == NPY:
        return write_npy(np.asarray(predictions))
    cell = _csv_cell if media_type == CSV else _json_cell
    if len(predictions) < _FEW or isinstance(predictions[0], float):
        cells = [cell(value) for value in predictions]
    else:  # few classes, many rows
        written = {value: cell(value) for value in set(predictions)}
        cells = list(map(written.__getitem__, predictions))
    if media_type != JSON:
        return f"{_NEWLINE.join(cells)}\n".encode()
    listed = f"[{', '.join(cells)}]"
    return (f'{{"predictions": {listed}}}' if wrapped else listed).encode()


@lru_cache(maxsize=64)
def media_type_of(content_type: str | None, served: tuple[str, ...] = SERVED) -> str:
    """Return the media type of a Content-Type header; none means JSON.

    Raises:
        RequestError: 415 for one that is not served.
    """
    media_type = (content_type or JSON).partition(";")[0].strip().lower()
    if media_type not in served:
        raise RequestError(
            "unsupported_media_type",
            f"Content-Type {media_type[:100]!r} is not served.",
            status=415,
            hint=f"Send one of {', '.join(served)}.",
        )
    return media_type


@lru_cache(maxsize=64)
def negotiate(accept: str | None, served: tuple[str, ...] = SERVED) -> str:
    """Choose the answer's media type: the highest q-value, JSON on a tie.

    Args:
        accept: the header; none takes anything.
        served: what there is to choose from, in the order of preference.

    Raises:
        RequestError: 406 when nothing that is accepted is served.
    """
    ranges = dict(_accepted(part) for part in (accept or "*/*").split(","))

    def quality(media_type: str) -> float:
        # The most exact range decides, so that "text/csv;q=0, */*" does not choose CSV.
        patterns = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        return next((ranges[pattern] for pattern in patterns if pattern in ranges), 0.0)

    best = max(served, key=quality)
    if quality(best) > 0:
        return best
    raise RequestError(
        "not_acceptable",
        f"Accept {str(accept)[:100]!r} is not served.",
        status=406,
        hint=f"Accept one of {', '.join(served)}.",
    )


def _accepted(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                quality = float(parameter[2:])
            except ValueError:
                return name, 0.0
            return name, quality if 0 <= quality <= 1 else 0.0
    return name, 1.0


def _read_csv(body: bytes, signature: Signature) -> Request:
    return Request(read_csv(body, signature))


def _read_npy(body: bytes, signature: Signature) -> Request:
    return Request(read_npy(body, signature))


def _read_json(body: bytes, signature: Signature) -> Request:
    # Empty lists take twenty times their bytes, so they are counted before they are made.
    if len(body) > signature.most_brackets < body.count(b"[") + body.count(b"{"):
        signature.check_row_count(body.count(b"[") + body.count(b"{"))
    value, finite = parse_json(body)
    wrapped = isinstance(value, dict)
    if wrapped:
        if value.keys() != {"instances"}:
            raise RequestError(
                "no_instances",
                f"The object has the keys {str(sorted(map(str, value)))[:200]}.",
                hint='Send {"instances": [[…], …]}, or a list of rows.',
            )
        value = value["instances"]
    if not isinstance(value, list):
        raise RequestError("not_rows", "The body is not a list of rows.", hint="Send [[…], […]].")
    return Request(_matrix(value, signature, finite=finite), wrapped)


def _read_json_lines(body: bytes, signature: Signature) -> Request:
    rows, finite = [], True
    text = body.rstrip()
    signature.check_row_count(text.count(b"\n") + 1)
    for number, line in enumerate(text.split(b"\n"), start=1):
        try:
            row, plain = parse_json(line)
        except RequestError as error:
            raise RequestError(
                error.code, f"Line {number}: {error.message}", row=number, hint="Send one row a line."
            ) from None
        rows.append(row)
        finite = finite and plain
    return Request(_matrix(rows, signature, finite=finite))


def _matrix(rows: list[Any], signature: Signature, *, finite: bool) -> Matrix:
    signature.check_row_count(len(rows))
    if rows and isinstance(rows[0], dict):
        rows = signature.rows_of_objects(rows)
    for number, row in enumerate(rows, start=1):
        if not isinstance(row, list):
            shown = "an object" if isinstance(row, dict) else json.dumps(row)[:40]
            raise RequestError(
                "not_a_row",
                f"Row {number} is {shown}, not a list.",
                row=number,
                hint="A single row is a list in a list: [[…]].",
            )
    return signature.matrix(rows, finite=finite)


def parse_json(body: bytes) -> tuple[Any, bool]:
    """Return a JSON value, and whether it is strict JSON; NaN is let through, to be refused by its place.

    Raises:
        RequestError: it is no JSON.
    """
    try:
        return loads(body), True
    except ValueError:
        pass
    try:
        return json.loads(body.decode("utf-8-sig")), False
    except UnicodeDecodeError as error:
        raise RequestError(
            "not_utf8", f"The body is not UTF-8 text (byte {error.start}).", hint="Encode it as UTF-8."
        ) from None
    except (ValueError, RecursionError) as error:
        raise RequestError("invalid_json", f"The body is not JSON: {str(error)[:200]}.") from None


def _json_cell(value: Prediction) -> str:
    # What json.dumps writes; numbers go without a call to it.
    return _json_text(value) if isinstance(value, str) else repr(value)


@lru_cache(maxsize=4096)
def _json_text(value: str) -> str:
    return json.dumps(value, ensure_ascii=False)


def _csv_cell(value: Prediction) -> str:
    text = str(value)
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text


_READERS: dict[str, Callable[[bytes, Signature], Request]] = {
    JSON: _read_json,
    CSV: _read_csv,
    JSON_LINES: _read_json_lines,
    NPY: _read_npy,
}
