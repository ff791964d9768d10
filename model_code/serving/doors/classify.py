"""POST /classify: one row as a line of CSV in JSON, and its class as text."""

from __future__ import annotations

import json
from typing import Any

from ..csv_rows import read_csv
from ..errors import RequestError
from ..media import CSV, JSON, media_type_of, negotiate, parse_json
from .answer import Answer
from .served import Served

# What `curl -d` says of any body; here it can only be JSON.
_UNSAID = "application/x-www-form-urlencoded"
_HINT = 'Send {"data": "<one line of CSV>"}.'


def classify(served: Served, body: bytes | str, content_type: str | None, accept: str | None) -> Answer:
    """Answer `{"data": "5.1,3.5,1.4,0.2"}` with `{"prediction": "setosa"}`.

    A model with hooks of a person's own is asked through them, as with a body of CSV.

    Raises:
        RequestError: the request is wrong, or this model predicts no classes.
        Exception, SystemExit: whatever a hook raises.
    """
    if "classes" not in served.manifest["signature"]["prediction"]:
        raise RequestError(
            "no_classes",
            "This model predicts numbers, no classes.",
            status=404,
            hint="POST /predict takes its rows.",
        )
    negotiate(accept, (JSON,))
    if content_type != _UNSAID:
        media_type_of(content_type, (JSON,))
    line = _data(body)
    matrix = read_csv(line, served.model.signature)
    if len(matrix) != 1:
        raise RequestError(
            "not_one_row",
            f"data holds {len(matrix)} rows.",
            hint="Send one line; POST /predict takes many rows.",
        )
    if served.hooks is not None:
        return _through_hooks(served, line)
    return _answer(served.model.predict(matrix)[0])


def _data(body: bytes | str) -> bytes:
    content = body.encode() if isinstance(body, str) else body
    if not content or content.isspace():
        raise RequestError("empty_body", "The request has no body.", hint=_HINT)
    value, _ = parse_json(content)
    if not isinstance(value, dict) or value.keys() != {"data"} or not isinstance(value["data"], str):
        raise RequestError("no_data", 'The body is not {"data": text}.', hint=_HINT)
    try:
        return value["data"].encode()
    except UnicodeEncodeError:  # half a character, which JSON can spell
        raise RequestError(
            "not_utf8", "data holds what is no Unicode character.", hint="Encode it as UTF-8."
        ) from None


def _through_hooks(served: Served, line: bytes) -> Answer:
    assert served.hooks is not None  # noqa: S101 - the caller has looked
    status, body, media_type = served.hooks.answer(line, CSV, JSON)
    if status != 200:
        return Answer(status, body, media_type)
    try:
        value = json.loads(body)
    except ValueError:
        value = None
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], list | dict):
        return _answer(value[0])
    raise RequestError(
        "no_classes",
        "The answer of this model's own inference.py is no list of one class.",
        status=404,
        hint="POST /predict gives it as it is.",
    )


def _answer(prediction: Any) -> Answer:
    return Answer(200, json.dumps({"prediction": str(prediction)}).encode(), JSON, 1)
