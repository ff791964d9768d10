"""The ways into a deployed model. A door takes a body and gives one back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import botocore.exceptions

from client.errors import (
    AccessDenied,
    ClientError,
    EndpointNotFound,
    ModelFailed,
    RequestRefused,
    Unavailable,
)


@dataclass(frozen=True)
class Answer:
    """An answer, and who gave it.

    Args:
        content: the body.
        variant: the production variant that answered; None where the door has none.
        version: the artifact's version; None where the image in front of the model does not say.
    """

    content: bytes
    variant: str | None
    version: str | None


class Door(Protocol):
    """One way in."""

    name: str

    def invoke(self, body: bytes, content_type: str, accept: str, variant: str | None = None) -> Answer:
        """Send a body and return the answer.

        Args:
            body: what is sent.
            content_type: the body's media type.
            accept: the answer's.
            variant: ask this production variant; default: by their weights.

        Raises:
            ClientError: one of its kinds, by what went wrong.
        """
        ...


class SageMakerDoor:
    """A SageMaker real-time endpoint.

    Args:
        runtime: a boto3 client of `sagemaker-runtime`; its retries are for connections, throttling and 503.
        endpoint: the endpoint's name.
    """

    name = "SageMaker Runtime"

    def __init__(self, runtime: Any, endpoint: str) -> None:
        self._runtime, self._endpoint = runtime, endpoint

    def invoke(self, body: bytes, content_type: str, accept: str, variant: str | None = None) -> Answer:
        """Send a body of 25 MB at most (4 MB to a serverless endpoint); the endpoint has 60 s."""
        target = {"TargetVariant": variant} if variant else {}
        try:
            answer = self._runtime.invoke_endpoint(
                EndpointName=self._endpoint, Body=body, ContentType=content_type, Accept=accept, **target
            )
            return Answer(
                answer["Body"].read(),
                answer.get("InvokedProductionVariant"),
                _attributes(answer.get("CustomAttributes", "")).get("version"),
            )
        except botocore.exceptions.ClientError as error:
            raise _typed(error, self._endpoint) from error
        except botocore.exceptions.BotoCoreError as error:
            raise Unavailable(f"{self._endpoint} could not be reached: {error}") from error


def _attributes(text: str) -> dict[str, str]:
    """Read what our containers put into the one header that SageMaker passes on: name=value;name=value."""
    return dict(part.partition("=")[::2] for part in text.split(";"))


def _typed(error: botocore.exceptions.ClientError, endpoint: str) -> ClientError:
    code = error.response["Error"]["Code"]
    message = str(error.response["Error"].get("Message", ""))
    if code == "ModelError":
        status = int(error.response.get("OriginalStatusCode", 500))
        original = str(error.response.get("OriginalMessage", message))
        return RequestRefused.from_body(original) if 400 <= status < 500 else ModelFailed(message)
    if code in ("ValidationError", "ValidationException"):
        if "not found" in message:
            return EndpointNotFound(f"{endpoint} is not there: {message}")
        return RequestRefused(
            message, code="validation", hint="Send fewer rows at once: a body has 25 MB at most."
        )
    if code in (
        "AccessDeniedException",
        "AccessDenied",
        "UnrecognizedClientException",
        "InvalidClientTokenId",
    ):
        return AccessDenied(message)
    return Unavailable(f"{endpoint}: {code}: {message}")
