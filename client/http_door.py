"""What the doors over HTTP share: attempts, and the type of what went wrong."""

from __future__ import annotations

import json
import random
import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any

from client.doors import Answer
from client.errors import (
    AccessDenied,
    ClientError,
    EndpointNotFound,
    ModelFailed,
    RequestRefused,
    Unavailable,
)

VERSION_HEADER = "x-slipway-model-version"
Reply = tuple[int, dict[str, str], bytes]
"""Status, headers by lower-case name, and body."""
_ATTEMPTS = 4
# Predicting twice does no harm, so whatever may pass is tried again.
_PASSING = (429, 502, 503, 504)
# A quota is by the day.
_LASTING = "quota_exceeded"


class HttpDoor(ABC):
    """An address that takes rows at `/predict`.

    Args:
        url: the address.
        pause: waits some seconds between two attempts.
    """

    name: str

    def __init__(self, url: str, pause: Callable[[float], None] = time.sleep) -> None:
        self.url = url if url.endswith("/") else f"{url}/"
        self._pause = pause

    @abstractmethod
    def _send_once(self, route: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        """Send one request.

        Raises:
            Unavailable: nobody answered.
        """

    def invoke(self, body: bytes, content_type: str, accept: str, variant: str | None = None) -> Answer:
        """Send a body to `/predict`, and return the answer.

        Raises:
            ClientError: one of its kinds, by what went wrong; also where a variant is asked for.
        """
        if variant is not None:
            raise ClientError(f"{self.name} does not choose a variant; SageMaker Runtime does.")
        status, headers, content = self.send("predict", body, content_type, accept)
        if status != 200:
            raise _typed(status, content.decode("utf-8", "replace"), self.url)
        return Answer(content, None, headers.get(VERSION_HEADER))

    def send(
        self, route: str, body: bytes | None, content_type: str = "application/json", accept: str = "*/*"
    ) -> Reply:
        """Send a request, again while it may help, and return status, headers by lower-case name, and body.

        Args:
            route: below the address, without a slash at its start.
            body: what is posted; None gets.
            content_type: the body's media type.
            accept: the answer's.

        Raises:
            Unavailable: nobody answered.
        """
        wanted = {"Accept": accept} | ({} if body is None else {"Content-Type": content_type})
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                status, headers, content = self._send_once(route, body, dict(wanted))
                passing = (
                    status in _PASSING and _error(content.decode("utf-8", "replace")).get("code") != _LASTING
                )
                if not passing or attempt == _ATTEMPTS:
                    return status, headers, content
            except Unavailable:
                if attempt == _ATTEMPTS:
                    raise
            self._pause(random.random() * 2 ** (attempt - 1))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")


def _error(body: str) -> dict[str, Any]:
    """Return what is below `error` in a body of our shape; nothing of another."""
    try:
        found = json.loads(body)["error"]
    except (ValueError, KeyError, TypeError):
        return {}
    return found if isinstance(found, dict) else {}


def _typed(status: int, body: str, url: str) -> ClientError:
    error = _error(body)
    parts = (error.get("message"), error.get("hint"))
    told = " ".join(str(part) for part in parts if part) or body.strip()[:500] or f"status {status}"
    if request := error.get("request_id"):
        told += f" (request {request})"
    if status in (401, 403):
        return AccessDenied(told)
    if status == 404:
        return EndpointNotFound(f"{url} is not there: {told}")
    if status in (429, 503):
        return Unavailable(f"{url}: {told}")
    # 424 is SageMaker's word for a model that failed, behind an endpoint's API.
    if status >= 500 or status == 424:
        return ModelFailed(told)
    return RequestRefused.from_body(body)
