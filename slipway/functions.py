"""A model's Lambda function on AWS: its versions, the alias that answers, and a version tried out."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from slipway.aws import Aws, made
from slipway.errors import DeployFailed, SettingsError, VersionRefused
from slipway.verify import agrees

# What the stack writes into a version's description, before the model's version.
_DESCRIBED = "model "
# An event that API Gateway cannot make: the function answers the golden rows of its own manifest.
_TRY = {"slipway": "try"}
_MOVING_S, _LOOK_S = 900.0, 5.0


@dataclass(frozen=True)
class Held:
    """A version that AWS holds.

    Args:
        name: the function version's number, or the model's version where the model is in S3.
        model_version: 12 hex digits.
        date: when it came to AWS, as ISO 8601.
        current: whether it answers.
    """

    name: str
    model_version: str
    date: str
    current: bool


def require_endpoint(model: str, outputs: Mapping[str, str], what: str, fix: str) -> None:
    """Refuse what only an endpoint has.

    Args:
        model: the model's name.
        outputs: its stack's.
        what: the thing.
        fix: what to do instead.

    Raises:
        SettingsError: a function or an environment serves the model.
    """
    for output, service in (("FunctionName", "Lambda"), ("EnvironmentName", "Elastic Beanstalk")):
        if output in outputs:
            raise SettingsError(f"{model} is served by {service}, which has no {what}.", fix=fix)


def published(aws: Aws, outputs: Mapping[str, str]) -> list[Held]:
    """Return the versions of a model's function, the newest first."""
    pages = aws.client("lambda").get_paginator("list_versions_by_function")
    found = [
        version
        for page in pages.paginate(FunctionName=outputs["FunctionName"])
        for version in page["Versions"]
        if version["Version"] != "$LATEST"
    ]
    now = alias_version(aws, outputs)
    held = [
        Held(
            version["Version"],
            str(version.get("Description", "")).removeprefix(_DESCRIBED),
            str(version["LastModified"])[:19],
            version["Version"] == now,
        )
        for version in found
    ]
    return sorted(held, key=lambda version: int(version.name), reverse=True)


def alias_version(aws: Aws, outputs: Mapping[str, str]) -> str:
    """Return the number of the function's version that answers."""
    found = aws.client("lambda").get_alias(FunctionName=outputs["FunctionName"], Name=outputs["AliasName"])
    return str(found["FunctionVersion"])


def asked_version(aws: Aws, model: str) -> str:
    """Return the number of the version that the model's stack asks for.

    Raises:
        DeployFailed: the stack has no version of a function.
    """
    return made(aws, model, "AWS::Lambda::Version").rpartition(":")[2]


def move_alias(
    aws: Aws, outputs: Mapping[str, str], number: str, *, pause: Callable[[float], None] = time.sleep
) -> None:
    """Have another version answer, once it has shown that it can: from the next request on.

    With instances that are kept warm AWS moves requests bit by bit, as those of the version get ready; then
    this returns when all have moved.

    Raises:
        VersionRefused: it does not load or answers wrongly; nothing has changed then.
        DeployFailed: after 15 minutes some requests still go to the version before.
    """
    try_version(aws, outputs["FunctionName"], number)
    client = aws.client("lambda")
    alias = {"FunctionName": outputs["FunctionName"], "Name": outputs["AliasName"]}
    moved = client.update_alias(**alias, FunctionVersion=number)
    deadline = time.monotonic() + _MOVING_S
    while (moved.get("RoutingConfig") or {}).get("AdditionalVersionWeights"):
        if time.monotonic() > deadline:
            raise DeployFailed(
                f"{alias['Name']} of {alias['FunctionName']} still moves to version {number}.",
                fix="Look at it again in some minutes: slipway status",
            )
        pause(_LOOK_S)
        moved = client.get_alias(**alias)


def try_version(
    aws: Aws, function: str, number: str, candidate: Mapping[str, str] | None = None
) -> Sequence[Any]:
    """Have a version load its model and answer the golden rows, while another one serves.

    Args:
        aws: where.
        function: the function's name.
        number: the version's number, or the alias's name.
        candidate: the pointer of a model in S3 to try instead of the one in force.

    Returns:
        The answers.

    Raises:
        VersionRefused: it does not load, or an answer is not as in training.
    """
    event = {**_TRY, **({"candidate": dict(candidate)} if candidate else {})}
    answer = aws.client("lambda", read_timeout=120).invoke(
        FunctionName=function, Qualifier=number, Payload=json.dumps(event).encode()
    )
    told = json.loads(answer["Payload"].read() or b"null")
    about = f"model {candidate['version']}" if candidate else f"version {number}"
    if "FunctionError" in answer:
        raise VersionRefused(
            f"{about} of {function} does not load; what served before still does.",
            why=str(told.get("errorMessage", told)) if isinstance(told, dict) else str(told),
        )
    wrong = [
        row
        for row, (got, expected) in enumerate(zip(told["answers"], told["expected"], strict=True), start=1)
        if not agrees(got, expected, float(told["tolerance"]))
    ]
    if wrong:
        raise VersionRefused(
            f"{about} of {function} answers {len(wrong)} golden rows otherwise than in training; "
            "what served before still does.",
            why=f"Row {wrong[0]}: {told['answers'][wrong[0] - 1]!r}, and training gave "
            f"{told['expected'][wrong[0] - 1]!r}.",
        )
    answers: Sequence[Any] = told["answers"]
    return answers
