"""Checks of APIs: who may call, what passes, what is logged, and how errors look."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

from stacks.template_reading import Hit, Template, resources, strings

# Those that callers meet; AWS's own bodies have another shape.
_TYPES = {
    "ACCESS_DENIED",
    "BAD_REQUEST_BODY",
    "DEFAULT_4XX",
    "DEFAULT_5XX",
    "EXPIRED_TOKEN",
    "INTEGRATION_FAILURE",
    "INTEGRATION_TIMEOUT",
    "INVALID_API_KEY",
    "INVALID_SIGNATURE",
    "MISSING_AUTHENTICATION_TOKEN",
    "QUOTA_EXCEEDED",
    "REQUEST_TOO_LARGE",
    "THROTTLED",
    "UNSUPPORTED_MEDIA_TYPE",
    "WAF_FILTERED",
}
_MEMBERS = {"code", "message", "hint", "request_id"}
_ORIGIN_HEADER = "access-control-allow-origin"
_WRITTEN_BY_CALLERS = re.compile(
    r"\$(input|util|context\.(path\b|customDomain|identity\.(userAgent|user\b|apiKey\b)|requestOverride|"
    r"authorizer))"
)


def open_methods(template: Template) -> Iterator[Hit]:
    """Yield methods that ask nobody who they are, where nobody said that the API is open.

    What answers preflights tells nothing.
    """
    if template.get("Outputs", {}).get("ApiAuth", {}).get("Value") == "none":
        return
    for name, properties in _methods(template):
        preflight = properties["HttpMethod"] == "OPTIONS" and properties["Integration"]["Type"] == "MOCK"
        signed = properties.get("AuthorizationType", "NONE") != "NONE"
        if not preflight and not signed and not properties.get("ApiKeyRequired"):
            yield name, "open"


def origins_by_wildcard(template: Template) -> Iterator[Hit]:
    """Yield answers that every web site may read."""
    for kind in ("AWS::ApiGateway::Method", "AWS::ApiGateway::GatewayResponse"):
        for name, resource in resources(template, kind):
            for header, value in _members(resource["Properties"]):
                if header.lower().endswith(_ORIGIN_HEADER) and "*" in "".join(strings(value)):
                    yield name, "*"


def unlogged_stages(template: Template) -> Iterator[Hit]:
    """Yield stages without an access log of their stack's, or with logs of what callers send."""
    groups = dict(resources(template, "AWS::Logs::LogGroup"))
    for name, resource in resources(template, "AWS::ApiGateway::Stage"):
        setting = resource["Properties"].get("AccessLogSetting", {})
        where = json.dumps(setting.get("DestinationArn", ""))
        if not any(f'"{group}"' in where for group in groups):
            yield name, "group"
        if not setting.get("Format") or _WRITTEN_BY_CALLERS.search(setting["Format"]):
            yield name, "format"
        for method in resource["Properties"].get("MethodSettings", [{}]):
            if method.get("DataTraceEnabled") or method.get("LoggingLevel", "OFF") != "OFF":
                yield name, "execution"
        if resource["Properties"].get("TracingEnabled") is not True:
            yield name, "tracing"


def unvalidated_methods(template: Template) -> Iterator[Hit]:
    """Yield methods that take any JSON body."""
    validators = {
        name
        for name, resource in resources(template, "AWS::ApiGateway::RequestValidator")
        if resource["Properties"].get("ValidateRequestBody") is True
    }
    for name, properties in _methods(template):
        by = properties.get("RequestValidatorId", {}).get("Ref")
        models = properties.get("RequestModels", {})
        if properties["HttpMethod"] == "POST" and (by not in validators or "application/json" not in models):
            yield name, ""


def other_error_shapes(template: Template) -> Iterator[Hit]:
    """Yield APIs with a kind of error that has not the one shape of all errors."""
    for name, _ in resources(template, "AWS::ApiGateway::RestApi"):
        ours = {
            properties["ResponseType"]
            for _, resource in resources(template, "AWS::ApiGateway::GatewayResponse")
            if (properties := resource["Properties"]).get("RestApiId") == {"Ref": name}
            and _has_shape(properties.get("ResponseTemplates", {}).get("application/json", ""))
        }
        for kind in sorted(_TYPES - ours):
            yield name, kind


def _has_shape(template: str) -> bool:
    try:
        # AWS puts a JSON string in the place of this variable.
        body = json.loads(template.replace("$context.error.messageString", '""'))
    except ValueError:
        return False
    return isinstance(body, dict) and set(body.get("error", {})) == _MEMBERS


def _methods(template: Template) -> Iterator[tuple[str, Mapping[str, Any]]]:
    for name, resource in resources(template, "AWS::ApiGateway::Method"):
        yield name, resource["Properties"]


def _members(value: Any) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping):
        yield from value.items()
        for inner in value.values():
            yield from _members(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _members(inner)
