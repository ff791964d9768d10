"""A client's connection: requests in order, one at a time."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING

from localaws.beanstalk.balancer import request_head, response_head
from localaws.beanstalk.balancer.chunks import Chunks, framed
from localaws.beanstalk.balancer.core import MAX_HELD_BYTES, READ_BUFFER, Core
from localaws.beanstalk.balancer.exchange import Exchange
from localaws.beanstalk.balancer.fields import CHUNKED, MalformedError
from localaws.beanstalk.balancer.request_head import RefusedError, RequestHead

if TYPE_CHECKING:
    from localaws.beanstalk.balancer.listener import Listener

_EMPTY_LINES = re.compile(rb"(?:\r\n)*")


class Front(asyncio.BufferedProtocol):
    """Reads requests. `seen` is when something last came or went, on the event loop's clock."""

    def __init__(self, listener: Listener, core: Core) -> None:
        self.seen = core.loop.time()
        self._listener, self._core = listener, core
        self._transport: asyncio.Transport
        self._exchange: Exchange | None = None
        self._pending = b""
        self._head_since = 0.0
        self._receiving = False
        self._left = 0
        self._chunks: Chunks | None = None
        self._ended = False
        self._paused = False
        self._takes_no_more = False
        self._lingers_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for the type
        self._transport = transport
        self._listener.fronts.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return where the next bytes go."""
        return READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Take bytes in."""
        if self._lingers_since:
            return
        data = bytes(READ_BUFFER[:nbytes])
        self.seen = self._core.loop.time()
        if self._receiving:
            self._body(data)
        elif self._exchange or self._takes_no_more:
            self._pending += data
            if len(self._pending) > MAX_HELD_BYTES:
                self.pause_reading()
        else:
            self._begin(self._pending + data if self._pending else data)

    def eof_received(self) -> bool:
        """The client sends no more; it may still wait for what it has asked."""
        self._ended = True
        return bool((self._exchange or self._pending) and not self._receiving and not self._lingers_since)

    def connection_lost(self, error: Exception | None) -> None:  # noqa: ARG002
        """The client has gone."""
        self._listener.fronts.discard(self)
        self._pending = b""
        exchange, self._exchange = self._exchange, None
        if exchange:
            exchange.give_up(None)

    def pause_writing(self) -> None:
        """The client takes no more for now: neither do we from the target."""
        self._takes_no_more = True
        if self._exchange and self._exchange.connection:
            self._exchange.connection.transport.pause_reading()

    def resume_writing(self) -> None:
        """The client takes more."""
        self._takes_no_more = False
        if self._exchange is None:
            self._next()
        elif self._exchange.connection:
            self._exchange.connection.transport.resume_reading()

    def pause_reading(self) -> None:
        """Take no more from the client for now."""
        if not self._paused:
            self._paused = True
            self._transport.pause_reading()

    def resume_reading(self) -> None:
        """Take more from the client."""
        if self._paused:
            self._paused = False
            self._transport.resume_reading()

    def write(self, data: bytes) -> None:
        """Pass on a part of an answer."""
        self._transport.write(data)

    def may_go_on(self) -> bool:
        """Whether another request can follow the one that is being answered."""
        exchange = self._exchange
        return bool(exchange and exchange.head.keep_alive) and not self._receiving and self._listener.open

    def answer(self, status: int) -> None:
        """Answer with the load balancer's own page."""
        exchange = self._exchange
        keep = self.may_go_on()
        head_only = exchange is not None and exchange.head.method == b"HEAD"
        page = response_head.own(status, self._core.dates.field(), keep_alive=keep, head_only=head_only)
        self._transport.write(page)
        self.finish(keep=keep)

    def finish(self, *, keep: bool) -> None:
        """The answer is complete: go on to the next request, or end."""
        self._exchange = None
        self.seen = self._core.loop.time()
        if not keep or not self._listener.open:
            self._linger()
        elif self._pending:
            self._core.loop.call_soon(self._next)
        elif self._ended:
            self._transport.close()
        if len(self._pending) <= MAX_HELD_BYTES:
            self.resume_reading()

    def break_off(self) -> None:
        """End in the middle of an answer, so that the client can tell."""
        exchange, self._exchange = self._exchange, None
        if exchange and exchange.head.http10:
            self._transport.abort()
        else:
            self._transport.close()

    def close_if_idle(self) -> None:
        """End the connection where no request is under way."""
        if self._exchange is None and not self._pending:
            self._transport.close()

    def check(self, now: float) -> None:
        """End what takes too long."""
        if self._lingers_since:
            if now - self._lingers_since > self._core.linger_s:
                self._transport.abort()
        elif self._exchange is None:
            if self._head_since and now - self._head_since > self._core.idle_s:
                self._refuse(408)
            elif now - self.seen > self._core.idle_s:
                self._transport.abort() if self._takes_no_more else self._transport.close()
        elif now - self.seen > self._core.idle_s:
            if self._takes_no_more:
                self._transport.abort()
            else:
                self._exchange.give_up(408 if self._receiving else 504)

    def _next(self) -> None:
        if self._exchange is None and self._pending and not (self._takes_no_more or self._lingers_since):
            data, self._pending = self._pending, b""
            self._begin(data)

    def _begin(self, data: bytes) -> None:
        if data.startswith(b"\r\n"):
            data = _EMPTY_LINES.sub(b"", data, count=1)
        end = data.find(b"\r\n\r\n")
        if end < 0:
            self._pending = data
            self._head_since = self._head_since or self._core.loop.time()
            if data and request_head.is_hopeless(data):
                self._refuse(400)
            elif self._ended:
                self._transport.close()
            return
        self._pending, self._head_since = b"", 0.0
        try:
            head = self._listener.parse(data[:end])
        except RefusedError as refused:
            self._refuse(refused.status)
            return
        rest = data[end + 4 :]
        if 0 <= head.length <= len(rest):
            body, self._pending = rest[: head.length], rest[head.length :]
            self._start(head, body, whole=True)
        else:
            self._receiving, self._left = True, head.length
            self._chunks = Chunks() if head.length == CHUNKED else None
            self._start(head, b"", whole=False)
            if self._exchange and head.expects_continue and not rest:
                self._transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
            if rest and self._exchange:
                self._body(rest)

    def _start(self, head: RequestHead, body: bytes, *, whole: bool) -> None:
        group = self._listener.group
        exchange = Exchange(self._core, self, group, head, head.to_target() + body, whole=whole)
        self._exchange = exchange
        exchange.begin()

    def _body(self, data: bytes) -> None:
        exchange = self._exchange
        if exchange is None:
            return
        if self._chunks is None:
            rest, data = data[self._left :], data[: self._left]
            self._left -= len(data)
            last = not self._left
        else:
            try:
                pieces, rest = self._chunks.feed(data)
            except MalformedError:
                exchange.give_up(400)
                return
            last = self._chunks.ended
            data = framed(pieces, last=last)
        if last:
            self._receiving, self._chunks, self._pending = False, None, rest
        exchange.more(data, last=last)

    def _refuse(self, status: int) -> None:
        """Answer what is no request, and end."""
        self._listener.group.own_answers.count(status, 0.0, self._core.loop.time())
        self._pending = b""
        self._transport.write(
            response_head.own(status, self._core.dates.field(), keep_alive=False, head_only=False)
        )
        self._linger()

    def _linger(self) -> None:
        """End, but read on for a while: a reset would take the answer away from a client that still sends."""
        self._lingers_since = self._core.loop.time()
        self._pending = b""
        if self._ended or not self._transport.can_write_eof():
            self._transport.close()
        else:
            self._transport.write_eof()
