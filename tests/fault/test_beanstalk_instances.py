"""Instances of an environment that die or fall ill while they serve."""

from __future__ import annotations

import os
import signal
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from localaws.beanstalk.balancer.balancer import Balancer
from localaws.beanstalk.fleet.fleet import Fleet
from tests.local.beanstalk_fleet import COMPOSE, Parts


@pytest.fixture(scope="module")
def balancer() -> Iterator[Balancer]:
    running = Balancer()
    yield running
    running.stop()


@pytest.fixture
def parts(tmp_path: Path, balancer: Balancer) -> Parts:
    made = Parts(tmp_path, balancer)
    made.bundle("v1")
    return made


@contextmanager
def serving(parts: Parts, instances: int, name: str = "v1") -> Iterator[tuple[Fleet, int]]:
    """A fleet and the port that it is asked at."""
    with parts.fleet() as fleet:
        fleet.deploy(parts.deployment(name, instances=instances))
        port = parts.balancer.listen()
        parts.balancer.route(port, fleet.target_group)
        yield fleet, port
        parts.balancer.close(port)


def status(port: int) -> int:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return error.code


def until(condition: Callable[[], bool], within_s: float = 10) -> None:
    deadline = time.monotonic() + within_s
    while not condition():
        assert time.monotonic() < deadline, "not in time"
        time.sleep(0.02)


def test_a_killed_instance_is_out_of_the_balancer_at_once_and_comes_back(parts: Parts) -> None:
    with serving(parts, 2) as (fleet, port):
        changes: list[str] = []
        changed = threading.Event()

        def note() -> None:
            changes.append(fleet.health().status)
            changed.set()

        fleet.on_change = note
        os.killpg(fleet.processes[0], signal.SIGKILL)
        assert changed.wait(5)
        assert {status(port) for _ in range(20)} == {200}
        health = fleet.health()
        assert (health.color, health.status) == ("Red", "Degraded")
        assert health.causes == ("ELB processes are not healthy on 1 out of 2 instances.",)
        (sick,) = (entry for entry in health.instances if entry.color == "Red")
        assert "The container exited with code 137." in sick.causes[0]
        until(lambda: fleet.health().status == "Ok")
        until(lambda: changes[-1] == "Ok")
        assert {status(port) for _ in range(20)} == {200}


def test_an_instance_whose_health_check_fails_is_asked_again_once_it_passes(parts: Parts) -> None:
    with serving(parts, 2) as (fleet, port):
        folder = min(parts.fleets.iterdir())
        (folder / "tmp" / "sick").touch()
        until(lambda: fleet.health().status == "Degraded")
        (sick,) = (entry for entry in fleet.health().instances if entry.color == "Red")
        assert "The health check /ping does not pass." in sick.causes[0]
        assert status(port) == 200
        (folder / "tmp" / "sick").unlink()
        until(lambda: fleet.health().status == "Ok")


def test_instances_that_are_all_too_busy_for_health_checks_go_on_answering(parts: Parts) -> None:
    with serving(parts, 2) as (fleet, port):
        folders = list(parts.fleets.iterdir())
        for folder in folders:
            (folder / "tmp" / "sick").touch()
        until(lambda: fleet.health().status == "Severe")
        assert {status(port) for _ in range(20)} == {200}


def test_a_container_that_nothing_starts_again_stays_down_until_the_next_deployment(parts: Parts) -> None:
    parts.bundle("once", {"docker-compose.yml": COMPOSE.replace("always", "'no'"), "model/name": "once"})
    with serving(parts, 1, "once") as (fleet, port):
        os.killpg(fleet.processes[0], signal.SIGKILL)
        until(lambda: status(port) == 503)
        health = fleet.health()
        assert (health.color, health.status) == ("Red", "Severe")
        assert health.causes == ("ELB processes are not healthy on all instances.",)
        until(lambda: "it is not started again" in next(iter(fleet.logs().values())))
        fleet.deploy(parts.deployment("v1", instances=1))
        assert status(port) == 200
        assert fleet.health().status == "Ok"


def test_a_server_that_stops_ends_a_deployment_that_is_under_way(parts: Parts) -> None:
    with parts.fleet() as fleet:
        failures: list[Exception] = []

        def deploy() -> None:
            try:
                fleet.deploy(parts.deployment("v1", mode="unhealthy"))
            except Exception as error:
                failures.append(error)

        deploying = threading.Thread(target=deploy)
        deploying.start()
        until(lambda: any(parts.fleets.iterdir()))
        time.sleep(0.3)
        fleet.kill()
        deploying.join(5)
        assert not deploying.is_alive()
        assert failures
