"""Functions as processes: what they see, how they are started, kept and ended, and what their logs say."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import boto3
import pytest

from localaws.control import ACCOUNT, REGION, LocalAws
from localaws.lambda_functions.function import Invocation
from localaws.lambda_functions.runtime_api import RuntimeApi
from localaws.liveness import alive
from tests.local.conftest import ROOT, Boto, free_port
from tests.local.functions_toy import HANDLER, FunctionsToy, zipped

MB = 1024 * 1024
PORTABLE = ROOT / "localaws" / "lambda_functions" / "portable"


@pytest.fixture(scope="module")
def functions(boto: Boto) -> Iterator[FunctionsToy]:
    toy = FunctionsToy(boto)
    yield toy
    toy.remove()


@pytest.fixture(scope="module")
def plain(functions: FunctionsToy) -> str:
    return functions.create("plain", Environment={"Variables": {"OWN": "own value"}})


def processes(local_aws: LocalAws) -> set[int]:
    """The clients of the Runtime API; a guard's command line holds theirs as well."""
    return {
        process.pid
        for process in local_aws.inventory().processes
        if "-m awslambdaric" in process.command and "guard.py" not in process.command
    }


def gone(local_aws: LocalAws, pid: int) -> bool:
    deadline = time.monotonic() + 5
    while pid in processes(local_aws):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.05)
    return True


def test_a_zip_runs_in_the_environment_that_its_layer_was_made_from(
    functions: FunctionsToy, plain: str
) -> None:
    told = functions.ask(plain, {"a": "ü"})

    assert told.error is None
    assert told.payload["event"] == {"a": "ü"}
    assert told.payload["six"] == "1.17.0"
    assert told.payload["files"] == ["__pycache__", "index.py"]
    assert told.payload["arn"] == f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:plain"
    assert 9000 < told.payload["left"] <= 10_000


