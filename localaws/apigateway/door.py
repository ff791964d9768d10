"""The addresses of APIs: takes their requests before the emulator sees them, under API Gateway's size limits.

Sources: "Quotas for configuring and running a REST API" (10 MB, 10,240 bytes of headers) and "Amazon API
Gateway important notes" in the developer guide: the answer to more than 10 MB cannot be customised.
Inferred: 431 for the headers.
"""

import re
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from urllib.parse import unquote

from localaws.apigateway.request import Answer, Pairs, Request
from localaws.gate import Asgi, Message, Send

MAX_BODY_BYTES = 10 * 1024 * 1024
MAX_HEADER_BYTES = 10_240
_ADDRESS = re.compile(rb"/restapis/([a-z0-9]+)/([\w-]+)/_user_request_(/[^?]*)?")
_HOST = re.compile(r"([a-z0-9]+)\.execute-api\.localhost(:\d+)?")
_STAGE = re.compile(rb"/([\w-]+)(/[^?]*)?")
_DRAINED_BYTES = 64 * 1024 * 1024
Receive = Callable[[], Awaitable[Message]]


class Door:
    """An ASGI application around the emulator that answers requests to stages and passes the rest on."""

    def __init__(
        self, inner: Asgi, answer: Callable[[Request], Awaitable[Answer]], owns: Callable[[str], bool]
    ) -> None:
        """`answer` is the gateway; `owns` says whether an id is a REST API's."""
        self._inner = inner
        self._answer = answer
        self._owns = owns

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Answer one request to a stage, or pass it on."""
        target = _target(scope) if scope["type"] == "http" else None
        if target is None or not self._owns(target[0]):
            await self._inner(scope, receive, send)
            return
        headers = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"])
        size = sum(len(name) + len(value) for name, value in scope["headers"]) + len(scope["raw_path"])
        try:
            body = await _read(receive)
        except ConnectionError:
            return  # half a request is none
        if body is None:
            text = f"HTTP content length exceeded {MAX_BODY_BYTES} bytes."
            answer = Answer(413, [("Content-Type", "text/plain")], text.encode())
        elif size > MAX_HEADER_BYTES:
            text = '{"message":"Request Header Fields Too Large"}'
            answer = Answer(431, [("Content-Type", "application/json")], text.encode())
        else:
            answer = await self._answer(_request(scope, target, headers, body))
        await _send(send, answer, head=scope["method"] == "HEAD")


def _target(scope: Message) -> tuple[str, str, str] | None:
    """Return the API, stage and path that an address names.

    /restapis/... or the host ID.execute-api.localhost.
    """
    path = scope["raw_path"].partition(b"?")[0]
    if match := _ADDRESS.fullmatch(path):
        return match[1].decode(), match[2].decode(), unquote(match[3] or b"/")
    host = next((value.decode("latin-1") for name, value in scope["headers"] if name == b"host"), "")
    if (name := _HOST.fullmatch(host)) and (match := _STAGE.fullmatch(path)):
        return name[1], match[1].decode(), unquote(match[2] or b"/")
    return None


def _request(scope: Message, target: tuple[str, str, str], headers: Pairs, body: bytes) -> Request:
    return Request(
        api_id=target[0],
        stage=target[1],
        method=scope["method"],
        path=target[2],
        headers=headers,
        query_string=scope["query_string"].decode("latin-1"),
        body=body,
        source_ip=(scope.get("client") or ("127.0.0.1",))[0],
        protocol=f"HTTP/{scope.get('http_version', '1.1')}",
        raw_path=scope["raw_path"].partition(b"?")[0].decode("latin-1"),
    )


async def _read(receive: Receive) -> bytes | None:
    """Return the body, or None where it is larger than API Gateway takes.

    The rest is read and dropped, up to a bound: a client that still sends does not read the answer. Raises
    ConnectionError where the client goes before all of it came.
    """
    parts, size = [], 0
    while True:
        message = await receive()
        if message["type"] != "http.request":
            raise ConnectionError("the client is gone")
        size += len(message.get("body", b""))
        if size <= MAX_BODY_BYTES:
            parts.append(message.get("body", b""))
        if not message.get("more_body") or size > _DRAINED_BYTES:
            break
    return b"".join(parts) if size <= MAX_BODY_BYTES else None


async def _send(send: Send, answer: Answer, *, head: bool) -> None:
    headers = [
        (name.encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in answer.headers
    ]
    if answer.status != HTTPStatus.NO_CONTENT:
        headers.append((b"Content-Length", str(len(answer.body)).encode()))
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    await send({"type": "http.response.body", "body": b"" if head else answer.body})
