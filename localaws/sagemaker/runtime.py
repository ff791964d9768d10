"""InvokeEndpoint: passes requests to model servers, under SageMaker's limits and with its errors."""

import asyncio
import time
from collections.abc import Mapping

import aiohttp

from localaws.sagemaker.endpoint import Endpoint
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import INVOCATION_TIMEOUT_S, Fleet
from localaws.sagemaker.metrics import Invocation, InvocationMeter
from localaws.sagemaker.region import Region

MAX_BODY_BYTES = 25 * 1024 * 1024
_IDLE_CONNECTION_S = (
    30  # below the 75 s after which model servers close, so that no request meets a closed one
)
_PREFIX = "x-amzn-sagemaker-"
# Containers see the headers of the API and no others.
_PASSED = frozenset(
    {"content-type", "accept"}
    | {_PREFIX + name for name in ("custom-attributes", "inference-id", "target-model", "target-variant",
       "target-container-hostname", "enable-explanations", "inference-component", "session-id")}
)  # fmt: skip

Answer = tuple[int, dict[str, str], bytes]


class Runtime:
    """The data plane. One pool of kept-alive connections serves all model servers."""

    def __init__(self, meter: InvocationMeter, timeout_s: float = INVOCATION_TIMEOUT_S) -> None:
        self._meter = meter
        self._timeout = aiohttp.ClientTimeout(total=timeout_s)
        self._session: aiohttp.ClientSession | None = None

    async def invoke(self, region: Region, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the model's answer: status, headers, body. Raises ApiError; `headers` are in lower case."""
        started = time.perf_counter()
        if len(body) > MAX_BODY_BYTES:
            raise ApiError(
                "ValidationError",
                f"Value at 'body' failed to satisfy constraint: Member must have length less than or equal "
                f"to "
                f"{MAX_BODY_BYTES}",
            )
        endpoint = region.endpoints.find(name)
        fleet = _entered(endpoint, headers.get(_PREFIX + "target-variant")) if endpoint else None
        if fleet is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {region.scope.account} not found.")
        sent = time.perf_counter()
        status = 0
        try:
            status, answer_headers, answer = await self._send(fleet, headers, body)
        except (TimeoutError, aiohttp.ClientError) as error:
            raise _no_answer(region, name, error) from error
        finally:
            fleet.leave()
            model_us = (time.perf_counter() - sent) * 1e6
            self._meter.add(
                Invocation(region.scope, name, fleet.variant.name, status, model_us, (sent - started) * 1e6)
            )
        if not 200 <= status < 300:
            raise _model_error(region, name, status, answer)
        if len(answer) > MAX_BODY_BYTES:
            raise _model_error(region, name, status, b"could not load the entire response body")
        return 200, _answer_headers(answer_headers, fleet), answer

    async def _send(
        self, fleet: Fleet, headers: Mapping[str, str], body: bytes
    ) -> tuple[int, Mapping[str, str], bytes]:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=0, keepalive_timeout=_IDLE_CONNECTION_S)
            self._session = aiohttp.ClientSession(
                connector=connector,
                timeout=self._timeout,
                auto_decompress=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        passed = {name: value for name, value in headers.items() if name in _PASSED}
        skipped = (
            "Content-Type",
            "Accept",
            "Accept-Encoding",
            "User-Agent",
        )  # what aiohttp would add by itself
        url = fleet.base_url + "/invocations"
        for attempt in (1, 2):
            try:
                async with self._session.post(
                    url, data=body, headers=passed, skip_auto_headers=skipped
                ) as answer:
                    return answer.status, answer.headers, await answer.read()
            except aiohttp.ClientConnectorError:
                # Nothing was sent, so nothing was processed: a second try is safe. Any other failure is not.
                if attempt == 2:
                    raise
                await asyncio.sleep(0.05)
        raise AssertionError("unreachable")


def _entered(endpoint: Endpoint, target_variant: str | None) -> Fleet | None:
    """Return a fleet that this request now counts in, or None while the endpoint serves nothing."""
    while traffic := endpoint.traffic:
        fleet = traffic.choose(target_variant)
        if fleet.enter():
            return fleet
        # The fleet began to drain between the two lines above: by now the endpoint names its successor.
    return None


def _answer_headers(headers: Mapping[str, str], fleet: Fleet) -> dict[str, str]:
    kept = {
        "Content-Type": headers.get("Content-Type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": fleet.variant.name,
    }
    if attributes := headers.get("X-Amzn-SageMaker-Custom-Attributes"):
        kept["X-Amzn-SageMaker-Custom-Attributes"] = attributes
    return kept


def _no_answer(region: Region, name: str, error: Exception) -> ApiError:
    if isinstance(error, TimeoutError):
        text = (
            "Your invocation timed out while waiting for a response from container primary. Review the "
            "latency "
            "metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
        )
        return _model_error(region, name, 0, text.encode())
    return ApiError("ServiceUnavailable", f"The model server gave no answer: {error}", status=503)


def _model_error(region: Region, name: str, status: int, body: bytes) -> ApiError:
    scope = region.scope
    group = f"/aws/sagemaker/Endpoints/{name}"
    text = body.decode(errors="replace")
    side = "client" if 400 <= status < 500 else "server"
    return ApiError(
        "ModelError",
        f'Received {side} error ({status}) from primary with message "{text}". See '
        f"https://{scope.region}.console"
        f".aws.amazon.com/cloudwatch/home?region={scope.region}#logEventViewer:group={group} in account "
        f"{scope.account} for more information.",
        status=424,
        ErrorCode=f"{side.upper()}_ERROR_FROM_MODEL",
        LogStreamArn=f"arn:aws:logs:{scope.region}:{scope.account}:log-group:{group}",
        OriginalMessage=text,
        OriginalStatusCode=status,
    )
