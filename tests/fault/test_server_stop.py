"""Processes that end: no request is lost at SIGTERM, and a dead worker is replaced."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path

import pytest

from tests.server.load import load
from tests.server.models import model, with_hooks
from tests.server.process import Server, until
from tests.server.requests import ROW, chunked, post
from tests.server.wire import received, replies


@pytest.mark.parametrize("kind", ["logistic", "forest"])
def test_sigterm_under_load_loses_no_request(kind):
    with Server(model(kind), workers=2) as server:
        stopped = []

        def stop() -> None:
            stopped.append(time.monotonic())
            server.process.terminate()

        count = asyncio.run(load(server.port, stop))
        code = server.process.wait(timeout=30)

        assert count.answered > 500  # there was a load
        assert count.lost == []
        assert count.wrong == []
        assert count.refused == 34  # every client went on until nobody listened
        assert code == 0
        assert time.monotonic() - stopped[0] < 5


def test_a_request_of_which_half_has_come_is_answered_after_sigterm():
    with Server(model("logistic")) as server, server.connect() as connection, server.connect() as other:
        request = post(ROW.encode(), "Content-Type: text/csv")
        connection.sendall(request[:20])  # not even its headers
        other.sendall(
            post(chunked(ROW.encode()), "Content-Type: text/csv", "Transfer-Encoding: chunked")[:-20]
        )
        server.ping()
        server.process.terminate()
        time.sleep(1.5)
        connection.sendall(request[20:])
        other.sendall(chunked(ROW.encode())[-20:])

        for half in (connection, other):
            (reply,) = replies(received(half))
            assert (reply.status, reply.body) == (200, b'["virginica"]')
        assert server.process.wait(timeout=3) == 0


def test_a_slow_answer_is_waited_for_at_sigterm(tmp_path):
    code = "import time\nfrom serving.script_mode import predict_fn as own\n"
    code += "def predict_fn(data, model):\n    time.sleep(3)\n    return own(data, model)\n"
    with Server(with_hooks(tmp_path / "model", code)) as server, server.connect() as connection:
        connection.sendall(post(ROW.encode(), "Content-Type: text/csv"))
        time.sleep(0.5)
        server.process.terminate()

        (reply,) = replies(received(connection))

        assert reply.status == 200
        assert reply.headers["connection"] == "close"
        assert server.process.wait(timeout=3) == 0


def test_an_idle_server_stops_at_once_and_its_port_is_free():
    with Server(model("logistic"), workers=2) as server, server.connect():
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=10) == 0
        assert time.monotonic() - started < 1.5
        with pytest.raises(ConnectionRefusedError):
            server.connect()


def test_sigint_stops_it_as_well():
    with Server(model("logistic")) as server:
        server.process.send_signal(signal.SIGINT)
        assert server.process.wait(timeout=10) == 0


def test_a_killed_worker_is_replaced_and_the_parent_stays():
    with Server(model("logistic"), workers=2) as server:
        parent, first = server.process.pid, server.workers()

        def kill() -> None:
            os.kill(first[0], signal.SIGKILL)

        count = asyncio.run(load(server.port, kill, before_s=0.5, after_s=1.5))

        assert len(count.lost) <= 34  # those that were with it, at most one a client
        assert count.wrong == [] and count.answered > 500
        until(lambda: len(server.workers()) == 2)
        assert server.process.pid == parent and server.process.poll() is None
        assert first[1] in server.workers() and first[0] not in server.workers()
        assert all(server.predict(ROW).status == 200 for _ in range(50))
        assert server.log().count("ended with code -9; it is started again") == 1


def test_every_worker_may_die_and_counters_go_on():
    with Server(model("logistic"), workers=2) as server:
        for _ in range(20):
            server.predict(ROW)
        for _ in range(5):  # two signals at once, and the first is being answered when the second comes
            time.sleep(1.1)  # old enough to be replaced at once
            old = server.workers()
            for worker in old:
                os.kill(worker, signal.SIGKILL)
            until(lambda old=old: len(server.workers()) == 2 and not set(old) & set(server.workers()))

        assert server.ping(within_s=20).status == 200
        assert b"slipway_rows_total 20\n" in server.ask("GET", "/metrics").body


def test_a_worker_that_dies_at_once_is_started_ever_more_slowly(tmp_path):
    with Server(with_hooks(tmp_path / "model", "import os\nos._exit(3)\n"), wait=False) as server:
        time.sleep(6)
        starts = server.log().count("worker 0 ended with code 3; it is started again")

        assert 4 <= starts <= 8  # after 0.1, 0.2, 0.4, 0.8 … seconds
        assert server.process.poll() is None
        assert processor_s(server.process.pid) < 3  # its own and its children's
        started = time.monotonic()
        server.process.terminate()
        assert server.process.wait(timeout=5) == 0
        assert time.monotonic() - started < 1


def test_workers_end_when_their_parent_is_killed():
    with Server(model("logistic"), workers=2) as server:
        workers = server.workers()
        server.process.kill()
        server.process.wait()

        until(lambda: not any(Path(f"/proc/{worker}").exists() for worker in workers), within_s=5)


def processor_s(process: int) -> float:
    """Return how long a process and the children that it has waited for have computed."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")
