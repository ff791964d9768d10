"""Connections and workers: each gets its share, and one that hangs keeps nobody waiting."""

from __future__ import annotations

import os
import resource
import signal
import socket
import time
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from tests.server.models import model
from tests.server.process import Server, until
from tests.server.requests import ROW, post
from tests.server.wire import next_reply

WORKERS = 3
REQUEST = post(ROW.encode(), "Content-Type: text/csv")


def sockets_of(process: int) -> int:
    """Return how many sockets a process has open."""
    count = 0
    for file in Path(f"/proc/{process}/fd").iterdir():
        with suppress(OSError):
            count += str(file.readlink()).startswith("socket:")
    return count


def cpu_of(process: int) -> float:
    """Return the processor time that a process has used, in seconds."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def answered(connection: socket.socket) -> int:
    connection.sendall(REQUEST)
    return next_reply(connection).status


@pytest.fixture
def server():
    with Server(model("logistic"), workers=WORKERS) as found:
        yield found


@pytest.mark.parametrize("burst", [True, False])
def test_connections_are_shared_evenly_among_workers(server, burst):
    time.sleep(0.2)  # the connection of the first /ping ends
    at_rest = {worker: sockets_of(worker) for worker in server.workers()}
    with ExitStack() as stack:
        connections = []
        for _ in range(20 * WORKERS):
            connections.append(stack.enter_context(server.connect()))
            if not burst:
                assert answered(connections[-1]) == 200
        assert [answered(connection) for connection in connections] == [200] * len(connections)
        shares = [sockets_of(worker) - at_rest[worker] for worker in server.workers()]

        assert sum(shares) == 20 * WORKERS
        assert min(shares) >= 14, shares  # of 20; left alone, one worker has been seen to take all


def test_a_worker_that_hangs_with_the_fewest_connections_delays_nobody_else(server):
    hanging = server.workers()[0]
    os.kill(hanging, signal.SIGSTOP)
    try:
        with ExitStack() as stack:
            for _ in range(12):
                started = time.monotonic()
                assert answered(stack.enter_context(server.connect(timeout_s=5))) == 200
                assert time.monotonic() - started < 1
    finally:
        os.kill(hanging, signal.SIGCONT)


def test_the_share_of_a_killed_worker_is_its_successors(server):
    with ExitStack() as stack:
        for _ in range(4 * WORKERS):
            assert answered(stack.enter_context(server.connect())) == 200
    before = server.workers()
    os.kill(before[1], signal.SIGKILL)
    until(lambda: len(server.workers()) == WORKERS and before[1] not in server.workers())
    (successor,) = set(server.workers()) - set(before)
    until(lambda: server.ask("GET", "/ping").status == 200)
    time.sleep(0.5)  # it loads the model
    at_rest = {worker: sockets_of(worker) for worker in server.workers()}
    with ExitStack() as stack:
        for _ in range(6 * WORKERS):
            assert answered(stack.enter_context(server.connect())) == 200
        assert sockets_of(successor) - at_rest[successor] >= 4


def test_out_of_files_new_callers_wait_and_are_answered_later():
    def few_files() -> None:
        resource.setrlimit(resource.RLIMIT_NOFILE, (40, 40))

    with Server(model("logistic"), options={"preexec_fn": few_files}) as server:
        with ExitStack() as stack:
            for _ in range(100):
                stack.enter_context(server.connect())
            time.sleep(0.2)
            cpu_s = cpu_of(server.workers()[0])
            time.sleep(1)
            assert cpu_of(server.workers()[0]) - cpu_s < 0.2  # it does not look again in every turn
        assert server.ask("GET", "/ping").status == 200
