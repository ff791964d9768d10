"""Functions as processes: what they see, how an event ends, and what their logs say."""

from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.control import ACCOUNT, REGION, LocalAws
from localaws.lambda_functions.function import Invocation
from localaws.lambda_functions.runtime_api import RuntimeApi
from tests.local.conftest import ROOT, Boto
from tests.local.functions_toy import FunctionsToy

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
