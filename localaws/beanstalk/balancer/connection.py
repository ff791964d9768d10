"""A connection to a target: one request at a time, and its answer passed on while it arrives."""

from __future__ import annotations

import asyncio
import socket
from contextlib import suppress
from typing import TYPE_CHECKING

from localaws.beanstalk.balancer import response_head
from localaws.beanstalk.balancer.chunks import LAST, Chunks, framed
from localaws.beanstalk.balancer.core import READ_BUFFER, Core
from localaws.beanstalk.balancer.fields import CHUNKED, MAX_HEAD_BYTES, MalformedError
from localaws.beanstalk.balancer.response_head import CLOSE, KEEP_ALIVE, UNTIL_CLOSE, ResponseHead

if TYPE_CHECKING:
    from localaws.beanstalk.balancer.exchange import Exchange
    from localaws.beanstalk.balancer.target import Target

_MAX_KEPT_HEADS = 256
_TERMINATED = b"\r\n\r\n"
_CHUNKED_FIELD = b"Transfer-Encoding: chunked\r\n"


class Connection(asyncio.BufferedProtocol):
    """Parses answers. `reused`: it has carried a request before; `answering`: an answer's head has come."""

    def __init__(self, target: Target, core: Core) -> None:
        self.exchange: Exchange | None = None
        self.reused = False
        self.answering = False
        self.transport: asyncio.Transport
        self._target, self._core = target, core
        self._head: ResponseHead | None = None
        self._held = b""
        self._left = 0
        self._chunks: Chunks | None = None
        self._reframes = False
        self._bounced = False
        self._idle_since = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin."""
        assert isinstance(transport, asyncio.Transport)  # noqa: S101  for the type
        self.transport = transport
        self._target.connections.add(self)

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002
        """Return where the next bytes go."""
        return READ_BUFFER

    def buffer_updated(self, nbytes: int) -> None:
        """Pass an answer on."""
        data = bytes(READ_BUFFER[:nbytes])
        exchange = self.exchange
        if exchange is None:
            self.close()  # nobody asked
            return
        exchange.front.seen = self._core.loop.time()
        try:
            if self.answering:
                self._body(exchange, data)
            else:
                self._begin(exchange, self._held + data if self._held else data)
        except MalformedError:
            self._break_off(exchange)

    def send(self, exchange: Exchange, message: bytes) -> None:
        """Send the beginning of a request, or all of it."""
        self.exchange = exchange
        self.transport.write(message)

    def close(self) -> None:
        """End it at once."""
        self.transport.abort()
        with suppress(ValueError):
            self._target.idle.remove(self)

    def close_if_idle(self, now: float) -> None:
        """End it where no request has come for a while: before the target does, which could lose one."""
        if self.exchange is None and now - self._idle_since > self._core.idle_s * 0.9:
            self.close()

    def eof_received(self) -> bool:
        """The target has closed: the end of an answer without a length, and too early for any other."""
        with suppress(OSError, AttributeError):
            # What we sent came back, as nobody read it any more: it was closed before that.
            code = self.transport.get_extra_info("socket").getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
            self._bounced = code != 0
        exchange = self.exchange
        if exchange and self.answering and self._left == UNTIL_CLOSE:
            exchange.front.write(LAST if self._reframes else b"")
            self._end(exchange)
        self.close()
        return False

    def connection_lost(self, error: Exception | None) -> None:
        """It has ended: tell whoever waits for an answer."""
        self._target.connections.discard(self)
        with suppress(ValueError):
            self._target.idle.remove(self)
        exchange, self.exchange = self.exchange, None
        if exchange:
            unread = self._bounced or isinstance(error, (ConnectionResetError, BrokenPipeError))
            exchange.lost(self, unread=unread and not self._held)

    def pause_writing(self) -> None:
        """The target takes no more for now."""
        if self.exchange:
            self.exchange.front.pause_reading()

    def resume_writing(self) -> None:
        """The target takes more."""
        if self.exchange:
            self.exchange.front.resume_reading()

    def _begin(self, exchange: Exchange, data: bytes) -> None:
        while True:
            end = data.find(_TERMINATED)
            if end < 0:
                if len(data) > MAX_HEAD_BYTES:
                    raise MalformedError
                self._held = data
                return
            head = self._parse(data[:end])
            data = data[end + 4 :]
            if head.status >= 200:
                break
            if head.status == 101:
                raise MalformedError  # nobody asked for another protocol: Upgrade is not passed on
        self._held, self._head = b"", head
        self.answering = True
        front, dated = exchange.front, b"" if head.dated else self._core.dates.field()
        ending = KEEP_ALIVE if exchange.keeps_client() else CLOSE
        if not head.has_body(exchange.head.method):
            front.write(b"".join((head.start, head.length_field, dated, ending)))
            self._left = 0
            self._end(exchange, rest=data)
        elif head.length >= 0:
            body = data[: head.length]
            front.write(b"".join((head.start, head.length_field, dated, ending, body)))
            self._left = head.length - len(body)
            if not self._left:
                self._end(exchange, rest=data[head.length :])
        else:
            self._reframes = not exchange.head.http10
            if exchange.head.http10:
                exchange.keep, ending = False, CLOSE
            field = _CHUNKED_FIELD if self._reframes else b""
            front.write(b"".join((head.start, field, dated, ending)))
            self._left, self._chunks = head.length, Chunks() if head.length == CHUNKED else None
            if data:
                self._body(exchange, data)

    def _body(self, exchange: Exchange, data: bytes) -> None:
        front = exchange.front
        if self._left >= 0:
            front.write(data[: self._left])
            rest, self._left = data[self._left :], max(0, self._left - len(data))
            if not self._left:
                self._end(exchange, rest=rest)
            return
        pieces, rest, ended = [data], b"", False
        if self._chunks:
            pieces, rest = self._chunks.feed(data)
            ended = self._chunks.ended
        front.write(framed(pieces, last=ended) if self._reframes else b"".join(pieces))
        if ended:
            self._end(exchange, rest=rest)

    def _end(self, exchange: Exchange, *, rest: bytes = b"") -> None:
        head, self._head, self.exchange, self.answering = self._head, None, None, False
        self.transport.resume_reading()
        if head and head.keep_alive and exchange.whole and not rest and self._left != UNTIL_CLOSE:
            self.reused, self._idle_since = True, self._core.loop.time()
            self._target.keep(self)
        else:
            self.close()
        exchange.answered(head.status if head else 0)

    def _break_off(self, exchange: Exchange) -> None:
        self.exchange = None
        self.close()
        exchange.malformed(begun=self.answering)

    def _parse(self, head: bytes) -> ResponseHead:
        heads = self._target.heads
        found = heads.get(head)
        if found is None:
            found = response_head.parse(head)
            if len(heads) >= _MAX_KEPT_HEADS:
                heads.clear()
            heads[head] = found
        return found
