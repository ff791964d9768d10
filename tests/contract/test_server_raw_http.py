"""Bytes that are no proper HTTP, or proper HTTP that few clients send: each is answered or closed."""

from __future__ import annotations

import json
import random
import time

import pytest

from tests.server.process import VERSION, memory_kb
from tests.server.requests import ROW, chunked, post
from tests.server.wire import check_error, next_reply, received, replies

CSV = "Content-Type: text/csv"
CLOSE = "Connection: close"
RIGHT = [(200, b'["virginica"]')]


def talk(server, data: bytes, *, methods: tuple[str, ...] = (), end: bool = True) -> list:
    """Send bytes, and return the answers up to the end of the connection."""
    with server.connect() as connection:
        try:
            connection.sendall(data)
            if end:
                connection.shutdown(1)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has answered and closed
        return replies(received(connection), methods)


def only_error(server, data: bytes, **options) -> dict:
    (reply,) = talk(server, data, **options)
    check_error(reply)
    assert reply.headers["connection"] == "close"
    return {"status": reply.status, **reply.error}


@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200,  # TLS
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        b"garbage\r\n\r\n",
        b"GET /ping HTTP/9.9\r\n\r\n",
        b"GET  HTTP/1.1\r\n\r\n",
        b"GET /p\xc3\xa4ng HTTP/1.1\r\nHost: x\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nno colon\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nHost: x\r\n folded: y\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nBad Name: y\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nx: a\x00b\r\n\r\n",
        b"GET /ping HTTP/1.1\r\nx: a\rb\r\n\r\n",
        b"CONNECT example.com:443 HTTP/1.1\r\nHost: example.com:443\r\n\r\n",
        b"GET ?ping HTTP/1.1\r\nHost: x\r\n\r\n",
        post(b"", "Content-Length: -1"),
        post(b"", "Content-Length: 1e3"),
        post(b"", "Content-Length: 99999999999999999999999999"),
        post(b"", "Content-Length: 3", "Content-Length: 4"),
        post(b"", "Content-Length: 3,3"),
        post(b"", "Transfer-Encoding: gzip"),
        post(b"", "Transfer-Encoding: chunked, identity"),
        post(b"xyz\r\n", "Transfer-Encoding: chunked"),
        post(b"-1\r\nx\r\n", "Transfer-Encoding: chunked"),
        post(b"fffffffffffffffffff\r\nx\r\n", "Transfer-Encoding: chunked"),
        post(b"2\r\nabcd\r\n", "Transfer-Encoding: chunked"),
    ],
)
def test_what_is_no_http_is_a_400_in_our_shape(logistic, data):
    error = only_error(logistic, data, end=False)

    assert (error["status"], error["code"]) == (400, "invalid_http")


