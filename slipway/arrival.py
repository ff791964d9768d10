"""Waiting until what was changed has reached the door that a caller stands at."""

from __future__ import annotations

import time

from client import Client
from client.http_door import VERSION_HEADER, HttpDoor
from slipway.aws import Aws
from slipway.errors import DeployFailed

# A function looks for another model in S3 every 30 s, and AWS lets a new API key in after some seconds.
_TIMEOUT_S = 90.0
_PASSING = (200, 403, 429, 503)
_POLL_S = 0.2
_POLL_AWS_S = 2.0


def await_version(aws: Aws, client: Client, version: str | None = None) -> None:
    """Wait until a model's API lets this caller in, and answers with a version where one is given.

    Raises:
        DeployFailed: after 90 s it does not.
        Unavailable: nobody answers.
    """
    door = client.door
    assert isinstance(door, HttpDoor)  # noqa: S101 - the outputs say so
    deadline = time.monotonic() + _TIMEOUT_S
    while True:
        status, headers, body = door.send("openapi.json", None)
        seen = headers.get(VERSION_HEADER)
        if status == 200 and version in (None, seen):
            return
        if time.monotonic() > deadline or status not in _PASSING:
            raise DeployFailed(
                f"{door.url}openapi.json answers {status}, {version or 'any model'} was to answer, and "
                f"{seen or 'none'} did.",
                why=body.decode("utf-8", "replace")[:500] if status != 200 else "",
                fix=f"Look at: slipway status, and slipway logs {client.model}",
            )
        time.sleep(_POLL_S if aws.endpoint_url else _POLL_AWS_S)
