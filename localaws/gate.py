"""What stands before the emulator: who may call at all, and the addresses of Slipway's own."""

import asyncio
import hmac
import json
import re
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from localaws.state import HEALTH_PATH, INVENTORY_PATH, TOKEN_HEADER

Message = MutableMapping[str, Any]
Asgi = Callable[
    [Message, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]], Awaitable[None]
]
Send = Callable[[Message], Awaitable[None]]

# host.docker.internal: this machine, as a container calls it whose engine runs in a virtual machine.
_LOCAL = r"(127\.0\.0\.1|localhost|\[::1\]|([a-z0-9-]+\.)+localhost|host\.docker\.internal)(:\d+)?"
_LOCAL_HOST = re.compile(_LOCAL, re.IGNORECASE)
_LOCAL_ORIGIN = re.compile(rf"https?://{_LOCAL}", re.IGNORECASE)
# Addresses of the emulator that change its state for anybody who asks.
_CLOSED = ("/_ministack/reset", "/_ministack/config", "/_localstack/")


class Gate:
    """An ASGI application around the emulator.

    A web page can make a browser send requests to 127.0.0.1, by an address that resolves there (Host) or
    from its own origin (Origin). Neither gets past this. Slipway's own addresses answer only to the run's
    token.
    """

    def __init__(
        self, inner: Asgi, token: str, answers: dict[str, Callable[[], Any]], on_stop: Callable[[], None]
    ) -> None:
        self._inner = inner
        self._token = token
        self._answers = answers
        self._on_stop = on_stop

    async def __call__(self, scope: Message, receive: Callable[[], Awaitable[Message]], send: Send) -> None:
        """Refuse, answer or pass on one connection."""
        if scope["type"] == "lifespan":
            await self._inner(scope, self._stopping(receive), send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope["headers"]
        }
        if refusal := _refusal(scope["path"], headers):
            await _answer(scope, send, 403, {"__type": "ForbiddenException", "message": refusal})
        elif scope["path"] in self._answers:
            if hmac.compare_digest(headers.get(TOKEN_HEADER.lower(), ""), self._token):
                await _answer(scope, send, 200, await asyncio.to_thread(self._answers[scope["path"]]))
            else:
                await _answer(scope, send, 403, {"message": f"{TOKEN_HEADER} is missing or wrong"})
        else:
            await self._inner(scope, receive, send)

    def _stopping(self, receive: Callable[[], Awaitable[Message]]) -> Callable[[], Awaitable[Message]]:
        async def received() -> Message:
            message = await receive()
            if message["type"] == "lifespan.shutdown":
                await asyncio.to_thread(self._on_stop)
            return message

        return received


def _refusal(path: str, headers: dict[str, str]) -> str | None:
    if not _LOCAL_HOST.fullmatch(headers.get("host", "")):
        return f"the embedded AWS answers only to local names, not to Host {headers.get('host', '')!r}"
    origin = headers.get("origin")
    if origin is not None and not _LOCAL_ORIGIN.fullmatch(origin):
        return f"the embedded AWS takes no requests from pages of {origin!r}"
    if path.startswith(_CLOSED):
        return f"{path} is closed"
    return None


async def _answer(scope: Message, send: Send, status: int, body: object) -> None:
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1008})
        return
    payload = json.dumps(body).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(payload)).encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": payload})


__all__ = ["HEALTH_PATH", "INVENTORY_PATH", "Gate"]
