"""The ASGI application: routes, limits, and the headers of an answer.

Raw ASGI, for speed: the way from the socket to the engine is this file and `invocations.py`.
"""

from __future__ import annotations

import asyncio
import io
import time
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any, Protocol

from ..doors.answer import Answer, refusal
from ..doors.log import say
from ..doors.routes import PREDICTING, Answering
from ..doors.served import NotReady, Served, load
from ..errors import RequestError
from .invocations import Begun, Fetch, Invocations
from .metrics import Metrics
from .reading import NO_HEADERS, Reading, refused_method
from .settings import ServerSettings

Scope = dict[str, Any]
Receive = Callable[[], Awaitable[dict[str, Any]]]
Send = Callable[[dict[str, Any]], Awaitable[None]]
_CLOSE = (b"connection", b"close")
# How many of the largest bodies a worker holds at a time, while they arrive.
_HELD_BODIES = 4
# /invocations is what SageMaker calls; the others are those of every door.
_POSTS: Mapping[str, Answering] = {"/invocations": PREDICTING["/predict"], **PREDICTING}


class Connection(Protocol):
    """What a whole answer is given to."""

    def reply(self, answer: bytes, *, last: bool) -> None:
        """Send an answer; after the last one the connection ends."""
        ...


class Application:
    """Serves one model, or says why it cannot.

    Args:
        settings: how the server runs.
        metrics: the counters of all workers.
        fetch: reads objects of S3 that a body names; None where that is off.
    """

    def __init__(self, settings: ServerSettings, metrics: Metrics, fetch: Fetch | None = None) -> None:
        self.draining = False
        self._held = 0
        self._settings = settings
        self._metrics = metrics
        self._served = load(settings.model_dir, settings.manifest_sha256, settings.max_rows)
        if isinstance(self._served, NotReady):
            # One line in the log of the endpoint, where people look first.
            say(f"not ready: {self._served.code}: {self._served.message}")
        self._reading = Reading(settings, metrics, self._served)
        self._invocations = Invocations(self._served, fetch) if isinstance(self._served, Served) else None
        attributes = f"version={settings.version};variant={settings.variant}"
        # The one header that SageMaker passes on from a container.
        self._headers = [(b"x-amzn-sagemaker-custom-attributes", attributes.encode())]
        if settings.version:
            # As every other door names it: behind a load balancer nothing stands between.
            self._headers.append((b"x-slipway-model-version", settings.version.encode()))
        self._heads: dict[tuple[int, str], bytes] = {}
        self._turn: list[tuple[Connection, Begun, float, bool]] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] != "http":
            return
        path, method = scope["path"], scope["method"]
        answering, more = _POSTS.get(path), NO_HEADERS
        if answering is not None and method == "POST":
            answer = await self._invoke(scope["headers"], receive, answering)
            if answer is None:
                return  # the caller has gone
        elif answering is not None:
            answer, more = refused_method(path, "POST")
        else:
            answer, more = self._reading.answer(path, method)
        headers = [
            (b"content-type", answer.media_type.encode()),
            (b"content-length", b"%d" % len(answer.body)),
            *self._headers,
            *more,
        ]
        if self.draining or answer.status in (413, 503):
            headers.append(_CLOSE)
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})

    def answer_small(
        self,
        connection: Connection,
        headers: list[tuple[bytes, bytes]],
        body: bytes,
        *,
        last: bool,
        sharing: int,
    ) -> bool:
        """Answer a small POST /invocations, at the latest at the end of this turn of the event loop.

        Args:
            connection: gets the whole HTTP answer.
            headers: their names in lower case.
            body: all of it.
            last: whether the connection ends with it; it is then answered at once.
            sharing: how many connections could have a request in this turn.

        Returns:
            Whether it is or will be answered; otherwise it has to go through ASGI.
        """
        started = time.perf_counter()
        content_type = accept = None
        for name, value in headers:
            if name == b"content-type":
                content_type = value.decode("latin-1")
            elif name == b"accept":
                accept = value.decode("latin-1")
        if self._invocations is None or len(body) > self._settings.max_body_bytes:
            return False
        begun = self._invocations.begin(body, content_type, accept)
        if begun is None:
            return False
        if isinstance(begun, Answer):
            self.end_turn()
            self._reply(connection, begun, started, last)
            return True
        self._turn.append((connection, begun, started, last))
        if last or sharing < self._invocations.sharing_pays_from:
            self.end_turn()
        elif len(self._turn) == 1:
            # Whatever has been read by then is answered with it.
            asyncio.get_running_loop().call_soon(self.end_turn)
        return True

    def end_turn(self) -> None:
        """Answer what was read in this turn with one call of the engine."""
        turn, self._turn = self._turn, []
        if turn and self._invocations is not None:
            answers = self._invocations.finish([begun for _, begun, _, _ in turn])
            for (connection, _, started, last), answer in zip(turn, answers, strict=True):
                self._reply(connection, answer, started, last)

    def _reply(self, connection: Connection, answer: Answer, started: float, last: bool) -> None:
        self._metrics.count(answer.status, answer.rows, time.perf_counter() - started)
        key = (answer.status, answer.media_type)
        head = self._heads.get(key)
        if head is None:
            head = self._heads[key] = self._head(*key)
        last = last or self.draining
        close = b"connection: close\r\n" if last else b""
        connection.reply(b"%s%d\r\n%s\r\n%s" % (head, len(answer.body), close, answer.body), last=last)

    def _head(self, status: int, media_type: str) -> bytes:
        """Return an answer's beginning, up to the number of bytes that its body has."""
        lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}", f"content-type: {media_type}"]
        lines += [f"{name.decode()}: {value.decode()}" for name, value in self._headers]
        return "\r\n".join([*lines, "content-length: "]).encode()

    async def _invoke(
        self, headers: list[tuple[bytes, bytes]], receive: Receive, answering: Answering
    ) -> Answer | None:
        found = {name: value.decode("latin-1") for name, value in headers}
        limit = self._settings.max_body_bytes
        if int(found.get(b"content-length", 0)) <= limit:
            body = await self._body(receive, limit)
        else:
            # Who asks first is told first.
            body = await self._body(receive, 0) if b"expect" not in found else _too_large(limit)
        if not isinstance(body, bytes):
            return body
        started = time.perf_counter()
        if self._invocations is None:
            answer = self._reading.unready()
        else:
            answer = await self._invocations.answer(
                body,
                found.get(b"content-type"),
                found.get(b"accept"),
                found.get(b"x-amzn-sagemaker-inference-id"),
                answering,
            )
        self._metrics.count(answer.status, answer.rows, time.perf_counter() - started)
        return answer

    async def _body(self, receive: Receive, limit: int) -> bytes | Answer | None:
        """Return the body, a refusal where it is too large, or None where the caller has gone.

        What is refused is read to its end and not kept: whoever is still sending reads no answer.
        """
        message = await receive()
        if message["type"] == "http.request" and not message.get("more_body"):
            body: bytes = message["body"]
            return body if len(body) <= limit else _too_large(self._settings.max_body_bytes)
        # Growing by itself, it is the body in the end without one more copy.
        buffer, held, refused = io.BytesIO(), 0, None
        try:
            while message["type"] == "http.request":
                size = len(message["body"])
                if refused is None and held + size > limit:
                    refused = _too_large(self._settings.max_body_bytes)
                elif refused is None and self._held + size > self._settings.max_body_bytes * _HELD_BODIES:
                    refused = _busy()
                if refused is None:
                    buffer.write(message["body"])
                    self._held, held = self._held + size, held + size
                elif held:
                    buffer, self._held, held = io.BytesIO(), self._held - held, 0
                if not message.get("more_body"):
                    return refused or buffer.getvalue()
                message = await receive()
            return None
        finally:
            self._held -= held


def _busy() -> Answer:
    error = RequestError(
        "busy", "Too many large bodies are arriving at once.", status=503, hint="Try again in a second."
    )
    return refusal(error)


def _too_large(limit: int) -> Answer:
    return refusal(
        RequestError(
            "body_too_large",
            f"The body has over {limit} bytes.",
            status=413,
            hint="Send fewer rows at once.",
        )
    )
