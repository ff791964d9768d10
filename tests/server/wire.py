"""HTTP by hand: bytes in, answers out, and whether they are whole."""

from __future__ import annotations

import http.client
import io
import json
import socket

from tests.server.process import Reply


class _Bytes(io.BytesIO):
    """What http.client reads from instead of a socket."""

    def makefile(self, *_: object) -> io.BytesIO:
        return self


def received(connection: socket.socket) -> bytes:
    """Read until the server closes. A reset after the answer is the end as well."""
    parts = []
    try:
        while part := connection.recv(65536):
            parts.append(part)
    except ConnectionResetError:
        pass
    return b"".join(parts)


def next_reply(connection: socket.socket) -> Reply:
    """Read one answer, in however many pieces it comes; none may follow it yet."""
    answer = http.client.HTTPResponse(connection)
    answer.begin()
    return Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, answer.read())


def replies(data: bytes, methods: tuple[str, ...] = ()) -> list[Reply]:
    """Read whole answers out of bytes; what is no whole answer fails.

    Args:
        data: everything that a connection gave.
        methods: of the requests, where they matter: an answer to HEAD has no body.
    """
    found = []
    while data:
        if data.startswith(b"HTTP/1.1 100 Continue\r\n\r\n"):
            data = data[25:]
            continue
        head, separator, _ = data.partition(b"\r\n\r\n")
        assert separator, f"half an answer: {data[:200]!r}"
        method = methods[len(found)] if len(found) < len(methods) else "GET"
        answer = http.client.HTTPResponse(_Bytes(data), method=method)  # type: ignore[arg-type]
        answer.begin()
        assert answer.getheader("content-length") is not None, f"no content-length: {head!r}"
        body = answer.read()
        found.append(Reply(answer.status, {k.lower(): v for k, v in answer.getheaders()}, body))
        data = data[len(head) + 4 + len(body) :]
    return found


def check_error(reply: Reply) -> None:
    """Every answer from 400 up says what is wrong, in one shape."""
    assert reply.headers["content-type"] == "application/json", reply
    value = json.loads(reply.body)
    assert value.keys() == {"error"}, reply
    error = value["error"]
    assert {"code", "message"} <= error.keys() <= {
        "code", "message", "row", "column", "hint", "request_id",
    }, reply  # fmt: skip
    assert isinstance(error["code"], str) and isinstance(error["message"], str) and error["message"]
