"""Clients that count: what was sent, what was answered, and what was lost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from tests.server.requests import ROW, post


@dataclass
class Count:
    """A request is lost when some of it was sent on a connection that the server's kernel had taken, and its
    whole answer never came. Who cannot connect has lost nothing, and is done.
    """

    answered: int = 0
    lost: list[str] = field(default_factory=list)
    wrong: list[str] = field(default_factory=list)
    refused: int = 0


async def ask(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes, count: Count
) -> bool:
    """Send one request, and return whether the connection goes on."""
    try:
        writer.write(request)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length:")[1].split(b"\r\n")[0])
        body = await reader.readexactly(length)
    except (OSError, asyncio.IncompleteReadError) as error:
        count.lost.append(repr(error))
        return False
    count.answered += 1
    if not head.startswith(b"HTTP/1.1 200 ") or b"virginica" not in body:
        count.wrong.append(repr(head))
    return b"connection: close" not in head.lower()


async def client(
    port: int, count: Count, running: Callable[[], bool], *, keep: bool, pause_s: float, body: bytes
) -> None:
    """Send requests until nobody listens any more."""
    close = () if keep else ("Connection: close",)
    request = post(body, "Content-Type: text/csv", *close)
    while running():
        try:
            async with asyncio.timeout(3):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
        except (OSError, TimeoutError):
            count.refused += 1
            return
        while running() and not reader.at_eof():
            if not await ask(reader, writer, request, count) or not keep:
                break
            await asyncio.sleep(pause_s)
        writer.close()


async def load(port: int, during: Callable[[], None], *, before_s: float = 0.7, after_s: float = 5) -> Count:
    """Let many clients of several kinds send all the time, and do something meanwhile.

    Args:
        port: of the server.
        during: what happens in the midst of it.
        before_s: for how long they send before.
        after_s: for how long after, if the server is still there.
    """
    count = Count()
    end = asyncio.get_running_loop().time() + before_s + after_s

    def running() -> bool:
        return asyncio.get_running_loop().time() < end

    row, many = f"{ROW}\n".encode(), f"{ROW}\n".encode() * 10_000
    kinds = [(16, True, 0.0, row), (8, True, 0.03, row), (8, False, 0.0, row), (2, True, 0.01, many)]
    clients = [
        asyncio.create_task(client(port, count, running, keep=keep, pause_s=pause_s, body=body))
        for number, keep, pause_s, body in kinds
        for _ in range(number)
    ]
    await asyncio.sleep(before_s)
    during()
    await asyncio.gather(*clients)
    return count
