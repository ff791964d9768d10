"""The routes for predictions, the same at every door."""

from __future__ import annotations

from collections.abc import Callable

from ..errors import RequestError
from ..media import JSON
from .answer import Answer
from .classify import classify
from .predict import predict
from .served import Served

Answering = Callable[[Served, bytes | str, str | None, str | None], Answer]


def _probabilities(served: Served, body: bytes | str, content_type: str | None, accept: str | None) -> Answer:
    if served.hooks is not None:
        raise RequestError(
            "no_probabilities",
            "This model answers through its own inference.py, which tells no probabilities.",
            status=404,
            hint="POST /predict gives its answers.",
        )
    from .probabilities import probabilities  # few ask for them

    content = probabilities(served.model, body, content_type, accept)
    return Answer(200, content, JSON)


PREDICTING: dict[str, Answering] = {
    "/predict": predict,
    "/classify": classify,
    "/probabilities": _probabilities,
}
"""What answers `POST` on a route; each raises RequestError, and with hooks whatever these raise."""
