"""The routes for predictions, the same at every door."""

from __future__ import annotations

from collections.abc import Callable

from .answer import Answer
from .classify import classify
from .predict import predict
from .probabilities import probabilities
from .served import Served

Answering = Callable[[Served, bytes | str, str | None, str | None], Answer]
PREDICTING: dict[str, Answering] = {
    "/predict": predict,
    "/classify": classify,
    "/probabilities": probabilities,
}
"""What answers `POST` on a route; each raises RequestError, and with hooks whatever these raise."""
