"""From a request to its answer: the order in which API Gateway looks at things."""

import asyncio
import time
import traceback
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.apigateway import gateway_responses, routing, validation
from localaws.apigateway.errors import GatewayError, misconfigured, missing_token, timed_out
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.integrations import lambda_proxy, mock, sagemaker
from localaws.apigateway.records import Recorder
from localaws.apigateway.request import Answer, Request
from localaws.apigateway.stage import Route, Stage
from localaws.apigateway.throttling import Throttle
from localaws.apigateway.waf import Firewall

_TIMEOUT_MS = 29_000
_LARGE_BYTES = 64 * 1024


class Apis(Protocol):
    """The control plane."""

    def stage(self, api_id: str, name: str) -> Stage | None:
        """Return a stage with the deployment that it names."""


class Callers(Protocol):
    """Who calls, and whether the API lets them."""

    async def authorize(self, exchange: Exchange, route: Route) -> None:
        """Check the method's kind of authorization, and put who calls into the exchange.

        Raises GatewayError.
        """


@dataclass(frozen=True)
class Parts:
    """What the gateway works with."""

    apis: Apis
    callers: Callers
    throttle: Throttle
    functions: lambda_proxy.Functions
    sagemaker: sagemaker.SageMakerIntegration
    recorder: Recorder
    firewall: Firewall


class Gateway:
    """Answers the requests of every stage of every API."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def answer(self, request: Request) -> Answer:
        """Return the answer to one request, with the headers that tell requests apart."""
        stage = self._parts.apis.stage(request.api_id, request.stage)
        if stage is None:
            headers = {"Content-Type": "application/json", "x-amzn-ErrorType": "ForbiddenException"}
            answer = Answer.of(403, headers, b'{"message":"Forbidden"}')
        else:
            exchange = Exchange(request, stage)
            try:
                answer = await self._served(exchange, stage)
            except GatewayError as error:
                answer = gateway_responses.rendered(error, exchange)
            except Exception as error:  # whatever it is: a request gets an answer
                traceback.print_exc()
                answer = gateway_responses.rendered(misconfigured(repr(error)), exchange)
            exchange.answer = answer
            self._parts.recorder.add(exchange)
        answer.headers.append(("x-amzn-RequestId", request.id))
        answer.headers.append(("x-amz-apigw-id", request.extended_id))
        if not answer.has("X-Amzn-Trace-Id"):
            answer.headers.append(("X-Amzn-Trace-Id", request.trace_id))
        return answer

    async def _served(self, exchange: Exchange, stage: Stage) -> Answer:
        request, parts = exchange.request, self._parts
        try:
            parts.firewall.check(stage, request)
        except GatewayError:
            exchange.waf_status = 403
            raise
        exchange.route = route = routing.route(stage.deployment, request.method, request.path)
        if route is None:
            raise missing_token()
        await parts.callers.authorize(exchange, route)
        key = None
        if route.method.get("apiKeyRequired"):
            key = parts.throttle.key(request.header("x-api-key"), stage)
            exchange.identity |= {"apiKey": key["value"], "apiKeyId": key["id"]}
        parts.throttle.take(stage, route, key)
        if len(request.body) > _LARGE_BYTES:  # ten thousand rows take a fifth of a second
            await asyncio.to_thread(validation.validate, stage.deployment, route, request)
        else:
            validation.validate(stage.deployment, route, request)
        return await self._integrated(exchange, route)

    async def _integrated(self, exchange: Exchange, route: Route) -> Answer:
        limit_s = int(route.integration.get("timeoutInMillis") or _TIMEOUT_MS) / 1000
        started = time.perf_counter()
        try:
            # Not wait_for: what a thread runs cannot be cancelled, and the answer must not wait for it.
            running = asyncio.ensure_future(self._run(exchange, route))
            done, _ = await asyncio.wait({running}, timeout=limit_s)
            if not done:
                running.cancel()
                raise timed_out()
            return running.result()
        finally:
            exchange.integration_ms = (time.perf_counter() - started) * 1000

    async def _run(self, exchange: Exchange, route: Route) -> Answer:
        kind: Any = route.integration.get("type")
        if kind == "AWS_PROXY":
            return await lambda_proxy.answered(self._parts.functions, exchange, route)
        if kind == "MOCK":
            return mock.answered(exchange, route)
        if kind == "AWS" and sagemaker.claims(route):
            return await self._parts.sagemaker.answered(exchange, route)
        raise misconfigured(
            f"the embedded AWS has no integration {kind} of {route.integration.get('uri')}: it runs "
            f"AWS_PROXY, MOCK, and AWS with runtime.sagemaker"
        )
