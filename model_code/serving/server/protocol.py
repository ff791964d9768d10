"""uvicorn's HTTP protocol with bounds, and with a short way for small requests.

The bounds: headers in bytes, requests in the time that they take to arrive, answers in the time that they
take to be read, errors in our one shape. uvicorn has none for the first three.

The short way: a small POST whose answer needs no waiting is answered where its last byte is parsed, or
together with all others that arrive in the same turn of the event loop. As an ASGI task of its own it would
cost as much again as parsing it and asking the model; the figures are in docs/benchmarks/serving.md. Whatever
is larger or slower takes uvicorn's way through the ASGI application.
"""

from __future__ import annotations

import array
import asyncio
import fcntl
import json
import termios
from typing import Any

import httptools
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
    _stuck_since = 0.0
    _closing = False
    # Requests of the short way that wait for the end of this turn of the event loop.
    _replies_due = 0
    # The body so far of a request that goes the short way.
    _small: list[bytes] | None = None
    _small_bytes = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)  # type: ignore[arg-type]  # TCP, as uvicorn says too
        # An application without a short way is served all the same.
        self._app = self.config.loaded_app
        self._answer_small = getattr(self._app, "answer_small", None)
        self._waiting_since = self.loop.time()

    def data_received(self, data: bytes) -> None:
        """Take bytes in, up to the bound of the headers."""
        if self._in_head:
            # One read can hold the end of the headers and much of a body: only those before it count.
            if self._head_bytes > MAX_HEADER_BYTES:
                self._refuse(431, "headers_too_large", f"The headers have over {MAX_HEADER_BYTES} bytes.")
                return
            self._head_bytes += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._go_on_as_http(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse(400, "invalid_http", "Invalid HTTP request received.")

    def on_message_begin(self) -> None:
        """Begin to read a request; what uvicorn prepares for it waits until it is needed."""
        self.url, self.headers, self.expect_100_continue = b"", [], False
        self._idle_since, self._waiting_since = 0.0, self.loop.time()

    def on_headers_complete(self) -> None:
        """End of the headers: choose the way."""
        self._in_head, self._head_bytes = False, 0
        if (
            self._answer_small is not None
            and self.url == b"/invocations"
            and self.parser.get_method() == b"POST"
            and (self.cycle is None or self.cycle.response_complete)
            and not self.expect_100_continue
            and not self.flow.write_paused
            and self.parser.get_http_version() == "1.1"
        ):
            self._small, self._small_bytes = [], 0
        elif not self.parser.should_upgrade():
            self._take_the_long_way()

    def on_chunk_header(self) -> None:
        """Begin a chunk. The last one has no body but may have fields, which count as headers do."""
        if self._small is not None:
            self._take_the_long_way()
        # They say nothing to us, and must not pass for headers.
        self.headers = []
        self._in_head, self._head_bytes = True, 0

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body; one that grows large takes the long way."""
        if self._small is None:
            self._in_head = False
            super().on_body(body)
            return
        self._small.append(body)
        self._small_bytes += len(body)
        if self._small_bytes > SMALL_BODY_BYTES:
            self._take_the_long_way()

    def on_message_complete(self) -> None:
        """End of the request: answer it, or let the application do so."""
        if not self._small and self.parser.should_upgrade():
            return  # the parser takes what follows for another protocol
        self._in_head, self._waiting_since = True, 0.0
        if self._small is not None and self._answer_small is not None:
            body = self._small[0] if len(self._small) == 1 else b"".join(self._small)
            last = self._closing or not self.parser.should_keep_alive()
            self._replies_due += 1
            if self._answer_small(self, self.headers, body, last=last, sharing=len(self.connections)):
                self._small = None
                return
            self._replies_due -= 1
            self._take_the_long_way()
        super().on_message_complete()

    def reply(self, answer: bytes, *, last: bool) -> None:
        """Send an answer that took the short way; after the last one the connection ends."""
        self._replies_due -= 1
        if self.transport.is_closing():
            return
        self.transport.write(answer)
        self.server_state.total_requests += 1
        if last or self._closing:
            self.transport.close()
        self._idle_since = self.loop.time()

    def on_response_complete(self) -> None:
        """End of an answer that took the long way."""
        super().on_response_complete()
        self._unset_keepalive_if_required()  # the sweep looks after idle connections
        if self.cycle.response_complete and not self._waiting_since:
            self._idle_since = self.loop.time()

    def shutdown(self) -> None:
        """End the connection, after the request that is arriving."""
        self._send_what_is_due()
        self._closing = True
        arrives = self.headers is not None and self._waiting_since
        if self._is_answering() or not (arrives or _has_unread(self.transport)):
            super().shutdown()

    def end_if_late(self, now: float, timeout_s: float) -> None:
        """Close the connection if its request arrives for too long, its answer is not read, or none comes."""
        stuck = self.flow.write_paused or self.transport.is_closing()
        self._stuck_since = (self._stuck_since or now) if stuck else 0.0
        if self._stuck_since and now - self._stuck_since > timeout_s:
            self.transport.abort()
        elif self._waiting_since and now - self._waiting_since > timeout_s:
            self._refuse(408, "request_timeout", f"No whole request within {timeout_s:g} s.")
        elif self._idle_since and now - self._idle_since > KEEP_ALIVE_S:
            self.transport.close()

    def _send_what_is_due(self) -> None:
        """Answer what waits for the end of the turn, before anything else is sent."""
        if self._replies_due:
            self._app.end_turn()

    def _take_the_long_way(self) -> None:
        self._send_what_is_due()
        body, self._small = self._small, None
        url, headers, expect = self.url, self.headers, self.expect_100_continue
        super().on_message_begin()
        self.url, self.headers, self.expect_100_continue = url, headers, expect
        self.scope["headers"] = headers
        super().on_headers_complete()
        if self._closing:
            self.cycle.keep_alive = False
        if body:
            super().on_body(b"".join(body))

    def _go_on_as_http(self, rest: bytes) -> None:
        """Read a request that asks for another protocol again, as one that does not.

        Java's own client asks for HTTP/2 in every request, and the parser then leaves the body out.
        """
        method = self.parser.get_method()
        if method == b"CONNECT":
            self._refuse(400, "invalid_http", "This is no proxy.")
            return
        head = b"%s %s HTTP/%s\r\n" % (method, self.url, self.parser.get_http_version().encode())
        fields = [b"%s: %s\r\n" % field for field in self.headers if field[0] != b"upgrade"]
        self.parser = httptools.HttpRequestParser(self)
        self.parser.set_dangerous_leniencies(lenient_data_after_close=True)  # as uvicorn's own
        self.data_received(b"".join([head, *fields, b"\r\n", rest]))

    def _is_answering(self) -> bool:
        """Return whether a request is with the application."""
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: int, code: str, message: str) -> None:
        """Answer what is no request, and close the connection."""
        self._send_what_is_due()
        if self.transport.is_closing():
            return
        if self._is_answering() and not self.cycle.more_body:
            # The request before it was in order: its answer is the last one.
            self._waiting_since, self.cycle.keep_alive = 0.0, False
            self.flow.pause_reading()
            return
        body = json.dumps({"error": {"code": code, "message": message}}).encode()
        head = b"content-type: application/json\r\ncontent-length: %d\r\nconnection: close\r\n\r\n" % len(
            body
        )
        if not self._is_answering() or not self.cycle.response_started:
            self.transport.write(STATUS_LINE[status] + head + body)
        self.transport.close()


def _has_unread(transport: asyncio.Transport) -> bool:
    """Return whether the kernel holds bytes that are still to be read."""
    count = array.array("i", [0])
    try:
        fcntl.ioctl(transport.get_extra_info("socket").fileno(), termios.FIONREAD, count)
    except OSError:
        return False
    return count[0] > 0


async def sweep(connections: set[Any], timeout_s: float) -> None:
    """Look for late requests and idle connections until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(min(_SWEEP_INTERVAL_S, timeout_s / 4))
        now = loop.time()
        for connection in list(connections):
            connection.end_if_late(now, timeout_s)
