"""Requests and answers of Elastic Beanstalk, with botocore's own writer and reader on the other end."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import botocore.session
import pytest
from botocore.parsers import create_parser
from botocore.serialize import create_serializer

from localaws.beanstalk import protocol
from localaws.beanstalk.errors import ApiError, invalid_value

MODEL: Any = botocore.session.Session().get_service_model("elasticbeanstalk")


def sent(operation: str, request: dict[str, Any]) -> bytes:
    """The body of a request as an SDK writes it."""
    written = create_serializer("query").serialize_to_request(request, MODEL.operation_model(operation))
    return urlencode(written["body"]).encode()


def received(operation: str, body: bytes, status: int = 200) -> dict[str, Any]:
    """An answer as an SDK reads it."""
    shape = MODEL.operation_model(operation).output_shape
    answer = {"body": body, "headers": {}, "status_code": status}
    found: dict[str, Any] = create_parser("query").parse(answer, shape)
    return found


@pytest.mark.parametrize(
    ("operation", "request_"),
    [
        ("DescribeEnvironments", {"EnvironmentNames": ["a-bc", "c&d=éö"], "IncludeDeleted": False}),
        ("DescribeEvents", {"MaxRecords": 3, "Severity": "WARN"}),
        (
            "CreateEnvironment",
            {
                "ApplicationName": "app",
                "Tier": {"Name": "WebServer", "Type": "Standard"},
                "OptionSettings": [
                    {"Namespace": "aws:x", "OptionName": f"o{number}", "Value": str(number)}
                    for number in range(12)
                ],
            },
        ),
        ("ListAvailableSolutionStacks", {}),
    ],
)
def test_a_request_is_read_as_it_was_written(operation: str, request_: dict[str, Any]) -> None:
    assert protocol.parse(sent(operation, request_)) == (operation, request_)


def test_a_moment_is_read_in_any_zone() -> None:
    for text in ("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2026-01-02T03:04:05"):
        body = f"Action=DescribeEvents&StartTime={text.replace('+', '%2B')}".encode()
        expected = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).timestamp()
        assert protocol.parse(body)[1] == {"StartTime": expected}


def test_an_answer_is_read_as_it_was_meant() -> None:
    moment = datetime(2026, 1, 2, 3, 4, 5, 678000, tzinfo=UTC)
    environment = {
        "EnvironmentName": "env", "AbortableOperationInProgress": False, "DateCreated": moment.timestamp(),
        "Tier": {"Name": "WebServer"}, "EnvironmentLinks": [], "Description": None,
    }  # fmt: skip

    body = protocol.answer("DescribeEnvironments", {"Environments": [environment, environment]}, "id-1")

    found = received("DescribeEnvironments", body)
    assert found["ResponseMetadata"]["RequestId"] == "id-1"
    del environment["Description"]
    assert found["Environments"] == [{**environment, "DateCreated": moment}] * 2
    assert received("SwapEnvironmentCNAMEs", protocol.answer("SwapEnvironmentCNAMEs", {}, "id-2")) == {
        "ResponseMetadata": {"RequestId": "id-2", "HTTPStatusCode": 200, "HTTPHeaders": {}}
    }


def test_what_a_log_holds_does_not_break_the_answer() -> None:
    event = {"Message": "\x1b[31mno <model> & no\x00 ]]> luck\ufffe"}

    [found] = received("DescribeEvents", protocol.answer("DescribeEvents", {"Events": [event]}, "id"))[
        "Events"
    ]

    assert found["Message"] == "[31mno <model> & no ]]> luck"


def test_an_error_is_read_with_its_code() -> None:
    found = received("DescribeEvents", protocol.error(invalid_value("No <such> thing."), "id"), 400)

    assert found["Error"] == {
        "Type": "Sender",
        "Code": "InvalidParameterValue",
        "Message": "No <such> thing.",
    }


@pytest.mark.parametrize(
    "body",
    [
        b"", b"Action=Nothing", b"\xff\xfe=%ff", b"Action=DescribeEvents&MaxRecords=many",
        b"Action=DescribeEvents&StartTime=now", b"Action.member.1=DescribeEvents",
    ],
)  # fmt: skip
def test_a_request_that_is_none_is_an_error(body: bytes) -> None:
    with pytest.raises(ApiError):
        protocol.parse(body)


def test_members_that_contradict_each_other_are_no_failure() -> None:
    body = (
        b"Action=DescribeEnvironments&EnvironmentNames=a&EnvironmentNames.member.x=b&EnvironmentIds.member=1"
    )

    assert protocol.parse(body) == ("DescribeEnvironments", {"EnvironmentNames": [], "EnvironmentIds": []})
