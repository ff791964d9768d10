"""After a deploy: does the endpoint run what was asked for, and does it answer as training did?"""

from __future__ import annotations

import math
import statistics
import time
from dataclasses import dataclass
from typing import Any, Literal

from client import Client, EndpointNotFound
from slipway.aws import Aws
from slipway.errors import GoldenMismatch, NotDeployed, SilentRollback
from training.artifact import Artifact

LATENCY_CALLS = 50
CHAMPION, SHADOW = "champion", "shadow"
# Classes must be equal. Numbers may differ by what another libm or BLAS makes of the same model.
RELATIVE_TOLERANCE = 1e-6


@dataclass(frozen=True)
class Replay:
    """What replaying the golden rows showed.

    Args:
        rows: how many were sent.
        agreement: the share that was answered as training did, 0 to 1.
        p50_ms: the median of one-row requests, client side, in milliseconds.
        requests: how many were sent in all.
        door: the way in that they took.
    """

    rows: int
    agreement: float
    p50_ms: float
    requests: int
    door: str


def client_for(aws: Aws, model: str, door: Literal["sagemaker", "api"] | None = None) -> Client:
    """Return the client of a deployed model; an endpoint may have an API beside its own door.

    An environment is reached by its CNAME: a domain's DNS record is made after the first deploy.

    Raises:
        NotDeployed: there is no such model.
    """
    where = {"session": aws.session, "endpoint_url": aws.endpoint_url}
    try:
        return Client.from_outputs(model, aws.stage.name, **where, door=door, by_cname=True)
    except EndpointNotFound as error:
        stage = "" if aws.stage.name == "local" else f" --stage {aws.stage.name}"
        raise NotDeployed(str(error), fix=f"Run: slipway deploy {model}{stage}") from None


def check_configuration(aws: Aws, outputs: dict[str, str]) -> None:
    """Compare the configuration that the endpoint runs with the one that its stack asked for.

    AWS can roll an update back on its own and still report the endpoint as in service.

    Raises:
        SilentRollback: they differ, or the endpoint is not in service.
    """
    endpoint = aws.client("sagemaker").describe_endpoint(EndpointName=outputs["EndpointName"])
    running, asked = endpoint["EndpointConfigName"], outputs["EndpointConfigName"]
    if running != asked or endpoint["EndpointStatus"] != "InService":
        raise SilentRollback(
            f"{outputs['EndpointName']} is {endpoint['EndpointStatus']} on configuration {running}; "
            f"the stack asked for {asked}.",
            why=str(endpoint.get("FailureReason", "AWS gives no reason.")),
            fix="Read the container's log in /aws/sagemaker/Endpoints/"
            f"{outputs['EndpointName']}, mend the model and deploy again.",
        )


def replay_golden_rows(
    client: Client, artifact: Artifact, *, variant: str | None = None, latency_calls: int = LATENCY_CALLS
) -> Replay:
    """Send the golden rows of an artifact through the model's door, and time one-row requests.

    Args:
        client: the model's.
        artifact: what should answer.
        variant: which of several production variants to ask; None where there is one.
        latency_calls: how many requests to time.

    Raises:
        GoldenMismatch: another version answers, or an answer differs from training's and no inference.py of
            a person's own may have changed it.
    """
    golden = artifact.manifest["golden"]
    wire = client.wire
    answered = client.answer(
        wire.encode(golden["rows"]), wire.content_type, wire.content_type, variant=variant
    )
    # AWS's prebuilt images do not say which version answers; the stack's output does for the champion.
    version = answered.version or (client.version if variant in (None, CHAMPION) else artifact.version)
    if version != artifact.version:
        raise GoldenMismatch(
            f"{artifact.model} serves version {version}, and {artifact.version} was to be deployed.",
            fix=f"Run: slipway deploy {artifact.model}",
        )
    answers = _decoded(client, answered.content, len(golden["rows"]))
    # What the engine was chosen by when it was compared with the model as trained; joblib needs none of it.
    tolerance = artifact.manifest["engine"].get("agreement", {}).get("tolerance") or 0.0
    wrong = [
        number
        for number, (answer, expected) in enumerate(zip(answers, golden["predictions"], strict=True), start=1)
        if not agrees(answer, expected, tolerance)
    ]
    if wrong and not artifact.manifest["hooks"]:
        first = wrong[0] - 1
        raise GoldenMismatch(
            f"{artifact.model}: {len(wrong)} of {len(answers)} golden rows are answered otherwise "
            "than in training.",
            why=f"Row {wrong[0]}: {golden['rows'][first]} gives {answers[first]!r}, and training gave "
            f"{golden['predictions'][first]!r}.",
            fix="Compare the library versions: slipway doctor",
        )
    p50_ms = _p50_ms(client, golden["rows"], variant, latency_calls)
    agreement = 1 - len(wrong) / len(answers)
    return Replay(len(answers), agreement, p50_ms, 1 + latency_calls, client.door.name)


def _decoded(client: Client, content: bytes, rows: int) -> list[Any]:
    """Return one answer a row; where hooks answer in a form of their own, each is None."""
    try:
        answers = client.wire.decode(content)
    except ValueError:
        answers = []
    return answers if isinstance(answers, list) and len(answers) == rows else [None] * rows


def agrees(answer: Any, expected: Any, tolerance: float = 0.0) -> bool:
    """Whether two predictions are the same: classes equal, numbers within a tolerance."""
    if isinstance(expected, float):
        return isinstance(answer, int | float) and math.isclose(
            answer, expected, rel_tol=RELATIVE_TOLERANCE, abs_tol=tolerance
        )
    return type(answer) is type(expected) and bool(answer == expected)


def _p50_ms(client: Client, rows: list[list[float]], variant: str | None, calls: int) -> float:
    kind = client.wire.content_type
    bodies = [client.wire.encode([row]) for row in rows]
    times = []
    for number in range(calls):
        started = time.perf_counter()
        client.answer(bodies[number % len(bodies)], kind, kind, variant=variant)
        times.append((time.perf_counter() - started) * 1000)
    return statistics.median(times)
