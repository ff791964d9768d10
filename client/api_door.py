"""The way in over HTTPS: API Gateway, in front of a function or of an endpoint."""

from __future__ import annotations

import socket
import time
from collections.abc import Callable
from typing import Any

import botocore.exceptions
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.httpsession import URLLib3Session

from client.errors import Unavailable
from client.http_door import HttpDoor, Reply

_SERVICE = "execute-api"
_CONNECT_S = 5.0
# API Gateway gives a request 29 s; one more for the way back.
_READ_S = 30.0


class ApiDoor(HttpDoor):
    """One API of a model: bodies of 10 MB at most (6 MB where a function answers); the model has 29 s.

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
        super().__init__(url, pause)
        self._credentials, self._region, self._key = credentials, region, key
        self._http = URLLib3Session(
            timeout=(_CONNECT_S, _READ_S),
            max_pool_connections=32,
            # A body goes behind its headers; without this it would wait 40 ms for their acknowledgement.
            socket_options=[(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)],
        )

    def _send_once(self, route: str, body: bytes | None, headers: dict[str, str]) -> Reply:
        if self._key:
            headers["x-api-key"] = self._key
        request = AWSRequest("GET" if body is None else "POST", self.url + route, headers, body)
        if self._credentials is not None:
            # Credentials of a role expire: what is frozen is frozen for one request.
            frozen = self._credentials.get_frozen_credentials()
            SigV4Auth(frozen, _SERVICE, self._region).add_auth(request)
        try:
            answer = self._http.send(request.prepare())
        except (botocore.exceptions.HTTPClientError, botocore.exceptions.EndpointConnectionError) as error:
            raise Unavailable(f"{self.url} could not be reached: {error}") from error
        return (
            answer.status_code,
            {name.lower(): value for name, value in answer.headers.items()},
            answer.content,
        )
