"""Has a new version of a model's function predict golden rows, before any request reaches it."""

from __future__ import annotations

import hashlib
import json
import math
import os
import time
import urllib.request
from typing import Any

import botocore.config
import botocore.exceptions
import botocore.session

_MAX_REASON = 1000  # CloudFormation takes 4096 bytes for the whole answer
# What passes by itself: a version that is still being made, rights that were given a moment ago.
_PASSING = {
    "AccessDeniedException",
    "KMSAccessDeniedException",
    "ResourceConflictException",
    "ResourceNotReadyException",
    "ServiceException",
    "SnapStartNotReadyException",
    "TooManyRequestsException",
}
# What its own role may do in S3 can be as new.
_DENIED = "(AccessDenied)"
_PATIENCE_S, _PAUSE_S = 180, 5
# A function's longest start and its longest run.
_CONFIG = botocore.config.Config(read_timeout=100, retries={"total_max_attempts": 1})


def handler(event: dict[str, Any], _context: object) -> None:
    """Answer CloudFormation as a custom resource does, whatever happens: it would wait for an hour."""
    status, reason, passed = "SUCCESS", "", event.get("PhysicalResourceId", "none")
    try:
        if event["RequestType"] != "Delete":
            asked = [event["ResourceProperties"][name] for name in ("Version", "Event")]
            now = hashlib.sha256("\n".join(asked).encode()).hexdigest()
            # A stack that is rolled back comes back to what has passed, and must not fail again.
            if now != passed:
                _check(*asked)
            passed = now
    except Exception as error:
        status, reason = "FAILED", f"{type(error).__name__}: {error}"[:_MAX_REASON]
    answer = {
        "Status": status,
        "Reason": reason,
        "PhysicalResourceId": passed,
        **{name: event[name] for name in ("StackId", "RequestId", "LogicalResourceId")},
    }
    request = urllib.request.Request(event["ResponseURL"], json.dumps(answer).encode(), method="PUT")  # noqa: S310
    request.add_header("Content-Type", "")  # the URL is signed without one
    urllib.request.urlopen(request, timeout=30).close()  # noqa: S310 - CloudFormation's own URL


class GoldenRows(Exception):
    """The version cannot answer them, or answers otherwise than the model did when it was trained."""


def _check(version: str, event: str) -> None:
    told = _invoke(version, event)
    pairs = list(zip(told["answers"], told["expected"], strict=True))
    if not pairs:
        raise GoldenRows("There are none.")
    for row, (answer, expected) in enumerate(pairs, start=1):
        if not _same(answer, expected, told["tolerance"]):
            raise GoldenRows(f"Row {row} is answered with {answer!r}, and training gave {expected!r}.")


def _same(answer: Any, expected: Any, tolerance: float) -> bool:
    if isinstance(expected, float) and isinstance(answer, float | int):
        return math.isclose(answer, expected, rel_tol=1e-6, abs_tol=tolerance)
    return type(answer) is type(expected) and answer == expected


def _invoke(version: str, event: str) -> dict[str, Any]:
    session = botocore.session.get_session()
    client = session.create_client("lambda", region_name=os.environ["AWS_REGION"], config=_CONFIG)
    until = time.monotonic() + _PATIENCE_S
    while True:
        failure: Exception
        try:
            answered = client.invoke(FunctionName=version, Payload=event.encode())
        except botocore.exceptions.ClientError as error:
            failure, passing = error, error.response["Error"]["Code"] in _PASSING
        else:
            told: dict[str, Any] = json.loads(answered["Payload"].read())
            if "FunctionError" not in answered:
                return told
            kind, message = told.get("errorType", answered["FunctionError"]), told.get("errorMessage", "")
            failure, passing = GoldenRows(f"The new version fails: {kind}: {message}"), _DENIED in message
        if not passing or time.monotonic() > until:
            raise failure
        time.sleep(_PAUSE_S)
