"""The way in over HTTPS: API Gateway, in front of a function or of an endpoint."""

from __future__ import annotations

import json
import random
import socket
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

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
_SERVICE = "execute-api"
_ATTEMPTS = 4
_CONNECT_S = 5.0
# API Gateway gives a request 29 s; one more for the way back.
_READ_S = 30.0
# Predicting twice does no harm, so whatever may pass is tried again.
_PASSING = (429, 502, 503, 504)
# A quota is by the day.
_LASTING = "quota_exceeded"


class ApiDoor:
    """One API of a model.

    Args:
        url: its address, with the stage; `ApiUrl` of the outputs.
        credentials: where requests are signed (`auth = "iam"`): botocore's, as `session.get_credentials()`
            gives them.
        region: what the signature is for; needed with credentials.
        key: where the API wants one (`auth = "api_key"`).
        pause: waits some seconds between two attempts.
    """

    name = "API Gateway"

    def __init__(
        self,
        url: str,
        *,
        credentials: Any = None,
        region: str | None = None,
        key: str | None = None,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self.url = url if url.endswith("/") else f"{url}/"
        self._credentials, self._region, self._key = credentials, region, key
        self._pause = pause
        self._http = URLLib3Session(
            timeout=(_CONNECT_S, _READ_S),
            max_pool_connections=32,
            # A body goes behind its headers; without this it would wait 40 ms for their acknowledgement.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    def invoke(self, body: bytes, content_type: str, accept: str, variant: str | None = None) -> Answer:
        """Send a body of 10 MB at most to `/predict` (6 MB where a function answers); the model has 29 s."""
        if variant is not None:
            raise ClientError("API Gateway does not choose a variant; SageMaker Runtime does.")
        status, headers, content = self.send("predict", body, content_type, accept)
        if status != 200:
            raise _typed(status, content.decode("utf-8", "replace"), self.url)
        return Answer(content, None, headers.get(VERSION_HEADER))

    def send(
        self, route: str, body: bytes | None, content_type: str = "application/json", accept: str = "*/*"
    ) -> tuple[int, dict[str, str], bytes]:
        """Send a request, again while it may help, and return status, headers by lower-case name, and body.

        Args:
            route: below the address, without a slash at its start.
            body: what is posted; None gets.
            content_type: the body's media type.
            accept: the answer's.

        Raises:
            Unavailable: nobody answered.
        """
        for attempt in range(1, _ATTEMPTS + 1):
            try:
                status, headers, content = self._send_once(route, body, content_type, accept)
                passing = (
                    status in _PASSING and _error(content.decode("utf-8", "replace")).get("code") != _LASTING
                )
                if not passing or attempt == _ATTEMPTS:
                    return status, headers, content
            except (
                botocore.exceptions.HTTPClientError,
                botocore.exceptions.EndpointConnectionError,
            ) as error:
                if attempt == _ATTEMPTS:
                    raise Unavailable(f"{self.url} could not be reached: {error}") from error
            self._pause(random.random() * 2 ** (attempt - 1))  # noqa: S311 - jitter, no secret
        raise AssertionError("unreachable")

    def _send_once(
        self, route: str, body: bytes | None, content_type: str, accept: str
    ) -> tuple[int, dict[str, str], bytes]:
        headers = {"Accept": accept} | ({} if body is None else {"Content-Type": content_type})
        if self._key:
            headers["x-api-key"] = self._key
        request = AWSRequest("GET" if body is None else "POST", self.url + route, headers, body)
        if self._credentials is not None:
            # Credentials of a role expire: what is frozen is frozen for one request.
            frozen = self._credentials.get_frozen_credentials()
            SigV4Auth(frozen, _SERVICE, self._region).add_auth(request)
        answer = self._http.send(request.prepare())
        return (
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            answer.content,
        )


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
