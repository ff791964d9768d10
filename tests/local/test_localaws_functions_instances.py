"""Functions as processes: how many there are, which version they are of, and when they end."""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from localaws.control import ACCOUNT, REGION, LocalAws
from localaws.liveness import alive
from tests.local.conftest import Boto, free_port
from tests.local.functions_toy import HANDLER, FunctionsToy, gone, processes, zipped


@pytest.fixture(scope="module")
def functions(boto: Boto) -> Iterator[FunctionsToy]:
    toy = FunctionsToy(boto)
    yield toy
    toy.remove()


@pytest.fixture(scope="module")
def plain(functions: FunctionsToy) -> str:
    return functions.create("plain", Environment={"Variables": {"OWN": "own value"}})


def test_events_at_once_get_processes_of_their_own_and_wait_beyond_what_this_machine_has(
    functions: FunctionsToy, plain: str, local_aws: LocalAws
) -> None:
    with ThreadPoolExecutor(24) as pool:
        told = list(pool.map(lambda _: functions.ask(plain, {"do": "sleep", "seconds": 0.2}), range(24)))
    pids = {reply.payload["pid"] for reply in told}

    assert all(reply.error is None for reply in told)
    assert 1 < len(pids) <= 8
    assert pids <= processes(local_aws)


def test_reserved_concurrency_throttles_every_version(functions: FunctionsToy) -> None:
    outcomes: list[str] = []

    def ask() -> None:
        try:
            functions.ask("reserved", {"do": "sleep", "seconds": 1.5}, Qualifier="live")
            outcomes.append("answered")
        except functions.aws.exceptions.TooManyRequestsException as error:
            outcomes.append(error.response["Reason"])

    with functions.function("reserved"):
        version = functions.aws.publish_version(FunctionName="reserved")["Version"]
        functions.aws.create_alias(FunctionName="reserved", Name="live", FunctionVersion=version)
        functions.aws.put_function_concurrency(FunctionName="reserved", ReservedConcurrentExecutions=1)
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    refused = "ReservedFunctionConcurrentInvocationLimitExceeded"
    assert sorted(outcomes) == [refused, refused, "answered"]


def test_versions_have_processes_of_their_own_and_an_alias_names_one(
    functions: FunctionsToy, local_aws: LocalAws
) -> None:
    with functions.function("versions"):
        first = functions.aws.publish_version(FunctionName="versions")["Version"]
        functions.aws.create_alias(FunctionName="versions", Name="live", FunctionVersion=first)
        before = functions.ask("versions", Qualifier="live")
        functions.aws.update_function_code(
            FunctionName="versions", ZipFile=zipped(index__py=HANDLER + "# other\n")
        )
        functions.settled("versions")
        second = functions.aws.publish_version(FunctionName="versions")["Version"]
        functions.aws.update_alias(FunctionName="versions", Name="live", FunctionVersion=second)
        after = functions.ask("versions", Qualifier="live")
        functions.aws.delete_function(FunctionName="versions", Qualifier=first)
        assert gone(local_aws, before.payload["pid"])
        assert after.payload["pid"] in processes(local_aws)

    assert (before.version, after.version) == (first, second)
    assert before.payload["arn"].endswith(":function:versions:live")
    assert before.payload["version"] == first
    assert f"Version: {first}" in before.log


def test_a_new_configuration_gets_a_new_process(functions: FunctionsToy) -> None:
    with functions.function("changed"):
        before = functions.ask("changed").payload
        functions.aws.update_function_configuration(
            FunctionName="changed", Environment={"Variables": {"OWN": "new"}}
        )
        functions.settled("changed")
        after = functions.ask("changed").payload

    assert after["pid"] != before["pid"]
    assert after["environment"]["OWN"] == "new"


def test_provisioned_concurrency_starts_processes_before_any_event(
    functions: FunctionsToy, local_aws: LocalAws
) -> None:
    with functions.function("provisioned"):
        before = processes(local_aws)
        version = functions.aws.publish_version(FunctionName="provisioned")["Version"]
        functions.aws.create_alias(FunctionName="provisioned", Name="live", FunctionVersion=version)
        functions.aws.put_provisioned_concurrency_config(
            FunctionName="provisioned", Qualifier="live", ProvisionedConcurrentExecutions=2
        )
        started = processes(local_aws) - before
        told = functions.ask("provisioned", Qualifier="live")
        functions.aws.delete_provisioned_concurrency_config(FunctionName="provisioned", Qualifier="live")

    assert len(started) == 2
    assert told.payload["pid"] in started
    assert told.payload["environment"]["AWS_LAMBDA_INITIALIZATION_TYPE"] == "provisioned-concurrency"
    assert "Init Duration" not in told.log


