"""From the body of a request to the body of its answer."""

from __future__ import annotations

import asyncio
import json
import traceback
import uuid
from collections.abc import Callable
from typing import Any, NamedTuple

from ..errors import RequestError
from ..media import JSON, negotiate, read, write
from ..model import Model
from .batching import Batcher
from .log import say
from .served import Served

# A larger body is worked on in a thread, so that /ping is answered meanwhile.
_LARGE_BODY_BYTES = 64 * 1024
Fetch = Callable[[bytes], tuple[bytes, str | None] | None]


class Answer(NamedTuple):
    """What goes back, and how many rows were predicted."""

    status: int
    body: bytes
    media_type: str
    rows: int = 0


class Invocations:
    """Answers requests with one model.

    Args:
        served: the model, and the hooks of a person's own where there are some.
        fetch: reads the object that a body names in S3, and gives its bytes and media type; None where that
            is off.
    """

    def __init__(self, served: Served, fetch: Fetch | None) -> None:
        self._model: Model = served.model
        self._hooks = served.hooks
        self._fetch = fetch
        self._batcher = Batcher(served.model.engine) if served.model.engine.calls_are_expensive else None
        self._waits = self._batcher is not None or self._hooks is not None

    def answer_now(self, body: bytes, content_type: str | None, accept: str | None) -> Answer | None:
        """Answer a small request at once; None where that could keep others waiting."""
        if self._waits or (self._fetch is not None and b"s3_uri" in body):
            return None
        try:
            return self._answer(body, content_type, accept)
        except RequestError as error:
            return refusal(error)
        except Exception:
            return _failure(None)

    async def answer(
        self, body: bytes, content_type: str | None, accept: str | None, request_id: str | None
    ) -> Answer:
        """Answer a request; whatever goes wrong is an answer as well."""
        try:
            if self._fetch is not None and len(body) < _LARGE_BODY_BYTES and b"s3_uri" in body:
                fetched = await asyncio.to_thread(self._fetch, body)
                if fetched is not None:
                    body, content_type = fetched
            if self._hooks is not None:
                # Code of a person's own may take its time.
                status, content, kind = await asyncio.to_thread(
                    self._hooks.answer, body, content_type, accept
                )
                return Answer(status, content, kind)
            if self._batcher is None:
                return self._answer(body, content_type, accept)
            if len(body) > _LARGE_BODY_BYTES:
                return await asyncio.to_thread(self._answer, body, content_type, accept)
            negotiate(accept)  # a 406 before the work
            request = read(body, content_type, self._model.signature)
            values = await self._batcher.predict(request.matrix)
            return self._written(len(request.matrix), values, accept, wrapped=request.wrapped)
        except RequestError as error:
            return refusal(error)
        except (Exception, SystemExit):  # a hook may do anything
            return _failure(request_id)

    def _answer(self, body: bytes, content_type: str | None, accept: str | None) -> Answer:
        negotiate(accept)
        matrix, wrapped = read(body, content_type, self._model.signature)
        rows, values = len(matrix), self._model.engine.predict(matrix)
        del matrix  # of a large request it is as large as the answer will be
        return self._written(rows, values, accept, wrapped=wrapped)

    def _written(self, rows: int, values: Any, accept: str | None, *, wrapped: bool) -> Answer:
        predictions = self._model.as_predictions(values)
        content, media_type = write(predictions, accept, wrapped=wrapped)
        return Answer(200, content, media_type, rows)


def refusal(error: RequestError) -> Answer:
    """Return the answer to a request that is wrong."""
    return Answer(error.status, json.dumps(error.body()).encode(), JSON)


def _failure(request_id: str | None) -> Answer:
    """Print the traceback under an id, and return an answer that holds the id alone."""
    request_id = request_id or uuid.uuid4().hex
    say(f"request {request_id} failed\n{traceback.format_exc()}")
    error = {
        "code": "internal",
        "message": "The model failed on this request.",
        "request_id": request_id,
        "hint": "The container's log holds the cause under this id.",
    }
    return Answer(500, json.dumps({"error": error}).encode(), JSON)
