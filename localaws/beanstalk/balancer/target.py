"""A target: its connections, the requests that are with it, and its last one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from localaws.beanstalk.balancer.connection import Connection
from localaws.beanstalk.balancer.core import Core
from localaws.beanstalk.balancer.counters import Counters
from localaws.beanstalk.balancer.response_head import ResponseHead

if TYPE_CHECKING:
    from localaws.beanstalk.balancer.exchange import Exchange


class Target:
    """An instance, on a port of 127.0.0.1."""

    def __init__(self, port: int, core: Core) -> None:
        self.port = port
        self.counters = Counters()
        self.in_flight = 0
        self.connections: set[Connection] = set()
        self.idle: list[Connection] = []
        # Heads say the same over and over, and mean the same each time.
        self.heads: dict[bytes, ResponseHead] = {}
        self._core = core
        self._leaving = False
        self._empty = asyncio.Event()
        self._connecting: set[asyncio.Task[None]] = set()

    def begin(self) -> None:
        """A request is with it."""
        self.in_flight += 1

    def end(self) -> None:
        """A request is no longer with it."""
        self.in_flight -= 1
        if self._leaving and not self.in_flight:
            self._empty.set()

    def connect(self, exchange: Exchange) -> None:
        """Make a connection, and tell the exchange."""
        task = self._core.loop.create_task(self._connect(exchange))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)

    def keep(self, connection: Connection) -> None:
        """Keep a connection for the next request."""
        if self._leaving:
            connection.close()
        else:
            self.idle.append(connection)

    def leave(self) -> None:
        """Take no more requests."""
        self._leaving = True
        for connection in self.idle[:]:
            connection.close()
        if not self.in_flight:
            self._empty.set()

    async def ended(self, timeout_s: float) -> bool:
        """Wait for the requests that are with it; those that take longer are cut off."""
        try:
            async with asyncio.timeout(timeout_s):
                await self._empty.wait()
        except TimeoutError:
            for connection in list(self.connections):
                connection.close()
            return False
        return True

    async def _connect(self, exchange: Exchange) -> None:
        try:
            async with asyncio.timeout(self._core.connect_s):
                _, connection = await self._core.loop.create_connection(
                    lambda: Connection(self, self._core), "127.0.0.1", self.port
                )
        except OSError as error:
            exchange.unreachable(504 if isinstance(error, TimeoutError) else 502)
        else:
            exchange.connected(connection)
