"""Sends bodies to one model server, over connections that are kept, and tries again where that may help."""

import http.client
import socket
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from http import HTTPStatus

from localaws.sagemaker.transform.failures import StoppedError

Body = bytes | Iterator[bytes]
_PAUSE_S = 0.1
_RESTART_S = 1.5  # what a model server that has ended needs to be there again
_CONNECTIONS_MAY_HAVE_CLOSED = (ConnectionError, http.client.RemoteDisconnected, http.client.BadStatusLine)


class RefusedError(Exception):
    """The model answered with an HTTP status other than 2xx."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class NoAnswerError(Exception):
    """The model server gave no answer, or not in time."""


class Sender:
    """One connection a thread, all to 127.0.0.1. `stopped` ends every wait between two tries."""

    def __init__(
        self, port: int, headers: Mapping[str, str], timeout_s: float, retries: int, stopped: threading.Event
    ) -> None:
        self._port = port
        self._headers = headers
        self._timeout_s = timeout_s
        self._retries = retries
        self._stopped = stopped
        self._local = threading.local()
        self._open: list[http.client.HTTPConnection] = []

    def send(self, body: Callable[[], Body], *, retry: bool = True) -> bytes:
        """Return the model's answer to a body, which is asked for at every try.

        Raises RefusedError, NoAnswerError, or StoppedError.
        """
        for tries_left in range(self._retries if retry else 0, -1, -1):
            if self._stopped.is_set():
                raise StoppedError
            pause = _PAUSE_S
            try:
                status, answer = self._asked(body)
                if HTTPStatus.OK <= status < HTTPStatus.MULTIPLE_CHOICES:
                    return answer
                if status < HTTPStatus.INTERNAL_SERVER_ERROR and status != HTTPStatus.TOO_MANY_REQUESTS:
                    tries_left = 0  # the same request would be refused again
                failure: Exception = RefusedError(status, answer.decode(errors="replace"))
            except (OSError, http.client.HTTPException) as error:
                self._connection().close()
                failure, pause = NoAnswerError(_told(error)), _RESTART_S
            if not tries_left:
                if self._stopped.is_set():
                    raise StoppedError
                raise failure
            self._stopped.wait(pause)
        raise AssertionError("unreachable")

    def close(self) -> None:
        """Close every connection."""
        for connection in self._open:
            connection.close()

    def interrupt(self) -> None:
        """Break off the requests under way, from whichever thread."""
        for connection in self._open:
            with suppress(OSError, AttributeError):  # it may close at this moment
                connection.sock.shutdown(socket.SHUT_RDWR)

    def _asked(self, body: Callable[[], Body]) -> tuple[int, bytes]:
        connection = self._connection()
        kept = connection.sock is not None
        begun = time.monotonic()
        try:
            return self._exchange(connection, body())
        except _CONNECTIONS_MAY_HAVE_CLOSED:
            # A kept connection that the server had closed: nothing was processed.
            if not kept or self._stopped.is_set() or time.monotonic() - begun > _PAUSE_S:
                raise
            connection.close()
            return self._exchange(connection, body())

    def _exchange(self, connection: http.client.HTTPConnection, body: Body) -> tuple[int, bytes]:
        connection.request("POST", "/invocations", body, dict(self._headers))
        response = connection.getresponse()
        return response.status, response.read()

    def _connection(self) -> http.client.HTTPConnection:
        connection: http.client.HTTPConnection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=self._timeout_s)
            self._local.connection = connection
            self._open.append(connection)
        return connection


def _told(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return "Model server did not respond to /invocations request within the timeout"
    return "Unable to get response from algorithm"
