"""The function that checks a new version, against a server in the place of Lambda and CloudFormation."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

import pytest

from stacks.functions import check_golden_rows
from stacks.functions.check_golden_rows import handler

VERSION = "arn:aws:lambda:eu-west-1:123456789012:function:wine:7"
TRY = '{"slipway": "try"}'


class Aws:
    """Answers Invoke with what it is given, in turn, and keeps what CloudFormation is told."""

    def __init__(self) -> None:
        self.answers: list[tuple[int, dict[str, str], Any]] = []
        self.invoked: list[tuple[str, str]] = []
        self.told: list[dict[str, Any]] = []
        aws = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                aws.invoked.append((unquote(self.path), body))
                status, headers, answer = aws.answers.pop(0)
                content = json.dumps(answer).encode()
                self.send_response(status)
                for name, value in {**headers, "Content-Length": str(len(content))}.items():
                    self.send_header(name, value)
                self.end_headers()
                self.wfile.write(content)

            def do_PUT(self) -> None:
                aws.told.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_arguments: object) -> None:
                """Say nothing."""

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    aws = Aws()
    thread = threading.Thread(target=aws.server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    environment = {
        "AWS_ENDPOINT_URL": aws.url,
        "AWS_REGION": "eu-west-1",
        "AWS_ACCESS_KEY_ID": "nobody",
        "AWS_SECRET_ACCESS_KEY": "nothing",
    }
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(check_golden_rows, "_PAUSE_S", 0.01)
    yield aws
    aws.server.shutdown()
    thread.join()
    aws.server.server_close()


def run(aws: Aws, request: str = "Create", passed: str | None = None) -> dict[str, Any]:
    event = {
        **({"PhysicalResourceId": passed} if passed else {}),
        "RequestType": request,
        "ResponseURL": f"{aws.url}/answer",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Rows",
        "ResourceProperties": {
            "ServiceToken": "arn",
            "ServiceTimeout": "1",
            "Version": VERSION,
            "Event": TRY,
        },
    }
    handler(event, None)
    (told,) = aws.told
    return told


def told(answers: list[Any], expected: list[Any], tolerance: float = 0.0) -> tuple[int, dict[str, str], Any]:
    golden = {"version": "0123456789ab", "answers": answers, "expected": expected, "tolerance": tolerance}
    return 200, {}, golden


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_a_version_that_answers_as_in_training_passes(request_type: str, aws: Aws) -> None:
    aws.answers = [told([1, "a", 2.0], [1, "a", 2.0])]

    answer = run(aws, request_type)
    assert len(answer.pop("PhysicalResourceId")) == 64
    assert answer == {
        "Status": "SUCCESS",
        "Reason": "",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Rows",
    }
    assert aws.invoked == [(f"/2015-03-31/functions/{VERSION}/invocations", TRY)]


@pytest.mark.parametrize(
    ("answers", "expected", "tolerance", "reason"),
    [
        ([0, 1], [0, 2], 0.0, "Row 2 is answered with 1, and training gave 2."),
        (["setosa"], ["virginica"], 0.0, "Row 1 is answered with 'setosa', and training gave 'virginica'."),
        ([1], ["1"], 0.0, "Row 1 is answered with 1, and training gave '1'."),
        ([True], [1], 0.0, "Row 1 is answered with True, and training gave 1."),
        ([1], [2], 5.0, "Row 1 is answered with 1, and training gave 2."),
        ([1.5], [1.0], 0.4, "Row 1 is answered with 1.5, and training gave 1.0."),
        ([None], [1.0], 9.0, "Row 1 is answered with None, and training gave 1.0."),
        ([float("nan")], [1.0], 9.0, "Row 1 is answered with nan, and training gave 1.0."),
        ([0], [0, 1], 0.0, "zip() argument 2 is longer than argument 1"),
        ([], [], 0.0, "There are none."),
    ],
)
def test_the_first_row_that_differs_is_the_reason(
    answers: list[Any], expected: list[Any], tolerance: float, reason: str, aws: Aws
) -> None:
    aws.answers = [told(answers, expected, tolerance)]
    answer = run(aws)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"].endswith(reason)


def test_numbers_may_differ_by_what_training_found(aws: Aws) -> None:
    aws.answers = [told([1.0004, 3, 1e9 + 1], [1.0, 3.0, 1e9], 0.001)]
    assert run(aws)["Status"] == "SUCCESS"


def test_a_version_that_cannot_load_says_why(aws: Aws) -> None:
    error = {"errorType": "ModelNotReady", "errorMessage": "model_not_verified: model.onnx differs"}
    aws.answers = [(200, {"X-Amz-Function-Error": "Unhandled"}, error)]
    answer = run(aws)
    assert answer["Status"] == "FAILED"
    assert answer["Reason"] == (
        "GoldenRows: The new version fails: ModelNotReady: model_not_verified: model.onnx differs"
    )


def test_a_long_reason_fits_into_what_cloudformation_takes(aws: Aws) -> None:
    aws.answers = [(200, {"X-Amz-Function-Error": "Unhandled"}, {"errorMessage": "x" * 10_000})]
    assert len(run(aws)["Reason"]) == 1000


@pytest.mark.parametrize("code", ["ResourceConflictException", "AccessDeniedException"])
def test_what_passes_by_itself_is_waited_for(code: str, aws: Aws) -> None:
    not_yet = (409, {"x-amzn-ErrorType": code}, {"message": "The function is in the state Pending"})
    aws.answers = [not_yet, not_yet, told([1], [1])]
    assert run(aws)["Status"] == "SUCCESS"
    assert len(aws.invoked) == 3


def test_a_function_whose_rights_are_as_new_is_waited_for(aws: Aws) -> None:
    denied = "An error occurred (AccessDenied) when calling the GetObject operation: Access Denied"
    error = (200, {"X-Amz-Function-Error": "Unhandled"}, {"errorType": "ClientError", "errorMessage": denied})
    aws.answers = [error, error, told([1], [1])]
    assert run(aws)["Status"] == "SUCCESS"


def test_a_stack_that_is_rolled_back_does_not_fail_on_what_has_passed(aws: Aws) -> None:
    aws.answers = [told([1], [1])]
    passed = run(aws)["PhysicalResourceId"]
    aws.told.clear()

    assert run(aws, "Update", passed)["Status"] == "SUCCESS"
    assert len(aws.invoked) == 1


def test_one_that_fails_leaves_what_has_passed(aws: Aws) -> None:
    aws.answers = [told([1], [2])]
    answer = run(aws, "Update", "what has passed")
    assert (answer["Status"], answer["PhysicalResourceId"]) == ("FAILED", "what has passed")


def test_what_does_not_pass_fails_at_once_and_patience_ends(
    aws: Aws, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = (404, {"x-amzn-ErrorType": "ResourceNotFoundException"}, {"message": "Function not found"})
    aws.answers = [gone]
    assert "Function not found" in run(aws)["Reason"]

    aws.told.clear()
    monkeypatch.setattr(check_golden_rows, "_PATIENCE_S", 0)
    aws.answers = [(403, {"x-amzn-ErrorType": "AccessDeniedException"}, {"message": "no"})] * 2
    assert "AccessDeniedException" in run(aws)["Reason"]


def test_nothing_is_asked_when_the_stack_goes(aws: Aws) -> None:
    assert run(aws, "Delete")["Status"] == "SUCCESS"
    assert aws.invoked == []
