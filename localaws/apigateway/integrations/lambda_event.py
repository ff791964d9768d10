"""The event that a function gets for a request.

Source: "Input format of a Lambda function for proxy integration" in the API Gateway developer guide.
"""

import base64
from typing import Any

from localaws.apigateway.exchange import Exchange, request_time
from localaws.apigateway.request import Request, matches
from localaws.apigateway.stage import Route


def event_of(exchange: Exchange, route: Route) -> dict[str, Any]:
    """Return the event, in payload format 1.0 as REST APIs send it: without a version, absent maps null."""
    request, stage = exchange.request, exchange.stage
    headers = _grouped(tuple((_titled(name), value) for name, value in _forwarded(request)))
    query = _grouped(request.query)
    binary = matches(request.header("content-type"), stage.deployment.api.get("binaryMediaTypes"))
    context = {
        "resourceId": route.resource["id"],
        "resourcePath": route.resource["path"],
        "httpMethod": request.method,
        "extendedRequestId": request.extended_id,
        "requestTime": request_time(request.received),
        "path": f"/{stage.name}{request.path}",
        "accountId": stage.scope.account,
        "protocol": request.protocol,
        "stage": stage.name,
        "domainPrefix": stage.api_id,
        "requestTimeEpoch": int(request.received * 1000),
        "requestId": request.id,
        "identity": exchange.identity_members(),
        "domainName": request.header("host"),
        "deploymentId": stage.deployment.id,
        "apiId": stage.api_id,
    }
    if exchange.authorizer is not None:
        context["authorizer"] = dict(exchange.authorizer)
    return {
        "resource": route.resource["path"],
        "path": request.path,
        "httpMethod": request.method,
        "headers": {name: values[-1] for name, values in headers.items()},
        "multiValueHeaders": headers,
        "queryStringParameters": {name: values[-1] for name, values in query.items()} or None,
        "multiValueQueryStringParameters": query or None,
        "pathParameters": dict(route.path_parameters) or None,
        "stageVariables": dict(stage.variables) or None,
        "requestContext": context,
        "body": _text(request.body, binary=binary) if request.body else None,
        "isBase64Encoded": bool(request.body) and binary,
    }


def _forwarded(request: Request) -> tuple[tuple[str, str], ...]:
    """Return the headers with those that API Gateway adds.

    AWS keeps the client's case, which is lost here.
    """
    port = request.header("host").rpartition(":")[2]
    added = (
        ("x-amzn-trace-id", request.trace_id),
        ("x-forwarded-for", request.source_ip),
        ("x-forwarded-port", port if port.isdecimal() else "80"),
        ("x-forwarded-proto", "http"),
    )
    names = {name for name, _ in added} | {"connection", "content-length", "transfer-encoding"}
    return tuple(pair for pair in request.headers if pair[0] not in names) + added


def _titled(name: str) -> str:
    return "-".join(part.capitalize() for part in name.split("-"))


def _grouped(pairs: tuple[tuple[str, str], ...]) -> dict[str, list[str]]:
    grouped: dict[str, list[str]] = {}
    for name, value in pairs:
        grouped.setdefault(name, []).append(value)
    return grouped


def _text(body: bytes, *, binary: bool) -> str:
    return base64.b64encode(body).decode() if binary else body.decode(errors="replace")
