"""New connections, each to the worker that has the fewest.

All workers wait on one socket. The kernel wakes whichever it likes, and a worker that is awake takes the next
one as well: 64 connections that came at once were seen to stay on one of two workers, which halved their
requests per second. Callers keep their connections, so that it does not level out by itself.
"""

from __future__ import annotations

import asyncio
import mmap
import os
import socket
import sys
from collections.abc import Callable
from contextlib import suppress
from typing import Any

# So many turns of its loop a worker leaves a connection to one that has fewer, and that would be there sooner
# if it were idle. It yields its core in each of them: the other one may need it to wake up.
_LEAVE_TURNS = 300
_NO_FILES_PAUSE_S = 0.5
# Linux's numbers: packets with fewer hops left are dropped. They begin with 64 or 128.
_HOPS_LEFT = {socket.AF_INET: (socket.IPPROTO_IP, 21), socket.AF_INET6: (socket.IPPROTO_IPV6, 73)}
_NO_PACKET, _ANY_PACKET = 255, 0


class Shares:
    """How many connections each worker has, seen by all. Make it before the workers are forked."""

    def __init__(self, workers: int) -> None:
        self._cells = memoryview(mmap.mmap(-1, workers * 8)).cast("q")

    def set(self, worker: int, connections: int) -> None:
        """Tell how many a worker has."""
        self._cells[worker] = connections

    def fewer(self, connections: int) -> list[tuple[int, int]]:
        """Return the workers that have fewer, and how many."""
        return [pair for pair in enumerate(self._cells.tolist()) if pair[1] < connections]


class Connections(set[Any]):
    """A worker's connections, as uvicorn keeps them, and its share of all."""

    def __init__(self, shares: Shares, worker: int) -> None:
        super().__init__()
        self._shares = shares
        self._worker = worker
        self.arriving = 0
        self.tell()

    def add(self, connection: Any) -> None:
        """Keep a connection that has been made."""
        super().add(connection)
        self.tell()

    def discard(self, connection: Any) -> None:
        """Forget a connection that is lost."""
        super().discard(connection)
        self.tell()

    def tell(self) -> None:
        """Tell the other workers how many there are."""
        self._shares.set(self._worker, len(self) + self.arriving)

    def fewer(self) -> list[tuple[int, int]]:
        """Return the workers that have fewer, and how many."""
        return self._shares.fewer(len(self) + self.arriving)


class Acceptor:
    """Takes connections from the socket that all workers share.

    Args:
        listener: the socket.
        connections: of this worker.
        protocol: makes what answers on one connection.
    """

    def __init__(
        self, listener: socket.socket, connections: Connections, protocol: Callable[[], asyncio.Protocol]
    ) -> None:
        self._listener = listener
        self._connections = connections
        self._protocol = protocol
        self._loop = asyncio.get_running_loop()
        self._left: dict[tuple[int, int], int] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.start()

    def start(self) -> None:
        """Take connections from now on."""
        self._loop.add_reader(self._listener, self._take)

    def close(self) -> None:
        """Take no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._loop.remove_reader(self._listener)

    def refuse_new(self) -> None:
        """Let no new connection into the queue, for any worker; those in it can still be taken.

        A connection in the queue counts as made for its client, who may have sent a request already: closing
        the socket would reset it. So the kernel drops the first packet of new ones, which needs no right of a
        container, and they find nobody later.
        """
        self._demand(self._listener, _NO_PACKET)
        with suppress(OSError):  # and where that cannot be, at least few come in
            self._listener.listen(0)

    def _demand(self, connection: socket.socket, hops_left: int) -> None:
        if sys.platform == "linux":
            with suppress(OSError, KeyError):
                connection.setsockopt(*_HOPS_LEFT[connection.family], hops_left)

    def _pause(self, seconds: float) -> None:
        self.close()
        self._timer = self._loop.call_later(seconds, self.start)

    def _take(self) -> None:
        """Take one connection, unless another worker should."""
        left = {pair: self._left.get(pair, 0) + 1 for pair in self._connections.fewer()}
        self._left = left
        # One whose number has not changed all the while is busy, and is waited for no more.
        if left and min(left.values()) <= _LEAVE_TURNS:
            os.sched_yield()
            return
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return  # another worker was faster, or the caller has gone
        except OSError:  # no file is left: looked at again in a while, not in every turn
            self._pause(_NO_FILES_PAUSE_S)
            return
        connection.setblocking(False)
        self._demand(connection, _ANY_PACKET)  # what the listening socket demands is inherited
        self._connections.arriving += 1
        self._connections.tell()
        task = self._loop.create_task(self._make(connection))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _make(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(self._protocol, connection)
        except OSError:
            connection.close()
        finally:
            self._connections.arriving -= 1
            self._connections.tell()
