"""The integration AWS_PROXY: the request as an event for a function, and the function's answer as the
response.

Sources: "Lambda proxy integrations in API Gateway" and "Content type conversions in API Gateway" in the API
Gateway developer guide, "Handling Lambda errors with an API Gateway API" in Lambda's: what Lambda refuses
is 500, a function that fails or answers anything else than a response is 502. A payload above Lambda's
limit is 413 with "Request Too Long", as the service is seen to answer.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from localaws.apigateway.errors import GatewayError, failed, misconfigured
from localaws.apigateway.exchange import Exchange
from localaws.apigateway.integrations.lambda_event import event_of
from localaws.apigateway.request import Answer, Request, matches
from localaws.apigateway.stage import Route

# Source: Lambda's "Request must be smaller than 6291456 bytes"; answers may have 100 more.
MAX_EVENT_BYTES = 6 * 1024 * 1024
MAX_RESULT_BYTES = MAX_EVENT_BYTES + 100
_FUNCTION = re.compile(r"arn:aws[^/]*:lambda:path/2015-03-31/functions/(?P<arn>arn:[^/]+)/invocations")
# A function's headers that go out under another name. Source: "Amazon API Gateway important notes".
_REMAPPED = {
    "connection",
    "content-length",
    "date",
    "host",
    "server",
    "transfer-encoding",
    "www-authenticate",
}


@dataclass(frozen=True)
class Invocation:
    """What came of a call.

    The function's `payload`, whether it `failed`, or why Lambda `refused` the call.
    """

    payload: Any = None
    failed: bool = False
    refused: str = ""


class Functions(Protocol):
    """Lambda, as API Gateway calls it."""

    async def invoke(self, function_arn: str, event: Mapping[str, Any], source_arn: str) -> Invocation:
        """Call a function, version or alias for the method `source_arn`, where its policy allows that."""


async def answered(functions: Functions, exchange: Exchange, route: Route) -> Answer:
    """Return what the function answered. Raises GatewayError."""
    match = _FUNCTION.fullmatch(str(route.integration.get("uri", "")))
    if match is None:
        raise misconfigured(f"{route.integration.get('uri')} names no Lambda function")
    event = event_of(exchange, route)
    # Characters beyond ASCII are sent as they are, so the length is that of the UTF-8 text.
    if len(json.dumps(event, ensure_ascii=False).encode(errors="replace")) > MAX_EVENT_BYTES:
        exchange.integration_status = 413
        raise GatewayError(
            "REQUEST_TOO_LARGE", "Request Too Long", detail="The event is above Lambda's limit"
        )
    source = exchange.stage.arn(route.method["httpMethod"].replace("ANY", "*"), route.resource["path"])
    invocation = await functions.invoke(match["arn"], event, source)
    if invocation.refused:
        raise misconfigured(invocation.refused)
    exchange.integration_status = 200
    if invocation.failed:
        raise failed(f"The function failed: {_type(invocation.payload)}")
    return _answer(
        invocation.payload, exchange.request, exchange.stage.deployment.api.get("binaryMediaTypes")
    )


def _type(payload: Any) -> str:
    return (
        str(payload.get("errorType") or payload.get("errorMessage"))
        if isinstance(payload, dict)
        else "unknown"
    )


def _answer(payload: Any, request: Request, binary_types: object) -> Answer:
    """Return the response that a function's answer describes. Raises GatewayError where it describes none.

    Inferred: an answer without `statusCode` counts as malformed, since the guide asks for it.
    """
    if not isinstance(payload, dict) or len(json.dumps(payload).encode()) > MAX_RESULT_BYTES:
        raise failed("Malformed Lambda proxy response")
    status, body = payload.get("statusCode"), payload.get("body")
    single, multiple = payload.get("headers") or {}, payload.get("multiValueHeaders") or {}
    if not _is_status(status) or not isinstance(body, str | None) or not _are_headers(single, multiple):
        raise failed("Malformed Lambda proxy response")
    content = (body or "").encode(errors="replace")
    # Only the first type of Accept decides.
    wanted = (request.header("accept") or "*/*").partition(",")[0]
    if payload.get("isBase64Encoded") and matches(wanted, binary_types):
        try:
            content = base64.b64decode(body or "", validate=True)
        except binascii.Error as error:
            raise misconfigured("Unable to base64 decode the body.") from error
    merged = {name.lower(): (name, [_plain(value)]) for name, value in single.items()}
    merged |= {name.lower(): (name, [_plain(value) for value in values]) for name, values in multiple.items()}
    headers = [
        (f"x-amzn-Remapped-{name}" if key in _REMAPPED else name, value)
        for key, (name, values) in merged.items()
        for value in values
    ]
    if "content-type" not in merged:
        headers.append(("Content-Type", "application/json"))
    return Answer(int(str(status)), headers, content)


def _is_status(status: Any) -> bool:
    text = str(status)
    return not isinstance(status, bool) and text.isdecimal() and 100 <= int(text) <= 599


def _are_headers(single: Any, multiple: Any) -> bool:
    return (
        isinstance(single, dict)
        and isinstance(multiple, dict)
        and all(isinstance(value, str | int | float) for value in single.values())
        and all(isinstance(values, list) for values in multiple.values())
    )


def _plain(value: Any) -> str:
    # A line break in a value would be another header.
    return ("true" if value else "false") if isinstance(value, bool) else re.sub(r"[\r\n]+", " ", str(value))
