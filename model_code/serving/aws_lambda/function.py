"""The function: an event of API Gateway in, an answer out, and a line in the log."""

from __future__ import annotations

import json
from time import perf_counter
from typing import Any

from ..doors.answer import Answer, internal, refusal
from ..doors.routes import PREDICTING
from ..doors.served import NotReady
from ..errors import RequestError
from ..media import JSON, NPY
from .call import Call, Event, body_of, call_of
from .log import say_problem, say_request, where
from .reply import check_binary, reply
from .settings import FunctionSettings
from .source import Current, ModelSource

_READING = frozenset({"/", "/openapi.json"})
_VERSION = "x-slipway-model-version"


class Function:
    """Answers events with one model.

    Args:
        settings: how it answers.
        source: gives the model.
    """

    def __init__(self, settings: FunctionSettings, source: ModelSource) -> None:
        self._settings = settings
        self._source = source

    def __call__(self, event: Event, context: Any = None) -> dict[str, Any]:
        """Answer one event.

        Raises:
            ValueError, ModelNotReady, WrongAnswer: the event is `{"slipway": "try"}`, and the model fails; or
                it is none that is taken here. An event of API Gateway raises nothing.
        """
        if "httpMethod" not in event:
            from .golden import try_model

            return try_model(self, self._source, event)
        started = perf_counter()
        call = call_of(event)
        request_id = call.request_id or getattr(context, "aws_request_id", "")
        current = self._source.current()
        found, rows = self.answer(event, call, current, request_id)
        route = call.path if call.path in PREDICTING or call.path in _READING else ""
        say_request(request_id, route, found["statusCode"], rows, perf_counter() - started, current.version)
        return found

    def answer(
        self, event: Event, call: Call, current: Current, request_id: str
    ) -> tuple[dict[str, Any], int]:
        """Return the answer to a request, and how many rows were predicted."""
        headers = {_VERSION: current.version} if current.version else {}
        origins = self._settings.cors_origins
        if origins:
            headers["vary"] = "origin"
            origin = call.headers.get("origin")
            if origin in origins:
                headers["access-control-allow-origin"] = origin
                headers["access-control-expose-headers"] = _VERSION
        try:
            answer = self._answer(event, call, current, headers)
            headers.setdefault("content-type", answer.media_type)
            return reply(answer.status, answer.body, headers), answer.rows
        except RequestError as error:
            answer = refusal(error)
        except (Exception, SystemExit) as error:  # a hook may do anything
            say_problem("internal", where(error.__traceback__, error), request_id=request_id)
            answer = internal(request_id)
        headers["content-type"] = JSON
        return reply(answer.status, answer.body, headers), 0

    def _answer(self, event: Event, call: Call, current: Current, headers: dict[str, str]) -> Answer:
        answering = PREDICTING.get(call.path)
        if answering is None and call.path not in _READING:
            raise RequestError(
                "not_found",
                f"There is no {call.path[:100]!r}.",
                status=404,
                hint=f"POST {', '.join(PREDICTING)}.",
            )
        wanted = "GET" if answering is None else "POST"
        if call.method != wanted:
            headers["allow"] = wanted
            raise RequestError(
                "method_not_allowed", f"{call.path} takes {wanted}.", status=405, hint=f"Send {wanted}."
            )
        served = current.served
        if isinstance(served, NotReady):
            return Answer(503, json.dumps(served.body()).encode(), JSON)
        if answering is None:
            from .reading import read

            return read(call.path, served.manifest, current.version, self._settings, headers)
        accept = call.headers.get("accept")
        answer = answering(served, body_of(event), call.headers.get("content-type"), accept)
        if answer.media_type == NPY:
            check_binary(accept)
        return answer
