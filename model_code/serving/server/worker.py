"""One worker process: uvicorn around the application, and a stop that loses no request."""

from __future__ import annotations

import asyncio
import gc
import socket
from types import FrameType
from typing import Any

import uvicorn

from .accepting import Acceptor, Connections, Shares
from .protocol import KEEP_ALIVE_S, REQUEST_TIMEOUT_S, BoundedProtocol, sweep

# SageMaker sends SIGKILL 30 s after SIGTERM.
_GRACEFUL_S = 24
_BACKLOG = 2048
# At SIGTERM: answer with "Connection: close" until nothing has come in for a while, then stop.
_DRAIN_AT_MOST_S = 2.0
_QUIET_S = 0.3
_DRAIN_AT_LEAST_S = 0.1


def configuration(app: Any) -> uvicorn.Config:
    """Return the server's settings, the same for every application that runs on it."""
    return uvicorn.Config(
        app,
        interface="asgi3",
        http=BoundedProtocol,
        loop="uvloop",
        lifespan="off",
        ws="none",
        # Each of these costs time on every request and tells nobody anything.
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        backlog=_BACKLOG,
        timeout_keep_alive=int(KEEP_ALIVE_S),
        timeout_graceful_shutdown=_GRACEFUL_S,
    )


class Server(uvicorn.Server):
    """uvicorn, with a drain before its stop.

    uvicorn closes idle connections at once, and a request that is on its way on one of them is lost. Here
    every caller is told to close the connection with the next answer first.
    """

    def __init__(
        self, app: Any, listener: socket.socket, connections: Connections, request_timeout_s: float
    ) -> None:
        super().__init__(configuration(app))
        self.server_state.connections = connections
        self._connections = connections
        self._request_timeout_s = request_timeout_s
        self._app = app
        self._listener = listener
        self._drain: asyncio.Task[None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to serve."""
        await super().startup(sockets)
        self._loop = asyncio.get_running_loop()
        self._acceptor = Acceptor(self._listener, self._connections, self._protocol)
        self._sweep = self._loop.create_task(sweep(self.server_state.connections, self._request_timeout_s))
        # What is loaded stays; leaving it out keeps later collections short.
        gc.collect()
        gc.freeze()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Take no more connections, and end those that there are."""
        self._acceptor.close()
        self._listener.close()
        await super().shutdown(sockets)

    def _protocol(self) -> BoundedProtocol:
        return BoundedProtocol(self.config, self.server_state, {}, self._loop)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Drain; at a second signal, stop."""
        if self._loop is None or self._app.draining:
            super().handle_exit(sig, frame)
            return
        self._app.draining = True
        self._loop.call_soon_threadsafe(self._begin_drain)

    def _begin_drain(self) -> None:
        self._drain = asyncio.ensure_future(self._drained())

    async def _drained(self) -> None:
        loop = asyncio.get_running_loop()
        self._acceptor.refuse_new()
        began = quiet_since = loop.time()
        seen = -1
        while (now := loop.time()) - began < _DRAIN_AT_MOST_S:
            if self.server_state.total_requests != seen or self.server_state.tasks:
                seen, quiet_since = self.server_state.total_requests, now
            elif now - began > _DRAIN_AT_LEAST_S and (
                not self.server_state.connections or now - quiet_since > _QUIET_S
            ):
                break
            await asyncio.sleep(0.02)
        self.should_exit = True


def run(
    app: Any,
    listener: socket.socket,
    shares: Shares,
    worker: int,
    request_timeout_s: float = REQUEST_TIMEOUT_S,
) -> None:
    """Serve an application on a listening socket that workers share, until SIGTERM."""
    Server(app, listener, Connections(shares, worker), request_timeout_s).run(sockets=[])
