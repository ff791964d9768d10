"""A network between a client and a server that a test can cut."""

from __future__ import annotations

import socket
import threading
from contextlib import suppress


class Network:
    """A way to a port of this machine. While it is cut, connections are refused; those there were ended."""

    def __init__(self, port: int) -> None:
        self._target, self._pairs = ("127.0.0.1", port), list[socket.socket]()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._accept()

    def cut(self) -> None:
        for end in (self._listener, *self._pairs):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()
        self._pairs.clear()

    def mend(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", int(self.url.rpartition(":")[2])))
        self._accept()

    def _accept(self) -> None:
        threading.Thread(target=self._serve, args=(self._listener,), daemon=True).start()

    def _serve(self, listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                near, far = listener.accept()[0], socket.create_connection(self._target)
                self._pairs += [near, far]
                for one, other in ((near, far), (far, near)):
                    threading.Thread(target=self._copy, args=(one, other), daemon=True).start()

    def _copy(self, one: socket.socket, other: socket.socket) -> None:
        with suppress(OSError):
            while data := one.recv(1 << 16):
                other.sendall(data)
            other.shutdown(socket.SHUT_WR)
