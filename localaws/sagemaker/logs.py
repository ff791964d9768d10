"""Sends what containers print to CloudWatch Logs, in batches and under each model's own role."""

import threading
from contextlib import suppress

from localaws.ports import AccessDeniedError, Credentials, LogSink, NotFoundError

_INTERVAL_S = 0.5
_MAX_BATCH = 1000
_MAX_LINE = 200_000  # characters; CloudWatch takes events of 256 KB


class LogStream:
    """The lines of one container that wait to be sent."""

    def __init__(self, group: str, name: str) -> None:
        self.group = group
        self.name = name
        self._lines: list[tuple[int, str]] = []
        self._lock = threading.Lock()

    def append(self, line: tuple[int, str]) -> None:
        """Add one line: (milliseconds since 1970, text)."""
        with self._lock:
            self._lines.append((line[0], line[1][:_MAX_LINE]))

    def take(self) -> list[tuple[int, str]]:
        """Remove and return the oldest lines, at most one batch."""
        with self._lock:
            taken, self._lines = self._lines[:_MAX_BATCH], self._lines[_MAX_BATCH:]
        return taken


class LogShipper:
    """One thread that sends the lines of every container. A role without the right gets no log, as on AWS."""

    def __init__(self, sink: LogSink) -> None:
        self._sink = sink
        self._streams: dict[LogStream, Credentials] = {}
        self._sending = threading.Lock()
        self._wake = threading.Event()
        self._closed = False
        threading.Thread(target=self._run, name="log-shipper", daemon=True).start()

    def add(self, stream: LogStream, credentials: Credentials) -> None:
        """Start to send a stream's lines."""
        self._streams[stream] = credentials

    def remove(self, stream: LogStream) -> None:
        """Send what is left and forget the stream. Nothing is written to its group afterwards."""
        with self._sending:
            if credentials := self._streams.pop(stream, None):
                self._send(stream, credentials)

    def close(self) -> None:
        """Send nothing any more: the server that would take it is stopping."""
        self._closed = True

    def _run(self) -> None:
        while not self._wake.wait(_INTERVAL_S):
            with self._sending:
                for stream, credentials in list(self._streams.items()):
                    self._send(stream, credentials)

    def _send(self, stream: LogStream, credentials: Credentials) -> None:
        while not self._closed and (lines := stream.take()):
            with suppress(AccessDeniedError, NotFoundError, OSError):
                self._sink.write(stream.group, stream.name, lines, credentials)
