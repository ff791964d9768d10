"""Answers, and the one shape of those that are errors."""

from __future__ import annotations

import json
from typing import NamedTuple

from ..errors import RequestError
from ..media import JSON
from .log import say


class Answer(NamedTuple):
    """What goes back, and how many rows were predicted."""

    status: int
    body: bytes
    media_type: str
    rows: int = 0


def refusal(error: RequestError) -> Answer:
    """Return the answer to a request that is wrong."""
    return Answer(error.status, json.dumps(error.body()).encode(), JSON)


def failure(request_id: str | None) -> Answer:
    """Print the exception that is handled under an id, and return an answer that holds the id alone."""
    import traceback  # not where every request is answered: a cold start pays for what it imports

    if not request_id:
        import uuid

        request_id = uuid.uuid4().hex
    say(f"request {request_id} failed\n{traceback.format_exc()}")
    return internal(request_id)


def internal(request_id: str) -> Answer:
    """Return the answer to a request on which the model failed: the id, and nothing of the cause."""
    error = {
        "code": "internal",
        "message": "The model failed on this request.",
        "request_id": request_id,
        "hint": "The model's log holds the cause under this id.",
    }
    return Answer(500, json.dumps({"error": error}).encode(), JSON)
