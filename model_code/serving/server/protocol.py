"""uvicorn's HTTP protocol with bounds, and with a short way for small requests.

The bounds: headers in bytes, requests in the time that they take to arrive, errors in our one shape. uvicorn
has none for the first two.

The short way: a small POST whose answer needs no waiting is answered where its last byte is parsed. As an
ASGI task of its own it would cost as much again as parsing it and asking the model; the figures are in
docs/benchmarks/serving.md. Whatever is larger or slower takes uvicorn's way through the ASGI application.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

MAX_HEADER_BYTES = 64 * 1024
REQUEST_TIMEOUT_S = 60.0
KEEP_ALIVE_S = 75.0
SMALL_BODY_BYTES = 64 * 1024
_SWEEP_INTERVAL_S = 5.0


class BoundedProtocol(HttpToolsProtocol):
    """A connection that cannot be kept busy for ever."""

    _head_bytes = 0
    _in_head = True
    _waiting_since = 0.0
    _idle_since = 0.0
    _closing = False
    # The body so far of a request that goes the short way.
    _small: bytearray | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # TCP, as uvicorn says too
        # An application without a short way is served all the same.
        self._answer_now = getattr(self.config.loaded_app, "answer_now", None)
        self._waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes in, up to the bound of the headers."""
        if self._in_head:
            # One read can hold the end of the headers and much of a body: only those before it count.
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse(431, "headers_too_large", f"The headers have over {MAX_HEADER_BYTES} bytes.")
                return
            self._head_bytes += len(data)
        super().data_received(data)

    def on_message_begin(self) -> None:
        """Begin to read a request; what uvicorn prepares for it waits until it is needed."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._idle_since, self._waiting_since = 0.0, self.loop.time()

    def on_headers_complete(self) -> None:
        """End of the headers: choose the way."""
        self._in_head, self._head_bytes = False, 0
        if (
            self._answer_now is not None
            and self.url == b"/invocations"
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.get_http_version() == "1.1"
        ):
            self._small = bytearray()
        else:
            self._take_the_long_way()

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body; one that grows large takes the long way."""
        if self._small is None:
            super().on_body(body)
            return
        self._small += body
        if len(self._small) > SMALL_BODY_BYTES:
            self._take_the_long_way()

    def on_message_complete(self) -> None:
        """End of the request: answer it, or let the application do so."""
        self._in_head, self._waiting_since = True, 0.0
        if self._small is not None and self._answer_now is not None:
            answer = self._answer_now(self.headers, bytes(self._small))
            if answer is not None:
                self._small = None
                self.transport.write(answer)
                self.server_state.total_requests += 1
                if self._closing or not self.parser.should_keep_alive() or self.config.loaded_app.draining:
                    self.transport.close()
                self._idle_since = self.loop.time()
                return
            self._take_the_long_way()
        super().on_message_complete()

    def shutdown(self) -> None:
        """End the connection, after the request that is arriving."""
        if self._small is not None:
            self._closing = True
        else:
            super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer bytes that are no HTTP."""
        self._refuse(400, "invalid_http", msg)

    def end_if_late(self, now: float) -> None:
        """Close the connection if its request has been arriving for too long, or none comes."""
        if self._waiting_since and now - self._waiting_since > REQUEST_TIMEOUT_S:
            self._refuse(408, "request_timeout", f"No whole request within {REQUEST_TIMEOUT_S:.0f} s.")
        elif self._idle_since and now - self._idle_since > KEEP_ALIVE_S:
            self.transport.close()

    def _take_the_long_way(self) -> None:
        body, self._small = self._small, None
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expect
        self.scope["headers"] = headers
        super().on_headers_complete()
        if body:
            super().on_body(bytes(body))

    def _refuse(self, status: int, code: str, message: str) -> None:
        if self.transport.is_closing():
            return
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        if self.cycle is None or self.cycle.response_complete or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


async def sweep(connections: set[Any]) -> None:
    """Look for late requests and idle connections until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(_SWEEP_INTERVAL_S)
        now = loop.time()
        for connection in list(connections):
            connection.end_if_late(now)
