"""InvokeEndpoint: passes requests to model servers, under SageMaker's limits and with its errors."""

import time
from collections.abc import Mapping

from localaws.sagemaker import serverless
from localaws.sagemaker.endpoint import Endpoint
from localaws.sagemaker.errors import ApiError
from localaws.sagemaker.fleet import INVOCATION_TIMEOUT_S
from localaws.sagemaker.metrics import Invocation, InvocationMeter
from localaws.sagemaker.model_client import PREFIX, ModelClient, NoAnswer
from localaws.sagemaker.region import Region
from localaws.sagemaker.routing import Member, Traffic
from localaws.sagemaker.shadow import Copy, Mirror

MAX_BODY_BYTES = 25 * 1024 * 1024

Answer = tuple[int, dict[str, str], bytes]


class Runtime:
    """The data plane: who answers a request, within which limits, and who gets a copy."""

    def __init__(self, meter: InvocationMeter, timeout_s: float = INVOCATION_TIMEOUT_S) -> None:
        self._meter = meter
        self._client = ModelClient(timeout_s)
        self._mirror = Mirror(self._client, meter)

    async def invoke(self, region: Region, name: str, headers: Mapping[str, str], body: bytes) -> Answer:
        """Return the model's answer: status, headers, body. Raises ApiError; `headers` are in lower case."""
        started = time.perf_counter()
        endpoint = region.endpoints.find(name)
        entered = _entered(endpoint, headers.get(PREFIX + "target-variant"), len(body)) if endpoint else None
        if entered is None:
            raise ApiError("ValidationError", f"Endpoint {name} of account {region.scope.account} not found.")
        traffic, member = entered
        fleet, variant = member.fleet, member.variant.name
        sent = time.perf_counter()
        status = 0
        try:
            status, answer_headers, answer = await self._client.send(fleet, headers, body)
        except NoAnswer as error:
            raise _no_answer(region, name, error) from error
        finally:
            fleet.leave()
            model_us = (time.perf_counter() - sent) * 1e6
            self._meter.add(Invocation(region.scope, name, variant, status, model_us, (sent - started) * 1e6))
            # Only now: the copy starts behind the answer, and whatever that was.
            if shadow := traffic.copied_to():
                self._mirror.add(shadow, Copy(region.scope, name, headers, body))
        if not 200 <= status < 300:
            raise _model_error(region, name, status, answer)
        if len(answer) > MAX_BODY_BYTES:
            raise _model_error(region, name, status, b"could not load the entire response body")
        return 200, _answer_headers(answer_headers, variant), answer


def _entered(endpoint: Endpoint, target_variant: str | None, size: int) -> tuple[Traffic, Member] | None:
    """Return a member whose fleet this request now counts in, or None while the endpoint serves nothing.

    Raises ApiError for what the member does not take.
    """
    while traffic := endpoint.traffic:
        member = traffic.choose(target_variant)
        _check_limits(endpoint.name, member, size)
        if member.fleet.enter():
            return traffic, member
        # The fleet began to drain between the two lines above: by now the endpoint names its successor.
    return None


def _check_limits(endpoint: str, member: Member, size: int) -> None:
    limits = member.variant.serverless
    most = serverless.MAX_BODY_BYTES if limits else MAX_BODY_BYTES
    if size > most:
        raise ApiError(
            "ValidationError",
            f"Value at 'body' failed to satisfy constraint: Member must have length less than or equal to "
            f"{most}",
        )
    # All requests run on one event loop, so nothing enters between this line and the fleet's own count.
    if limits and member.fleet.in_flight >= limits.max_concurrency:
        raise serverless.throttled(endpoint, limits.max_concurrency)


def _answer_headers(headers: Mapping[str, str], variant: str) -> dict[str, str]:
    kept = {
        "Content-Type": headers.get("Content-Type", "application/octet-stream"),
        "x-Amzn-Invoked-Production-Variant": variant,
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
