"""Clients that are slow, silent, many, or read nothing: nobody waits for them, and none of them stays."""

from __future__ import annotations

import resource
import socket
import threading
import time
from contextlib import ExitStack

import pytest

from tests.server.models import model
from tests.server.process import Server, memory_kb, until
from tests.server.requests import ROW, post
from tests.server.wire import check_error, next_reply, received, replies

REQUEST = post(ROW.encode(), "Content-Type: text/csv")


@pytest.fixture(scope="module")
def server():
    with Server(model("logistic"), SLIPWAY_REQUEST_TIMEOUT_S="2") as found:
        yield found


def connections_of(server: Server) -> int:
    """Return how many connections to the server's port this machine has, as the kernel lists them."""
    with open("/proc/net/tcp") as table:  # noqa: PTH123
        ours = f":{server.port:04X}"
        return sum(line.split()[1].endswith(ours) and line.split()[3] == "01" for line in table)


def test_a_client_that_sends_a_byte_a_while_delays_nobody_and_is_ended(server):
    slow = server.connect()
    stop, told = threading.Event(), []

    def trickle() -> None:
        started = time.monotonic()
        for byte in REQUEST:
            if stop.wait(0.1):
                break
            try:
                slow.sendall(bytes([byte]))
            except OSError:
                break
        told.append((replies(received(slow)), time.monotonic() - started))

    thread = threading.Thread(target=trickle)
    thread.start()
    longest = 0.0
    for _ in range(200):
        started = time.monotonic()
        assert server.predict(ROW).status == 200
        longest = max(longest, time.monotonic() - started)
    thread.join(timeout=20)
    stop.set()

    ((reply,), seconds) = told[0]
    check_error(reply)
    assert (reply.status, reply.error["code"]) == (408, "request_timeout")
    assert 2 <= seconds < 6
    assert longest < 0.5


@pytest.mark.parametrize(
    "beginning",
    [b"", REQUEST[:1], REQUEST[:30], REQUEST[:-3], b"GET /ping HTTP/1.1\r\nHost: x\r\n\r\n" + REQUEST[:30]],
)
def test_who_falls_silent_within_a_request_is_ended(server, beginning):
    with server.connect() as connection:
        connection.sendall(beginning)
        started = time.monotonic()
        found = replies(received(connection))

    assert found[-1].status == 408
    assert time.monotonic() - started < 4


def test_who_reads_no_answer_is_ended():
    """A body of answers that no buffer of the kernel holds, sent again and again on one connection."""
    rows = f"{ROW}\n".encode() * 90_000
    with Server(model("logistic"), SLIPWAY_REQUEST_TIMEOUT_S="2") as server:
        with socket.socket() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.connect(("127.0.0.1", server.port))
            connection.settimeout(10)
            with pytest.raises(OSError):  # a reset, or a send that nobody takes
                for _ in range(50):
                    connection.sendall(post(rows, "Content-Type: text/csv"))
            assert server.predict(ROW).status == 200
            until(lambda: connections_of(server) == 0, within_s=12, what="the connection stays")
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=20) == 0
        assert time.monotonic() - started < 3


def test_a_client_that_goes_before_its_answer_harms_nobody(server):
    for _ in range(50):
        with server.connect() as connection:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            connection.sendall(post(f"{ROW}\n".encode() * 3000, "Content-Type: text/csv"))
    assert server.predict(ROW).status == 200
    assert server.log() == ""


def test_ping_is_answered_while_the_largest_body_is_worked_on():
    body = f"{ROW}\n".encode() * (25_000_000 // len(f"{ROW}\n"))
    with Server(model("logistic"), SLIPWAY_MAX_ROWS="10000000") as server:
        thread = threading.Thread(target=lambda: server.predict(body, timeout_s=60))
        thread.start()
        longest = 0.0
        while thread.is_alive():
            started = time.monotonic()
            assert server.ping().status == 200
            longest = max(longest, time.monotonic() - started)
            time.sleep(0.01)
        thread.join()

    assert longest < 2  # what SageMaker allows


def test_ten_thousand_connections_are_held_answered_and_let_go(record_property):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    many = min(10_000, hard - 500)
    record_property("connections", many)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    try:
        # It begins with as few open files as many machines give, and raises that itself.
        limits = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (1024, hard))}
        with Server(model("logistic"), workers=2, options=limits) as server, ExitStack() as held:
            before = [memory_kb(worker) for worker in server.workers()]
            connections = [held.enter_context(server.connect()) for _ in range(many)]
            for connection in connections[::10]:
                connection.sendall(REQUEST)
            for connection in connections[::10]:
                assert next_reply(connection).body == b'["virginica"]'
            until(lambda: connections_of(server) >= many)
            assert server.predict(ROW).status == 200
            after = [memory_kb(worker) for worker in server.workers()]
            assert sum(after) - sum(before) < many * 15  # KB for one
            workers = server.workers()
            held.close()
            until(lambda: connections_of(server) == 0)
            assert server.predict(ROW).status == 200
            assert server.workers() == workers
            assert server.log() == ""
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if many < 10_000:
        pytest.skip(f"{many} connections held; this machine allows no more open files than {hard}")
