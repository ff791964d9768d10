"""Execution environments by themselves: real processes behind a Runtime API, without an emulator."""

from __future__ import annotations

import json
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from localaws.images.prebuilt import Launch
from localaws.lambda_functions.errors import ThrottledError
from localaws.lambda_functions.function import Function, Invocation, Logging, Outcome
from localaws.lambda_functions.host import Host
from localaws.lambda_functions.metrics import FunctionInvocation
from localaws.lambda_functions.pool import Pool
from localaws.lambda_functions.refusals import RefusedError, refuse_settings
from localaws.lambda_functions.reports import Reports
from localaws.lambda_functions.unpacked import Unpacked
from localaws.lambda_functions.variables import process_variables
from localaws.ports import Credentials, Scope
from localaws.sagemaker.logs import LogShipper

PORTABLE = Path(__file__).parents[2] / "localaws" / "lambda_functions" / "portable"
SCOPE = Scope("000000000000", "us-east-1")
# The client as another system would have it; the events are small programs.
LOOP = """
import json, os, pathlib, sys, time
sys.path.insert(0, os.environ["PORTABLE"])
import runtime_client
exec(os.environ.get("START", ""))
runtime_client.initialize_client("test")
while True:
    event, headers = runtime_client.next()
    answer = {"pid": os.getpid()}
    exec(json.loads(event))
    id = headers["Lambda-Runtime-Aws-Request-Id"]
    runtime_client.post_invocation_result(id, json.dumps(answer).encode(), "application/json")
    exec(answer.get("then", ""))
"""


class Sessions:
    """Roles that anybody may take."""

    def assume(self, role_arn: str, *, service: str, source_arn: str, scope: Scope) -> Credentials:
        return Credentials("id", "secret", "token", time.time() + 60)


