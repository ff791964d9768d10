"""Targets and clients for the tests of the load balancer: what they read and write is judged by h11."""

from __future__ import annotations

import asyncio
import http.client
import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import h11

BLOCK = b"x" * 65536


@dataclass
class Echo:
    """Answers in JSON what it was asked; the path says how: /chunked, /until-close, /204, /sleep/0.1, ….

    `seen` are the requests that arrived whole, `errors` whatever h11 takes for no HTTP.
    """

    name: str = "echo"
    port: int = 0
    seen: list[dict[str, Any]] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    connections: int = 0
    split: int = 0
    _writers: set[asyncio.StreamWriter] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._writers.add(writer)
        try:
            await self._converse(h11.Connection(h11.SERVER), reader, writer)
        except h11.RemoteProtocolError as error:
            self.errors.append(str(error))
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            self._writers.discard(writer)
            writer.close()

    async def close_all(self) -> None:
        """End every connection."""
        for writer in list(self._writers):
            writer.close()

    async def _converse(
        self, http: h11.Connection, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        while True:
            request, body = None, b""
            while True:
                event = http.next_event()
                if event is h11.NEED_DATA:
                    if not (data := await reader.read(65536)):
                        return
                    http.receive_data(data)
                elif isinstance(event, h11.Request):
                    request = event
                elif isinstance(event, h11.Data):
                    body += event.data
                else:
                    break
            assert request is not None
            self.seen.append(told := _told(request, body, self.name))
            await self._answer(http, writer, told)
            if http.our_state is not h11.DONE:
                return
            http.start_next_cycle()

    async def _answer(self, http: h11.Connection, writer: asyncio.StreamWriter, told: dict[str, Any]) -> None:
        path, body, status = told["path"], json.dumps(told).encode(), 200
        fields = [("Content-Length", str(len(body))), ("Content-Type", "application/json")]
        if path.startswith("/sleep/"):
            await asyncio.sleep(float(path[7:]))
        elif path.startswith("/status/") and path[8:].isdigit():
            status = int(path[8:])
            fields = [("X-Kept", "yes")]
        elif path == "/chunked":
            fields = [("Transfer-Encoding", "chunked")]
        elif path == "/until-close":
            fields = [("Connection", "close")]
        elif path == "/close":
            fields.append(("Connection", "close"))
        elif path.startswith("/large/"):
            fields[0] = ("Content-Length", path[7:])
        parts = [http.send(h11.Response(status_code=status, headers=fields))]
        if path.startswith("/large/"):
            writer.write(parts[0])
            for _ in range(int(path[7:]) // len(BLOCK)):
                writer.write(http.send(h11.Data(data=BLOCK)))
                await writer.drain()
            writer.write(http.send(h11.EndOfMessage()))
            return
        if told["method"] != "HEAD" and status == 200:
            half = len(body) // 2
            parts += [http.send(h11.Data(data=piece)) for piece in (body[:half], body[half:])]
        parts.append(http.send(h11.EndOfMessage()))
        whole = b"".join(parts)
        for start in range(0, len(whole), self.split or len(whole)):
            writer.write(whole[start : start + (self.split or len(whole))])
            for _ in range(3 if self.split else 0):
                await asyncio.sleep(0)
        await writer.drain()


def _told(request: h11.Request, body: bytes, name: str) -> dict[str, Any]:
    headers = [(key.decode(), value.decode("latin-1")) for key, value in request.headers]
    return {
        "method": request.method.decode(),
        "path": request.target.decode(),
        "headers": headers,
        "body": body.decode("latin-1"),
        "target": name,
    }


@contextmanager
def echo(name: str = "echo") -> Iterator[Echo]:
    """Yield a running one, on a thread of its own."""
    target, loop, ready = Echo(name), asyncio.new_event_loop(), threading.Event()

    async def run() -> None:
        server = await asyncio.start_server(target.serve, "127.0.0.1", 0)
        target.port = server.sockets[0].getsockname()[1]
        ready.set()

    def forever() -> None:
        loop.run_until_complete(run())
        loop.run_forever()
        for task in asyncio.all_tasks(loop):
            task.cancel()
        loop.run_until_complete(asyncio.sleep(0.01))
        loop.close()

    thread = threading.Thread(target=forever)
    thread.start()
    ready.wait(5)
    try:
        yield target
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)


@contextmanager
def scripted(script: Callable[[socket.socket, int], None]) -> Iterator[int]:
    """Yield the port of a target whose every connection runs a script: the socket and its number, from 0."""
    listener = socket.create_server(("127.0.0.1", 0))

    def accept() -> None:
        for number in range(100):
            with suppress(OSError):
                connection, _ = listener.accept()
                threading.Thread(target=serve, args=(connection, number), daemon=True).start()
                continue
            return

    def serve(connection: socket.socket, number: int) -> None:
        with connection, suppress(OSError):
            connection.settimeout(5)
            script(connection, number)

    threading.Thread(target=accept, daemon=True).start()
    try:
        yield listener.getsockname()[1]
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


class Client:
    """A client's connection on which bytes are sent as they are, and answers read one after the other."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=5)
        self._reader = self.socket.makefile("rb")

    def __enter__(self) -> Client:
        return self

    def __exit__(self, *_: object) -> None:
        self._reader.close()
        self.socket.close()

    def send(self, data: bytes) -> None:
        self.socket.sendall(data)

    def answer(self, method: str = "GET") -> http.client.HTTPResponse:
        """Read one answer whole; its body is in `.data`. Raises http.client's errors."""
        response = http.client.HTTPResponse(self, method=method)  # type: ignore[arg-type]
        response.begin()
        response.data = response.read()  # type: ignore[attr-defined]
        return response

    def ask(self, data: bytes, method: str = "GET") -> http.client.HTTPResponse:
        self.send(data)
        return self.answer(method)

    def at_end(self) -> bool:
        """Whether the balancer has closed, and says nothing more."""
        return self._reader.read(1) == b""

    def makefile(self, _mode: str) -> Any:
        """Let http.client read without taking more than one answer."""
        return _Shared(self._reader)


class _Shared:
    def __init__(self, reader: Any) -> None:
        self._reader = reader

    def __getattr__(self, name: str) -> Any:
        return getattr(self._reader, name)

    def close(self) -> None:
        """The connection goes on."""


def until(true: Callable[[], object], timeout_s: float = 5) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + timeout_s
    while not true():
        assert time.monotonic() < deadline, "it did not come true"
        time.sleep(0.005)


def get(path: str = "/echo", *more: str, method: str = "GET") -> bytes:
    """Return a request without a body."""
    return "\r\n".join([f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", *more, "", ""]).encode()


def post(body: bytes, path: str = "/echo", *more: str) -> bytes:
    """Return a request with a body."""
    return get(path, f"Content-Length: {len(body)}", *more, method="POST") + body
