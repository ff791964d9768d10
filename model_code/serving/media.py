"""Bodies in and out: CSV and JSON, by Content-Type and Accept."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

from .errors import RequestError
from .signature import Matrix, Signature

JSON = "application/json"
CSV = "text/csv"
Prediction = str | int | float


@dataclass(frozen=True)
class Request:
    """Rows to predict, and the shape in which the answer is expected.

    Args:
        matrix: float64 of shape (rows, features).
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
        RequestError: 400 for what the body says, 415 for a type that is not served.
    """
    media_type = (content_type or JSON).partition(";")[0].strip().lower()
    if media_type not in (JSON, CSV):
        raise RequestError(
            "unsupported_media_type",
            f"Content-Type {media_type!r} is not served.",
            status=415,
            hint=f"Send {CSV} or {JSON}.",
        )
    text = _text(body)
    if not text.strip():
        raise RequestError("empty_body", "The request has no body.", hint=f"Send rows as {CSV} or {JSON}.")
    return _read_csv(text, signature) if media_type == CSV else _read_json(text, signature)


def write(predictions: Sequence[Prediction], accept: str | None, *, wrapped: bool) -> tuple[str, str]:
    """Return the answer's body and its media type.

    Args:
        predictions: one for each row, in order.
        accept: the header, with lists and q-values; none means JSON.
        wrapped: answer `{"predictions": [...]}` instead of a list.

    Raises:
        RequestError: 406 when nothing that is accepted is served.
    """
    if negotiate(accept) == CSV:
        return "".join(f"{_csv_cell(value)}\n" for value in predictions), CSV
    answer: Any = {"predictions": list(predictions)} if wrapped else list(predictions)
    return json.dumps(answer, ensure_ascii=False), JSON


def negotiate(accept: str | None) -> Literal["application/json", "text/csv"]:
    """Choose the answer's media type: the highest q-value, JSON on a tie.

    Raises:
        RequestError: 406 when nothing that is accepted is served.
    """
    ranges = dict(_accepted(part) for part in (accept or "*/*").split(","))

    def quality(media_type: str) -> float:
        # The most exact range decides, so that "text/csv;q=0, */*" does not choose CSV.
        patterns = (media_type, f"{media_type.partition('/')[0]}/*", "*/*")
        return next((ranges[pattern] for pattern in patterns if pattern in ranges), 0.0)

    if quality(JSON) > 0 and quality(JSON) >= quality(CSV):
        return "application/json"
    if quality(CSV) > 0:
        return "text/csv"
    raise RequestError(
        "not_acceptable", f"Accept {accept!r} is not served.", status=406, hint=f"Accept {JSON} or {CSV}."
    )


def _accepted(part: str) -> tuple[str, float]:
    name, *parameters = (piece.strip().lower() for piece in part.split(";"))
    for parameter in parameters:
        if parameter.startswith("q="):
            try:
                return name, float(parameter[2:])
            except ValueError:
                return name, 0.0
    return name, 1.0


def _text(body: bytes | str) -> str:
    if isinstance(body, str):
        return body
    try:
        return body.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise RequestError(
            "not_utf8", f"The body is not UTF-8 text (byte {error.start}).", hint="Encode it as UTF-8."
        ) from None


def _read_csv(text: str, signature: Signature) -> Request:
    lines = text.replace("|", "\n").splitlines()
    while lines and not lines[-1].strip():  # a final newline ends the last row and starts none
        lines.pop()
    return Request(signature.matrix([line.split(",") for line in lines], text=True))


def _read_json(text: str, signature: Signature) -> Request:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RequestError("invalid_json", f"The body is not JSON: {error}.") from None
    wrapped = isinstance(value, dict)
    if wrapped:
        if set(value) != {"instances"}:
            raise RequestError(
                "no_instances",
                f"The object has the keys {sorted(map(str, value))}.",
                hint='Send {"instances": [[…], …]}, or a list of rows.',
            )
        value = value["instances"]
    if not isinstance(value, list):
        raise RequestError("not_rows", "The body is not a list of rows.", hint="Send [[…], […]].")
    if value and isinstance(value[0], dict):
        value = signature.rows_of_objects(value)
    for number, row in enumerate(value, start=1):
        if not isinstance(row, list):
            raise RequestError(
                "not_a_row",
                f"Row {number} is {json.dumps(row)[:40]}, not a list.",
                row=number,
                hint="A single row is a list in a list: [[…]].",
            )
    return Request(signature.matrix(value, text=False), wrapped)


def _csv_cell(value: Prediction) -> str:
    text = str(value)
    if any(character in text for character in ',"\n\r'):
        return '"' + text.replace('"', '""') + '"'
    return text