class Written:
    """A log sink that keeps what comes."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def write(self, group: str, stream: str, lines: Any, credentials: Credentials) -> None:
        self.lines += [text for _, text in lines]


class Loop:
    """A form that runs LOOP."""

    limits_memory = False
    working_directory = Path("/")

    def __init__(self, start: str = "") -> None:
        self.start = start
        self.released = 0

    def launch(self, folder: Path, given: dict[str, str]) -> Launch:
        variables = {**given, "PORTABLE": str(PORTABLE), "START": self.start}
        return Launch((sys.executable, "-c", LOOP), {**os.environ, **variables})

    def release(self) -> None:
        self.released += 1


@pytest.fixture
def written() -> Written:
    return Written()


@pytest.fixture
def host(tmp_path: Path, written: Written) -> Host:
    return Host(
        Sessions(), LogShipper(written), Unpacked(tmp_path), tmp_path, tmp_path / "envs", "http://aws"
    )


def function(**more: Any) -> Function:
    settings = {
        "scope": SCOPE, "name": "f", "version": "1", "role_arn": "role", "memory_mb": 256, "timeout_s": 5,
        "variables": (), "logging": Logging("/aws/lambda/f"), "handler": "h.h", "runtime": "python3.13",
    }  # fmt: skip
    return Function(**{**settings, **more})


@pytest.fixture
def make(host: Host) -> Iterator[Callable[..., Pool]]:
    """Makes pools, and ends them."""
    made: list[Pool] = []
    with ThreadPoolExecutor(2) as background:

        def pool(form: Loop, size: int = 2, queue_s: float = 10, init_s: float = 10, **more: Any) -> Pool:
            made.append(
                Pool(
                    function(**more), form, host, size=size, queue_s=queue_s, init_s=init_s,
                    background=background.submit,
                )
            )  # fmt: skip
            return made[-1]

        yield pool
        for one in made:
            one.close(wait=True)


def ask(pool: Pool, program: str = "") -> Outcome:
    return pool.invoke(Invocation("request-1", "arn", json.dumps(program).encode()))


def pid(outcome: Outcome) -> int:
    assert not outcome.failed, outcome
    return int(json.loads(outcome.payload)["pid"])


def test_an_event_waits_for_a_free_environment_and_no_longer_than_it_may(make: Callable[..., Pool]) -> None:
    patient, hasty = make(Loop(), size=1), make(Loop(), size=1, queue_s=0.2)
    with ThreadPoolExecutor(2) as threads:
        first = threads.submit(ask, patient, "time.sleep(0.3)")
        second = threads.submit(ask, patient, "time.sleep(0.3)")
        assert pid(first.result()) == pid(second.result())

        ask(hasty)
        slow = threads.submit(ask, hasty, "time.sleep(1)")
        time.sleep(0.1)
        with pytest.raises(ThrottledError):
            ask(hasty)
        assert not slow.result().failed


def test_a_start_that_takes_too_long_is_made_once_more_within_the_functions_time(
    make: Callable[..., Pool], tmp_path: Path
) -> None:
    marker = tmp_path / "marker"
    slow_once = (
        f"m = pathlib.Path({str(marker)!r}); slow = not m.exists(); m.touch(); slow and time.sleep(60)"
    )

    recovered = ask(make(Loop(slow_once), init_s=0.5))
    never = ask(make(Loop("time.sleep(60)"), init_s=0.2, timeout_s=1))

    assert not recovered.failed
    assert json.loads(never.payload)["errorType"] == "Sandbox.Timedout"


def test_a_process_that_ended_between_two_events_costs_none(make: Callable[..., Pool]) -> None:
    pool = make(Loop())
    first = ask(pool, 'answer["then"] = "os._exit(1)"')
    second = ask(pool)

    assert pid(first) != pid(second)


def test_a_closed_pool_handles_what_it_has_and_gives_everything_back(
    make: Callable[..., Pool], host: Host
) -> None:
    form = Loop()
    pool = make(form, size=1)
    with ThreadPoolExecutor(3) as threads:
        asked = [threads.submit(ask, pool, "time.sleep(0.2)") for _ in range(3)]
        time.sleep(0.4)
        pool.close()
        outcomes = [one.result() for one in asked]
    deadline = time.monotonic() + 5
    while not form.released and time.monotonic() < deadline:
        time.sleep(0.02)

    assert [outcome.failed for outcome in outcomes] == [False] * 3
    assert form.released == 1
    assert list(host.folder.glob("lambda-*")) == []
    assert pool.ports == ()


def test_idle_environments_end_and_provisioned_ones_stay(make: Callable[..., Pool]) -> None:
    pool = make(Loop())
    pool.provision(1)
    with ThreadPoolExecutor(2) as threads:
        pids = {pid(one) for one in threads.map(lambda _: ask(pool, "time.sleep(0.2)"), range(2))}
    pool.reap(0)

    assert len(pids) == 2
    assert len(pool.ports) == 1
    pool.provision(0)
    assert pool.ports == ()


def test_lines_that_come_late_belong_to_their_event(make: Callable[..., Pool], written: Written) -> None:
    pool = make(Loop())
    outcome = ask(pool, "print('one\\ntwo', flush=True)")
    pool.close(wait=True)

    assert outcome.log[1:3] == ("one", "two")
    assert written.lines == list(outcome.log)


def test_many_threads_and_one_pool_lose_nothing(make: Callable[..., Pool]) -> None:
    pool, failed = make(Loop()), []

    def many() -> None:
        for _ in range(20):
            failed.extend([outcome] if (outcome := ask(pool)).failed else [])

    threads = [threading.Thread(target=many) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failed == []


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"MemorySize": 127}, "greater than or equal to 128"),
        ({"Timeout": 901}, "less than or equal to 900"),
        ({"Runtime": "python2.1"}, "[python3.13]"),
        ({"Handler": ""}, "regular expression"),
        ({"Layers": ["a"] * 6}, "more than 5 layers"),
        ({"Environment": {"Variables": {"_HANDLER": "x"}}}, "Reserved keys used in this request: _HANDLER"),
        ({"Environment": {"Variables": {"A": "x" * 4097}}}, "4KB"),
    ],
)
def test_settings_that_lambda_refuses(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(RefusedError, match=re.escape(message)):
        refuse_settings(settings, lambda: ("python3.13",))


def test_settings_at_the_limits_are_taken() -> None:
    variables = {"A": "x" * 4088}
    refuse_settings(
        {"MemorySize": "10240", "Timeout": 900, "Runtime": "python3.13", "Handler": "a/b.c",
         "Layers": ["a"] * 5, "Environment": {"Variables": variables}},
        lambda: ("python3.13",),
    )  # fmt: skip


def test_a_throttled_request_is_neither_an_invocation_nor_an_error() -> None:
    throttled = FunctionInvocation(SCOPE, "f", "live", 0.0, failed=True, throttled=True)
    failed = FunctionInvocation(SCOPE, "f", "", 3.0, failed=True)

    assert [metric.name for metric in throttled.metrics()] == ["Throttles", "Throttles"]
    assert throttled.metrics()[1].dimensions == (("FunctionName", "f"), ("Resource", "f:live"))
    assert {(metric.name, metric.value) for metric in failed.metrics()} == {
        ("Invocations", 1), ("Errors", 1.0), ("Duration", 3.0), ("Throttles", 0.0),
    }  # fmt: skip


def test_a_timed_out_event_is_reported_as_one_in_both_formats() -> None:
    text = Reports(function())
    told = Reports(function(logging=Logging("g", "JSON")))
    ended: dict[str, Any] = {
        "duration_ms": 5000.0, "init_ms": None, "used_mb": 300.2, "error_type": "Sandbox.Timedout",
    }  # fmt: skip

    end, report = text.end("id", **ended)
    [event] = told.end("id", **ended)

    assert end == "END RequestId: id"
    assert "Max Memory Used: 256 MB" in report
    assert report.endswith("Status: timeout")
    assert json.loads(event)["record"]["status"] == "timeout"


def test_the_portable_client_is_found_only_where_the_real_one_is_missing(tmp_path: Path) -> None:
    real = tmp_path / "real" / "lib" / "python3.13" / "site-packages"
    real.mkdir(parents=True)
    (real / "runtime_client.cpython-313-x86_64-linux-gnu.so").write_bytes(b"")

    with_real = process_variables(tmp_path, tmp_path, {}, environment=tmp_path / "real")
    without = process_variables(tmp_path, tmp_path, {}, environment=tmp_path / "other")

    assert "PYTHONPATH" not in with_real
    assert without["PYTHONPATH"] == str(PORTABLE)
