"""Which requests the embedded API Gateway takes, and how much of them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from localaws.apigateway.door import MAX_BODY_BYTES, Door
from localaws.apigateway.request import Answer, Request

Messages = list[dict[str, Any]]


class Gateway:
    """Answers with what it got."""

    def __init__(self) -> None:
        self.got: list[Request] = []

    async def answer(self, request: Request) -> Answer:
        self.got.append(request)
        return Answer(200, [("X-One", "1")], request.body)


async def _emulator(_scope: Any, _receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 599, "headers": []})


def ask(gateway: Gateway, path: str, messages: Messages, headers: list[tuple[bytes, bytes]]) -> Messages:
    sent: Messages = []
    arriving: Iterator[dict[str, Any]] = iter(messages)

    async def receive() -> dict[str, Any]:
        return next(arriving)

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {
        "type": "http", "method": "POST", "path": path, "raw_path": path.encode(), "query_string": b"a=1",
        "headers": headers, "client": ("127.0.0.1", 1), "http_version": "1.1",
    }  # fmt: skip
    asyncio.run(Door(_emulator, gateway.answer, lambda name: name == "abc12345")(scope, receive, send))
    return sent


def part(body: bytes, *, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


ADDRESS = "/restapis/abc12345/dev/_user_request_/predict"


@pytest.mark.parametrize(
    ("path", "host", "found"),
    [
        (ADDRESS, b"127.0.0.1:4566", "/predict"),
        ("/restapis/abc12345/dev/_user_request_", b"localhost", "/"),
        ("/restapis/abc12345/dev/_user_request_/", b"localhost", "/"),
        ("/restapis/abc12345/dev/_user_request_/a%20b", b"localhost", "/a b"),
        ("/dev/predict", b"abc12345.execute-api.localhost:4566", "/predict"),
        ("/dev", b"abc12345.execute-api.localhost", "/"),
    ],
)
def test_every_form_of_an_address_names_api_stage_and_path(path: str, host: bytes, found: str) -> None:
    gateway = Gateway()

    ask(gateway, path, [part(b"x")], [(b"host", host)])

    request = gateway.got[0]
    assert (request.api_id, request.stage, request.path, request.query) == (
        "abc12345",
        "dev",
        found,
        (("a", "1"),),
    )


@pytest.mark.parametrize(
    "path",
    ["/restapis/abc12345", "/restapis/abc12345/stages/dev", "/restapis/other123/dev/_user_request_/", "/"],
)
def test_what_is_no_address_of_an_api_is_the_emulators(path: str) -> None:
    gateway = Gateway()

    sent = ask(gateway, path, [part(b"")], [(b"host", b"localhost")])

    assert gateway.got == []
    assert sent[0]["status"] == 599


def test_a_body_in_parts_comes_whole_and_ten_megabytes_fit() -> None:
    gateway = Gateway()
    half = MAX_BODY_BYTES // 2

    ask(gateway, ADDRESS, [part(b"a" * half, more=True), part(b"b" * half)], [])

    assert len(gateway.got[0].body) == MAX_BODY_BYTES


def test_one_byte_more_is_413_without_the_gateway() -> None:
    gateway = Gateway()

    sent = ask(gateway, ADDRESS, [part(b"a" * MAX_BODY_BYTES, more=True), part(b"b")], [])

    assert gateway.got == []
    assert sent[0]["status"] == 413


def test_a_client_that_goes_half_way_asks_nothing() -> None:
    gateway = Gateway()

    sent = ask(gateway, ADDRESS, [part(b"[1", more=True), {"type": "http.disconnect"}], [])

    assert (gateway.got, sent) == ([], [])
