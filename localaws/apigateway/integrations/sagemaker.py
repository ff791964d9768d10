"""The integration AWS with SageMaker's runtime: InvokeEndpoint without a function in between.

The call goes to this very server over HTTP, signed with a session of the integration's role, so that IAM
decides about it. Source: "Set up an integration request" and "API Gateway as a proxy for an AWS service" in
the developer guide. Inferred: the service gets the client's content type where the body passes untouched
and no mapping names one, else JSON.
"""

import re
import threading
import time
from urllib.parse import quote

import aiohttp
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials as Keys

from localaws.apigateway.errors import misconfigured
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.mapping import Incoming, Outgoing, outgoing, response
from localaws.apigateway.request import Answer
from localaws.apigateway.stage import Route, Stage
from localaws.ports import AccessDeniedError, Credentials, RoleSessions

_URI = re.compile(r"arn:aws[^:]*:apigateway:(?P<region>[^:]+):runtime\.sagemaker:path/(?P<path>.+)")
_PRINCIPAL = "apigateway.amazonaws.com"
_KEPT_S = 60.0  # so long a change of the role's trust policy is not seen


def claims(route: Route) -> bool:
    """Whether the integration is one of these."""
    return bool(_URI.fullmatch(str(route.integration.get("uri", ""))))


class SageMakerIntegration:
    """Calls endpoints for methods, each under its integration's role."""

    def __init__(self, url: str, roles: RoleSessions) -> None:
        self._url = url
        self._roles = roles
        self._sessions: dict[str, tuple[Credentials, float]] = {}
        self._lock = threading.Lock()
        self._client: aiohttp.ClientSession | None = None

    async def answered(self, exchange: Exchange, route: Route) -> Answer:
        """Return the mapped answer of the endpoint. Raises GatewayError."""
        sent = outgoing(exchange, route)
        credentials = self._credentials(str(route.integration.get("credentials") or ""), exchange.stage)
        return response(exchange, route, await self._sent(exchange, route, sent, credentials))

    async def _sent(self, exchange: Exchange, route: Route, sent: Outgoing, keys: Credentials) -> Incoming:
        match = _URI.fullmatch(route.integration["uri"])
        if match is None:
            raise misconfigured(f"{route.integration['uri']} is no address of SageMaker's runtime")
        path = re.sub(r"\{(\w+)\}", lambda part: quote(sent.path.get(part[1], ""), safe=""), match["path"])
        passed = exchange.request.media_type if not sent.templated else "application/json"
        headers = {"content-type": passed, "accept": "application/json", **sent.headers}
        request = AWSRequest("POST", f"{self._url}/{path}", data=sent.body, headers=headers)
        session = Keys(keys.access_key_id, keys.secret_access_key, keys.session_token)
        SigV4Auth(session, "sagemaker", match["region"]).add_auth(request)
        if self._client is None:
            self._client = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0), auto_decompress=False
            )
        try:
            async with self._client.post(
                request.url, data=sent.body, headers=dict(request.headers)
            ) as answer:
                names = {name.lower(): value for name, value in answer.headers.items()}
                return Incoming(answer.status, names, await answer.read())
        except aiohttp.ClientError as error:
            raise misconfigured(f"the endpoint could not be reached: {error}") from error

    def _credentials(self, role: str, stage: Stage) -> Credentials:
        with self._lock:
            session, until = self._sessions.get(role, (None, 0.0))
            if session is None or until < time.monotonic():
                try:
                    session = self._roles.assume(
                        role, service=_PRINCIPAL, source_arn=stage.arn("*", "/*"), scope=stage.scope
                    )
                except AccessDeniedError as error:
                    text = "API Gateway does not have permission to assume the provided role"
                    raise misconfigured(f"{text}: {error}") from error
                self._sessions[role] = session, time.monotonic() + _KEPT_S
            return session
