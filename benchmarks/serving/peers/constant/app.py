"""The limits: applications that answer a constant, on the settings and processes of our own server."""

from __future__ import annotations

import os
import socket
import sys
from typing import Any

from serving.server import worker
from serving.server.accepting import Shares
from serving.server.workers import listen, supervise

_START = {
    "type": "http.response.start",
    "status": 200,
    "headers": [(b"content-type", b"text/csv"), (b"content-length", b"7")],
}
_BODY = {"type": "http.response.body", "body": b"setosa\n"}
_WHOLE = b"HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\ncontent-length: 7\r\n\r\nsetosa\n"


class Constant:
    """Reads nothing and knows the answer."""

    draining = False

    async def __call__(self, _scope: Any, _receive: Any, send: Any) -> None:
        """Answer."""
        await send(_START)
        await send(_BODY)


class ShortConstant(Constant):
    """Answers without ASGI, where the server asks for that."""

    def answer_small(self, connection: Any, _headers: Any, _body: bytes, *, last: bool, **_: int) -> bool:
        """Give the connection the whole answer."""
        connection.reply(_WHOLE, last=last)
        return True


def main() -> None:
    """Serve on our own launcher and settings."""
    port, workers = int(os.environ["BENCH_PORT"]), int(os.environ["BENCH_WORKERS"])
    shares = Shares(workers)

    def work(number: int, listener: socket.socket) -> None:
        application = ShortConstant() if sys.argv[1:] == ["ShortConstant"] else Constant()
        worker.run(application, listener, shares, number)

    supervise(workers, work, listen("127.0.0.1", port))


if __name__ == "__main__":
    main()