def test_it_sees_lambdas_variables_and_nothing_of_this_machine(functions: FunctionsToy, plain: str) -> None:
    seen: dict[str, str] = functions.ask(plain).payload["environment"]

    assert seen["OWN"] == "own value"
    assert (seen["AWS_LAMBDA_FUNCTION_NAME"], seen["AWS_LAMBDA_FUNCTION_VERSION"]) == ("plain", "$LATEST")
    assert (seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"], seen["AWS_REGION"]) == ("512", REGION)
    assert (seen["_HANDLER"], seen["TZ"]) == ("index.handler", ":UTC")
    assert seen["AWS_LAMBDA_INITIALIZATION_TYPE"] == "on-demand"
    assert seen["TMPDIR"] == seen["HOME"]
    own = {name for name in seen if name.startswith(("AWS_", "LAMBDA_", "_"))}
    others = set(seen) - own - {"OWN", "TZ", "HOME", "TMPDIR", "LANG", "LC_CTYPE", "PATH"}
    assert others == {"PYTHONPATH", "PYTHONUNBUFFERED", "PYTHONDONTWRITEBYTECODE"}
    assert seen["PATH"] == os.defpath


def test_its_keys_are_a_session_of_its_role(functions: FunctionsToy, plain: str, boto: Boto) -> None:
    seen = functions.ask(plain).payload["environment"]

    who = boto(
        "sts", aws_access_key_id=seen["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=seen["AWS_SECRET_ACCESS_KEY"], aws_session_token=seen["AWS_SESSION_TOKEN"],
    ).get_caller_identity()  # fmt: skip

    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/functions-toy/plain"


def test_the_next_event_goes_to_the_same_process(functions: FunctionsToy, plain: str) -> None:
    first, second = functions.ask(plain), functions.ask(plain)

    assert first.payload["pid"] == second.payload["pid"]
    assert "Init Duration" not in second.log


def test_the_log_of_an_invocation_says_what_aws_says(functions: FunctionsToy) -> None:
    with functions.function("logged"):
        told = functions.ask("logged", {"do": "log"})
        request = told.payload["request"]
        start, printed, end, report = told.log.splitlines()
        lines = functions.lines("/aws/lambda/logged", 4)

    assert start == f"START RequestId: {request} Version: $LATEST"
    assert printed == "handled log"
    assert end == f"END RequestId: {request}"
    assert re.fullmatch(
        rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 512 MB\t"
        r"Max Memory Used: \d+ MB\tInit Duration: [\d.]+ ms\t",
        report,
    )
    assert lines == [start, printed, end, report]


def test_a_json_log_goes_to_the_group_that_is_named(functions: FunctionsToy, boto: Boto) -> None:
    boto("logs").create_log_group(logGroupName="named")
    log = {"LogFormat": "JSON", "LogGroup": "named"}
    with functions.function("json-logged", LoggingConfig=log):
        told = functions.ask("json-logged")
        lines = [json.loads(line) for line in functions.lines("named", 3) if line.startswith("{")]
    boto("logs").delete_log_group(logGroupName="named")

    assert [line["type"] for line in lines] == ["platform.start", "platform.report"]
    assert lines[1]["record"]["requestId"] == told.payload["request"]
    assert lines[1]["record"]["status"] == "success"
    assert lines[1]["record"]["metrics"]["memorySizeMB"] == 512


def test_a_role_without_the_right_to_log_leaves_no_log(functions: FunctionsToy, boto: Boto) -> None:
    role = functions.make_role("silent", [])
    with functions.function("silent", Role=role):
        told = functions.ask("silent")
    functions.drop_role("silent")
    time.sleep(0.5)

    assert told.error is None
    assert boto("logs").describe_log_groups(logGroupNamePrefix="/aws/lambda/silent")["logGroups"] == []


def test_an_error_of_the_handler_is_told_with_its_type(functions: FunctionsToy, plain: str) -> None:
    told = functions.ask(plain, {"do": "raise"})

    assert told.error == "Unhandled"
    assert (told.payload["errorType"], told.payload["errorMessage"]) == ("ValueError", "wrong row")
    assert "[ERROR] ValueError: wrong row" in told.log
    assert functions.ask(plain).error is None


def test_a_killed_process_is_replaced_and_its_event_told(functions: FunctionsToy, plain: str) -> None:
    before = functions.ask(plain).payload["pid"]

    killed, left = functions.ask(plain, {"do": "kill"}), functions.ask(plain, {"do": "exit"})
    after = functions.ask(plain)

    assert killed.payload["errorType"] == "Runtime.ExitError"
    assert killed.payload["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert left.payload["errorMessage"].endswith("Error: Runtime exited with error: exit status 3")
    assert after.error is None
    assert after.payload["pid"] != before


def test_a_time_limit_ends_the_process(functions: FunctionsToy) -> None:
    with functions.function("slow", Timeout=1):
        told = functions.ask("slow", {"do": "sleep", "seconds": 30})
        after = functions.ask("slow")

    assert told.error == "Unhandled"
    assert told.payload["errorType"] == "Sandbox.Timedout"
    assert told.payload["errorMessage"].endswith("Task timed out after 1.00 seconds")
    assert re.search(r"Z [0-9a-f-]{36} Task timed out after 1.00 seconds", told.log)
    assert "Status: timeout" in told.log
    assert after.error is None


def test_more_memory_than_the_function_has_ends_the_process(functions: FunctionsToy) -> None:
    with functions.function("small", MemorySize=128):
        fine = functions.ask("small", {"do": "allocate", "mb": 40})
        lasting = functions.ask("small", {"do": "allocate", "mb": 300, "seconds": 8})
        moment = functions.ask("small", {"do": "allocate", "mb": 300})
        after = functions.ask("small")

    assert fine.error is None
    for told in (lasting, moment):
        assert told.payload["errorType"] == "Runtime.OutOfMemory"
        assert told.payload["errorMessage"].endswith("Runtime exited with error: signal: killed")
        assert "Max Memory Used: 128 MB" in told.log
    assert after.error is None


@pytest.mark.parametrize(
    ("code", "kind", "text"),
    [
        ("import nothing_of_that_name\n", "Runtime.ImportModuleError", "nothing_of_that_name"),
        ("def other(event, context): pass\n", "Runtime.HandlerNotFound", "handler"),
        ("raise RuntimeError('no such model')\n", "RuntimeError", "no such model"),
        ("import os; os._exit(1)\n", "Runtime.ExitError", "exit status 1"),
    ],
)
def test_a_function_that_cannot_start_says_why(
    functions: FunctionsToy, code: str, kind: str, text: str
) -> None:
    with functions.function("broken", code=code):
        told = functions.ask("broken")

    assert told.error == "Unhandled"
    assert told.payload["errorType"] == kind
    assert text in told.payload["errorMessage"]
    assert f"Error Type: {kind}" in told.log


def test_a_response_over_6_mb_is_an_error_of_the_function(functions: FunctionsToy, plain: str) -> None:
    small = functions.ask(plain, {"do": "big", "bytes": 5 * MB})
    large = functions.ask(plain, {"do": "big", "bytes": 7 * MB})
    after = functions.ask(plain)

    assert len(small.payload) == 5 * MB
    assert large.payload["errorType"] == "Function.ResponseSizeTooLarge"
    assert "(6291556 bytes)" in large.payload["errorMessage"]
    assert after.error is None


def test_aws_client_works_with_the_client_for_other_systems(
    functions: FunctionsToy, plain: str, local_aws: LocalAws, tmp_path: Path
) -> None:
    functions.ask(plain)
    [python, *_] = [
        process.command.split()[0]
        for process in local_aws.inventory().processes
        if "-m awslambdaric" in process.command and "guard.py" not in process.command
    ]
    (tmp_path / "index.py").write_text(
        "import runtime_client\ndef handler(event, context):\n"
        "    return runtime_client.__file__, 1 / event, context.get_remaining_time_in_millis()\n"
    )
    api = RuntimeApi()
    variables = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{api.port}", "PYTHONPATH": str(PORTABLE)}
    command = [python, "-m", "awslambdaric", "index.handler"]
    with subprocess.Popen(command, cwd=tmp_path, env=variables, stdout=subprocess.PIPE) as process:
        assert api.wait_until_asked(20)
        answers = [api.run(Invocation("id", "arn", event), 10) for event in (b"2", b"0", b"4")]
        process.kill()
    api.close()

    good, wrong, again = (json.loads(answer.payload) for answer in answers if answer)
    assert good[0] == str(PORTABLE / "runtime_client.py")
    assert (good[1], again[1], wrong["errorType"]) == (0.5, 0.25, "ZeroDivisionError")
    assert 9000 < good[2] <= 10_000


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
