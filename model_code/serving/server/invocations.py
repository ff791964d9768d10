"""From the body of a request to the body of its answer."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from ..doors.answer import Answer, failure, refusal
from ..doors.predict import predict
from ..doors.routes import Answering
from ..doors.served import Served
from ..errors import RequestError
from ..media import negotiate, read, write
from ..model import Model
from ..signature import Matrix
from .independence import rows_are_independent

# A larger body is worked on in a thread, so that /ping is answered meanwhile.
_LARGE_BODY_BYTES = 64 * 1024
# With so many connections, requests of one turn of the event loop share a call of the engine. A forest of
# scikit-learn takes as long for one row as for a thousand. A call of ONNX Runtime takes microseconds: with
# few connections it costs less than to wait, with many (64) sharing gives an eighth more requests a second.
_SHARING_EXPENSIVE = 2
_SHARING_CHEAP = 8
Fetch = Callable[[bytes], tuple[bytes, str | None] | None]


class Begun(NamedTuple):
    """A request that has been read."""

    matrix: Matrix
    wrapped: bool
    media_type: str


class Invocations:
    """Answers requests with one model.

    Args:
        served: the model, and the hooks of a person's own where there are some.
        fetch: reads the object that a body names in S3, and gives its bytes and media type; None where that
            is off.
    """

    def __init__(self, served: Served, fetch: Fetch | None) -> None:
        self._served = served
        self._model: Model = served.model
        self._hooks = served.hooks
        self._fetch = fetch
        self._calls_are_expensive = served.model.engine.calls_are_expensive
        self.sharing_pays_from = math.inf
        if rows_are_independent(served):
            self.sharing_pays_from = _SHARING_EXPENSIVE if self._calls_are_expensive else _SHARING_CHEAP

    def begin(self, body: bytes, content_type: str | None, accept: str | None) -> Begun | Answer | None:
        """Read a small request; None where its answer could keep others waiting."""
        if self._hooks is not None or (self._fetch is not None and b"s3_uri" in body):
            return None
        try:
            media_type = negotiate(accept)  # a 406 before the work
            matrix, wrapped = read(body, content_type, self._model.signature)
        except RequestError as error:
            return refusal(error)
        except Exception:
            return failure(None)
        return Begun(matrix, wrapped, media_type)

    def finish(self, requests: list[Begun]) -> list[Answer]:
        """Answer requests, in their order, with one call of the engine."""
        alone = len(requests) == 1
        try:
            matrix = requests[0].matrix if alone else np.concatenate([each.matrix for each in requests])
            predictions = self._model.predict(matrix)
            answers, start = [], 0
            for matrix, wrapped, media_type in requests:
                rows = len(matrix)
                content = write(predictions[start : start + rows], media_type, wrapped=wrapped)
                answers.append(Answer(200, content, media_type, rows))
                start += rows
            return answers
        except RequestError as error:
            if alone:
                return [refusal(error)]
        except Exception:
            if alone:
                return [failure(None)]
        # One of them is to blame: the others get their answer.
        return [answer for each in requests for answer in self.finish([each])]

    async def answer(
        self,
        body: bytes,
        content_type: str | None,
        accept: str | None,
        request_id: str | None,
        answering: Answering = predict,
    ) -> Answer:
        """Answer a request; whatever goes wrong is an answer as well."""
        try:
            if self._fetch is not None and len(body) < _LARGE_BODY_BYTES and b"s3_uri" in body:
                fetched = await asyncio.to_thread(self._fetch, body)
                if fetched is not None:
                    body, content_type = fetched
            if self._hooks is not None or (self._calls_are_expensive and len(body) > _LARGE_BODY_BYTES):
                # Code of a person's own may take its time.
                return await asyncio.to_thread(answering, self._served, body, content_type, accept)
            return answering(self._served, body, content_type, accept)
        except RequestError as error:
            return refusal(error)
        except (Exception, SystemExit):  # a hook may do anything
            return failure(request_id)
