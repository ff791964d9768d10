"""How a request becomes what an integration gets, and how its answer becomes a response.

Source: "Set up an integration request", "Set up an integration response", "Integration request passthrough
behavior" and "Content type conversions in API Gateway" in the API Gateway developer guide.
"""

import base64
import binascii
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from localaws.apigateway import velocity
from localaws.apigateway.errors import GatewayError, misconfigured
from localaws.apigateway.exchange import Exchange, looked_up
from localaws.apigateway.request import Answer, matches
from localaws.apigateway.stage import Json, Route

_JSON = "application/json"


@dataclass(frozen=True)
class Outgoing:
    """What an integration gets: headers in lower case, parts of its path, and a body."""

    headers: Mapping[str, str]
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    templated: bool


@dataclass(frozen=True)
class Incoming:
    """What an integration answered; the headers' names are in lower case."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


def outgoing(exchange: Exchange, route: Route) -> Outgoing:
    """Return the integration request. Raises GatewayError."""
    integration = route.integration
    template = _request_template(integration, exchange.request.media_type)
    places: dict[str, dict[str, str]] = {"header": {}, "path": {}, "querystring": {}}
    for target, source in (integration.get("requestParameters") or {}).items():
        place, _, name = target.removeprefix("integration.request.").partition(".")
        value = _request_value(source, exchange, route)
        if value is not None:
            places[place][name.lower() if place == "header" else name] = value
    body = _converted(exchange, integration.get("contentHandling"))
    if template is not None:
        text, overrides = velocity.render(template, body.decode(errors="replace"), exchange, request=True)
        body = text.encode()
        for place, values in places.items():
            set_here = overrides.members[place].items()
            values |= {
                str(key).lower() if place == "header" else str(key): str(value) for key, value in set_here
            }
    return Outgoing(places["header"], places["path"], places["querystring"], body, template is not None)


def _request_template(integration: Json, media_type: str) -> str | None:
    """Return the template of a content type, or None where the body passes as it is."""
    templates: Mapping[str, str] = integration.get("requestTemplates") or {}
    template = templates.get(media_type, templates.get("$default"))
    behaviour = integration.get("passthroughBehavior") or "WHEN_NO_MATCH"
    if template is None and (behaviour == "NEVER" or (behaviour == "WHEN_NO_TEMPLATES" and templates)):
        raise GatewayError("UNSUPPORTED_MEDIA_TYPE", "Unsupported Media Type")
    return template


def _converted(exchange: Exchange, handling: str | None) -> bytes:
    request = exchange.request
    binary = matches(request.header("content-type"), exchange.stage.deployment.api.get("binaryMediaTypes"))
    if handling == "CONVERT_TO_TEXT" and binary:
        return base64.b64encode(request.body)
    if handling == "CONVERT_TO_BINARY" and not binary:
        return _decoded(request.body)
    # What is no binary type passes as text.
    return request.body if binary else request.body.decode(errors="replace").encode()


def _request_value(source: str, exchange: Exchange, route: Route) -> str | None:
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    kind, _, rest = source.partition(".")
    if kind == "context":
        found = looked_up(exchange.context(), rest)
        return None if found is None else str(found)
    if kind == "stageVariables":
        return exchange.stage.variables.get(rest)
    place, _, name = rest.removeprefix("request.").partition(".")
    if kind != "method" or place not in ("header", "querystring", "path"):
        raise misconfigured(f"the mapping {source} is not among what the embedded AWS has")
    if place == "header":
        return exchange.request.header(name) or None
    return (
        dict(exchange.request.query).get(name) if place == "querystring" else route.path_parameters.get(name)
    )


def response(exchange: Exchange, route: Route, came: Incoming) -> Answer:
    """Return the response that the integration's answer maps to.

    Raises GatewayError: 500 where none matches.
    """
    exchange.integration_status = came.status
    entry = _selected(route.integration.get("integrationResponses") or {}, str(came.status))
    if entry is None:
        raise misconfigured(
            f"No match for output mapping and no default output mapping configured: {came.status}"
        )
    status = int(entry["statusCode"])
    declared = route.method.get("methodResponses") or {}
    if str(status) not in declared:
        raise misconfigured(f"Output mapping refers to an invalid method response: {status}")
    headers = {"Content-Type": _JSON}
    body = _response_body(exchange, entry, came)
    overrides = velocity.Overrides()
    if templates := entry.get("responseTemplates") or {}:
        wanted = exchange.request.header("accept").partition(",")[0].partition(";")[0].strip()
        media_type = wanted if wanted in templates else _JSON if _JSON in templates else next(iter(templates))
        text, overrides = velocity.render(
            templates[media_type] or "", body.decode(errors="replace"), exchange, request=False
        )
        headers, body = {"Content-Type": media_type}, text.encode()
    for target, source in (entry.get("responseParameters") or {}).items():
        value = _response_value(source, exchange, came)
        if value is not None:
            _set(headers, target.removeprefix("method.response.header."), value)
    for name, value in overrides.headers.items():
        _set(headers, name, value)
    return Answer.of(overrides.status or status, headers, body)


def _selected(entries: Mapping[str, Json], status: str) -> Json | None:
    """Return the response whose pattern the status matches, else the one that has no pattern."""
    ordered = list(entries.values())
    for entry in ordered:
        if (pattern := entry.get("selectionPattern")) and re.fullmatch(pattern, status):
            return entry
    return next((entry for entry in ordered if not entry.get("selectionPattern")), None)


def _response_body(exchange: Exchange, entry: Json, came: Incoming) -> bytes:
    types = exchange.stage.deployment.api.get("binaryMediaTypes")
    binary = matches(came.headers.get("content-type", ""), types)
    wanted = matches(exchange.request.header("accept").partition(",")[0], types)
    handling = entry.get("contentHandling")
    if binary and (handling == "CONVERT_TO_TEXT" or (handling is None and not wanted)):
        return base64.b64encode(came.body)
    if not binary and (handling == "CONVERT_TO_BINARY" or (handling is None and wanted)):
        return _decoded(came.body)
    return came.body


def _response_value(source: str, exchange: Exchange, came: Incoming) -> str | None:
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    kind, _, rest = source.partition(".")
    if kind == "context":
        found: Any = looked_up(exchange.context(), rest)
        return None if found is None else str(found)
    if kind == "stageVariables":
        return exchange.stage.variables.get(rest)
    if not rest.startswith("response.header."):
        raise misconfigured(f"the mapping {source} is not among what the embedded AWS has")
    return came.headers.get(rest.removeprefix("response.header.").lower())


def _set(headers: dict[str, str], name: str, value: str) -> None:
    for there in [key for key in headers if key.lower() == name.lower()]:
        del headers[there]
    headers[name] = re.sub(r"[\r\n]+", " ", value)  # a line break would begin another header


def _decoded(body: bytes) -> bytes:
    try:
        return base64.b64decode(body, validate=True)
    except binascii.Error as error:
        raise misconfigured("Unable to base64 decode the body.") from error