def test_a_snapshot_is_taken_when_a_version_is_published_and_fails_with_its_reason(
    functions: FunctionsToy,
) -> None:
    def published(name: str) -> dict[str, Any]:
        version = functions.aws.publish_version(FunctionName=name)["Version"]
        deadline = time.monotonic() + 20
        found: dict[str, Any] = {}
        while time.monotonic() < deadline:
            found = functions.aws.get_function_configuration(FunctionName=name, Qualifier=version)
            if found["State"] != "Pending":
                break
            time.sleep(0.05)
        return found

    snap = {"ApplyOn": "PublishedVersions"}
    with (
        functions.function("snapped", SnapStart=snap),
        functions.function("unsnapped", SnapStart=snap, Environment={"Variables": {"BROKEN": "yes"}}),
    ):
        good, bad = published("snapped"), published("unsnapped")
        told = functions.ask("snapped", Qualifier=good["Version"])

    assert (good["State"], bad["State"]) == ("Active", "Failed")
    assert told.payload["environment"]["AWS_LAMBDA_INITIALIZATION_TYPE"] == "snap-start"


def test_invocations_are_counted_by_function_and_by_alias(functions: FunctionsToy, boto: Boto) -> None:
    with functions.function("counted"):
        version = functions.aws.publish_version(FunctionName="counted")["Version"]
        functions.aws.create_alias(FunctionName="counted", Name="live", FunctionVersion=version)
        functions.ask("counted", Qualifier="live")
        functions.ask("counted", {"do": "raise"}, Qualifier="live")

    def total(metric: str, **more: str) -> float:
        dimensions = {"FunctionName": "counted", **more}
        points = boto("cloudwatch").get_metric_statistics(
            Namespace="AWS/Lambda", MetricName=metric, Period=60, Statistics=["Sum"],
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
            StartTime=time.time() - 300, EndTime=time.time() + 60,
        )["Datapoints"]  # fmt: skip
        return float(sum(point["Sum"] for point in points))

    deadline = time.monotonic() + 5
    while total("Invocations") < 2 and time.monotonic() < deadline:
        time.sleep(0.1)

    assert total("Invocations") == total("Invocations", Resource="counted:live") == 2
    assert total("Errors", Resource="counted:live") == 1
    assert total("Duration") > 0
    assert total("Throttles") == 0


def test_nothing_is_left_of_a_function_that_is_gone(functions: FunctionsToy, local_aws: LocalAws) -> None:
    with functions.function("fleeting", code=HANDLER + "# alone\n"):
        pid = functions.ask("fleeting").payload["pid"]
        during = local_aws.inventory()
    assert gone(local_aws, pid)
    time.sleep(0.2)
    after = local_aws.inventory()

    assert any(file.startswith("lambda-fleeting-") for file in during.files)
    assert not any("fleeting" in file for file in after.files)
    assert len(after.files) < len(during.files)
    assert len(after.ports) == len(during.ports) - 1
    assert not any(resource.name == "fleeting" for resource in after.resources if resource.kind == "function")


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_processes_end_with_the_server_however_that_ends(own_root: Path, number: int) -> None:
    local = LocalAws(own_root)
    server = local.start(free_port())

    def client(service: str) -> Any:
        return boto3.client(
            service, endpoint_url=server.url, region_name=REGION,
            aws_access_key_id=ACCOUNT, aws_secret_access_key="local",
        )  # fmt: skip

    toy = FunctionsToy(client)
    pid = toy.ask(toy.create("orphan")).payload["pid"]
    os.kill(server.pid, number)
    deadline = time.monotonic() + 10
    while alive(pid) and time.monotonic() < deadline:
        time.sleep(0.05)

    assert not alive(pid)
    local.stop()
    assert not local.state.fleets.exists()