def test_a_length_and_chunks_together_are_refused(logistic):
    """The way to smuggle a request past a proxy that believes the other one."""
    smuggled = b"0\r\n\r\nGET /metrics HTTP/1.1\r\nHost: x\r\n\r\n"

    for order in (
        ("Content-Length: 4", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 4"),
    ):
        assert only_error(logistic, post(smuggled, *order), end=False)["code"] == "invalid_http"


def test_garbage_of_every_length_never_ends_the_server(any_server):
    random.seed(0)
    for size in (1, 2, 10, 100, 1000, 100_000):
        with any_server.connect() as connection:
            connection.sendall(random.randbytes(size) + b"\r\n\r\n")
            for reply in replies(received(connection)):
                check_error(reply)


@pytest.mark.parametrize("size", [1, 3, 20, 60, 75, 90])
def test_half_a_request_and_an_end_are_no_request(logistic, size):
    data = post(ROW.encode(), CSV)[:size]
    with logistic.connect() as connection:
        connection.sendall(data)
        connection.shutdown(1)
        for reply in replies(received(connection)):
            check_error(reply)


def test_a_request_that_comes_byte_by_byte_is_answered(any_server):
    with any_server.connect() as connection:
        for byte in post(ROW.encode(), CSV, CLOSE):
            connection.sendall(bytes([byte]))
        (reply,) = replies(received(connection))
    assert reply.status == 200


def test_pipelined_requests_are_answered_in_order(any_server):
    many = post(ROW.encode(), CSV) + post(b"x", CSV) + b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n"
    last = post(f"{ROW}|{ROW}".encode(), CSV, CLOSE)

    found = talk(any_server, many * 20 + last, end=False)

    assert [reply.status for reply in found] == [200, 400, 200] * 20 + [200]
    assert len(json.loads(found[-1].body)) == 2


def test_what_follows_a_request_that_closes_is_not_answered(logistic):
    found = talk(logistic, post(ROW.encode(), CSV, CLOSE) + post(ROW.encode(), CSV), end=False)

    assert [(reply.status, reply.body) for reply in found] == RIGHT


def test_garbage_after_a_request_leaves_its_answer(any_server):
    first, *second = talk(any_server, post(ROW.encode(), CSV) + b"\x00garbage\r\n\r\n", end=False)

    assert first.status == 200
    for reply in second:  # where the first was still being answered, its answer is the last
        assert (reply.status, reply.error["code"]) == (400, "invalid_http")


@pytest.mark.parametrize(
    "data",
    [
        post(chunked(ROW.encode()), CSV, CLOSE, "Transfer-Encoding: chunked"),
        post(chunked(ROW.encode(), 1), CSV, CLOSE, "Transfer-Encoding: chunked"),
        post(f"f;name=value\r\n{ROW}\r\n0\r\n\r\n".encode(), CSV, CLOSE, "Transfer-Encoding: chunked"),
        post(chunked(ROW.encode())[:-2] + b"trailer: x\r\n\r\n", CSV, CLOSE, "Transfer-Encoding: chunked"),
        post(ROW.encode(), CSV, CLOSE, "Expect: 100-continue"),
        post(ROW.encode(), CSV, version="1.0"),
        post(ROW.encode(), "content-TYPE:text/csv", CLOSE),
        post(ROW.encode(), CSV, CLOSE, path="/predict"),
        post(ROW.encode(), CSV, CLOSE, path="/invocations?a=b"),
        post(ROW.encode(), CSV, CLOSE, path="http://elsewhere/invocations"),
        b"\r\n\r\n" + post(ROW.encode(), CSV, CLOSE),
        post(ROW.encode(), CSV, CLOSE, *[f"X-{n}: {'y' * 100}" for n in range(300)]),
    ],
)
def test_unusual_forms_of_a_right_request_are_answered(logistic, data):
    assert [(reply.status, reply.body) for reply in talk(logistic, data, end=False)] == RIGHT


def test_expect_100_continue_is_told_to_continue_before_the_body(logistic):
    with logistic.connect() as connection:
        connection.sendall(post(b"", CSV, CLOSE, f"Content-Length: {len(ROW)}", "Expect: 100-continue"))
        assert connection.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(ROW.encode())
        assert replies(received(connection))[0].status == 200


def test_expect_100_continue_with_too_large_a_body_is_refused_before_it(logistic):
    error = only_error(logistic, post(b"", CSV, "Content-Length: 300001", "Expect: 100-continue"), end=False)

    assert (error["status"], error["code"]) == (413, "body_too_large")


@pytest.mark.parametrize("field", ["Content-Type: image/png", "Accept: image/png"])
def test_fields_after_the_last_chunk_change_nothing(logistic, field):
    body = chunked(ROW.encode())[:-2] + field.encode() + b"\r\n\r\n"
    (reply,) = talk(logistic, post(body, CSV, CLOSE, "Transfer-Encoding: chunked"), end=False)

    assert reply.status == 200


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/invocations", ROW),
        ("POST", "/predict", "x"),
        ("POST", "/classify", "x"),
        ("GET", "/ping", None),
    ],
)
def test_every_answer_names_the_version_that_gave_it(logistic, method, path, body):
    assert logistic.ask(method, path, body).headers["x-slipway-model-version"] == VERSION


def test_head_has_the_headers_of_get_and_no_body(logistic):
    for path, status in (("/ping", 200), ("/metrics", 200), ("/invocations", 405), ("/x", 404)):
        data = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
        (reply,) = talk(logistic, data, methods=("HEAD",), end=False)
        assert (reply.status, reply.body) == (status, b"")
        assert int(reply.headers["content-length"]) > 0


