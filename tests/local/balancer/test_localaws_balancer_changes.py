"""The load balancer of the embedded AWS while things change: drains, swaps, ports, its own process."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from localaws.beanstalk.balancer.balancer import Balancer
from localaws.errors import BalancerError
from tests.local.balancing import Client, echo, get, post, until
from tests.local.load import Load


def test_a_drain_waits_for_the_requests_that_are_under_way(balancer, behind, group):
    with echo() as target, echo("new") as new:
        port = behind(balancer, target.port)
        with Client(port) as client, Client(port) as other:
            client.send(get("/sleep/0.3"))
            until(lambda: target.seen)
            balancer.set_targets(group, [new.port])
            began = time.monotonic()
            assert balancer.drain(group, target.port, 5)
            assert 0.1 < time.monotonic() - began < 2
            assert json.loads(client.answer().data)["target"] == "echo"
            assert json.loads(other.ask(get()).data)["target"] == "new"
            assert balancer.drain(group, target.port, 5)  # nothing is left to wait for


def test_a_drain_that_takes_too_long_cuts_off_what_is_left(balancer, behind, group):
    with echo() as target, Client(behind(balancer, target.port)) as client:
        client.send(get("/sleep/5"))
        until(lambda: target.seen)
        assert balancer.drain(group, target.port, 0.1) is False
        assert client.answer().status == 502


def test_no_request_fails_while_targets_and_groups_change(balancer, behind):
    with echo("a") as a, echo("b") as b, echo("c") as c:
        live, other = behind(balancer, a.port), balancer.listen()
        balancer.set_targets("other", [c.port])
        balancer.route(other, "other")
        kept = threading.local()

        def ask(fresh: bool) -> str:
            if fresh or not hasattr(kept, "client"):
                kept.client = Client(live)
            answer = kept.client.ask(post(b"rows"), "POST")
            assert answer.status == 200, answer.status
            return json.loads(answer.data)["target"]

        group = "test_no_request_fails_while_targets_and_groups_change"
        with (
            Load(lambda: ask(False), requests=300, limit_s=20) as keeping,
            Load(lambda: ask(True), requests=100, threads=2, limit_s=20) as fresh,
        ):
            for number in range(12):
                new, old = (b, a) if number % 2 == 0 else (a, b)
                balancer.set_targets(group, [new.port])
                assert balancer.drain(group, old.port, 5)
                balancer.swap(live, other)
                time.sleep(0.02)
        assert keeping.failures + fresh.failures == []
        assert set(keeping.answers) == {"a", "b", "c"}
        assert set(fresh.answers) == {"a", "b", "c"}
        balancer.close(other)


def test_a_port_that_is_taken_is_said(balancer):
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(BalancerError, match="in use"):
        balancer.listen(taken.getsockname()[1])
    with pytest.raises(BalancerError, match="route"):
        balancer.route(1, "nowhere")


def test_it_is_reached_on_this_machine_alone(balancer, behind):
    with pytest.raises(OSError):
        socket.create_connection(("127.0.0.2", behind(balancer)), timeout=1)


def test_it_comes_back_where_its_process_is_killed(behind):
    balancer = Balancer()
    with echo() as target:
        port = behind(balancer, target.port)
        time.sleep(1.1)  # one that ends at once is left alone
        pid = balancer.pid
        os.kill(pid, signal.SIGKILL)
        until(lambda: balancer.pid not in (None, pid))
        until(lambda: _reachable(port))
        with Client(port) as client:
            assert client.ask(get()).status == 200
    balancer.stop()
    assert balancer.pid is None


def test_it_ends_with_its_parent():
    parent = subprocess.Popen(
        [sys.executable, "-c",
         "import time; from localaws.beanstalk.balancer.balancer import Balancer; b = Balancer(); b.listen();"
         "print(b.pid, flush=True); time.sleep(20)"],
        stdout=subprocess.PIPE, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    pid = int(parent.stdout.readline())
    parent.kill()
    parent.wait()
    until(lambda: not _alive(pid))


def _reachable(port):
    try:
        socket.create_connection(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True


def _alive(pid):
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip()[:1] not in ("", "Z")