@pytest.mark.parametrize("upgrade", ["websocket", "h2c", "TLS/1.0"])
def test_an_upgrade_is_not_taken_and_the_request_is_answered(logistic, upgrade):
    fields = ("Connection: Upgrade", f"Upgrade: {upgrade}")
    with logistic.connect() as connection:
        connection.sendall(f"GET /ping HTTP/1.1\r\nHost: x\r\n{fields[0]}\r\n{fields[1]}\r\n\r\n".encode())
        assert next_reply(connection).status == 200
    with logistic.connect() as connection:
        connection.sendall(post(ROW.encode(), CSV, *fields))
        assert next_reply(connection).body == b'["virginica"]'


@pytest.mark.parametrize(
    "data", [b"GET /ping HTTP/1.1\r\n" + b"x: y\r\n" * 200_000, b"GET /" + b"x" * 1_200_000]
)
def test_headers_without_end_are_a_431_and_use_no_memory(logistic, data):
    (worker,) = logistic.workers()
    before = memory_kb(worker)

    error = only_error(logistic, data, end=False)

    assert (error["status"], error["code"]) == (431, "headers_too_large")
    assert memory_kb(worker, "VmHWM") - before < 20_000


def test_fields_without_end_after_the_last_chunk_are_a_431_and_use_no_memory(logistic):
    (worker,) = logistic.workers()
    before = memory_kb(worker)

    data = post(b"1\r\n1\r\n0\r\n" + b"x: y\r\n" * 2_000_000, CSV, "Transfer-Encoding: chunked")
    error = only_error(logistic, data, end=False)

    assert (error["status"], error["code"]) == (431, "headers_too_large")
    assert memory_kb(worker, "VmHWM") - before < 40_000


def test_a_long_url_is_answered(logistic):
    data = f"GET /{'x' * 50_000} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()

    assert only_error(logistic, data, end=False)["code"] == "not_found"


def test_a_body_shorter_than_its_length_is_a_408(any_server):
    error = only_error(any_server, post(ROW.encode(), CSV, "Content-Length: 400"), end=False)

    assert (error["status"], error["code"]) == (408, "request_timeout")


def test_a_body_longer_than_its_length_is_the_next_request(logistic):
    first, second = talk(
        logistic, post(ROW.encode() + b"\x00\x00", CSV, f"Content-Length: {len(ROW)}"), end=False
    )

    assert first.status == 200
    assert second.error["code"] == "invalid_http"


@pytest.mark.parametrize("length", [300_001, 1_200_001, 30_000_000])
@pytest.mark.parametrize("form", ["length", "chunks"])
def test_too_large_a_body_that_is_sent_at_once_is_a_413_that_its_sender_reads(any_server, length, form):
    (worker,) = any_server.workers()
    before = memory_kb(worker)
    body = b"x" * length
    data = (
        post(body, CSV) if form == "length" else post(chunked(body, 65536), CSV, "Transfer-Encoding: chunked")
    )
    with any_server.connect() as connection:
        connection.sendall(data)  # and whoever looks at no answer before the end must reach it
        (reply,) = replies(received(connection))

    check_error(reply)
    assert (reply.status, reply.error["code"]) == (413, "body_too_large")
    assert memory_kb(worker, "VmHWM") - before < 20_000


def test_too_large_a_body_that_comes_slowly_is_a_413(logistic):
    with logistic.connect() as connection:
        connection.sendall(post(b"", CSV, "Content-Length: 400000"))
        for _ in range(20):
            connection.sendall(b"x" * 20_000)
            time.sleep(0.02)
        (reply,) = replies(received(connection))

    assert reply.status == 413


def test_a_body_of_the_largest_size_is_no_413(logistic):
    rows = f"{ROW}\n".encode()
    body = rows * 900 + b" " * (300_000 - 900 * len(rows))

    assert logistic.predict(body).status == 200
    assert logistic.predict(body + b" ").status == 413


def test_an_empty_line_after_an_answer_does_not_keep_a_connection_for_ever(logistic):
    """It is the beginning of nothing, so that no clock for a request runs."""
    with logistic.connect() as connection:
        connection.sendall(b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n")
        assert next_reply(connection).status == 200
        for _ in range(200):
            connection.sendall(b"\r\n")
        connection.sendall(post(ROW.encode(), CSV, CLOSE))
        assert replies(received(connection))[0].status == 200
