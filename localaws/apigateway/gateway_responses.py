"""How the gateway words its own errors, and how the API's author may word them otherwise.

Sources: "Set up gateway responses to customize error responses" and "Gateway response types for API
Gateway" in the API Gateway developer guide. A template is no Velocity: variables of `$context` and
`$stageVariables` are put in, nothing else.
"""

import json
import re
from collections.abc import Mapping
from typing import Any

from localaws.apigateway.errors import GatewayError
from localaws.apigateway.exchange import Exchange, looked_up
from localaws.apigateway.request import Answer
from localaws.apigateway.stage import Json

_VARIABLE = re.compile(
    r"\$(?:\{((?:context|stageVariables)(?:\.\w+)+)\}|((?:context|stageVariables)(?:\.[A-Za-z]\w*)+))"
)
_JSON = "application/json"
_HEADER = "gatewayresponse.header."
# Its default body alone has a capital.
_DEFAULTS = {"ACCESS_DENIED": '{"Message":$context.error.messageString}'}
_DEFAULT = '{"message":$context.error.messageString}'


def rendered(error: GatewayError, exchange: Exchange) -> Answer:
    """Return the answer for an error; the request's Accept chooses among the templates, JSON comes first."""
    exchange.error = error
    response = _response(error, exchange.stage.deployment.gateway_responses)
    templates: Mapping[str, str] = response.get("responseTemplates") or {}
    media_type = _JSON if _JSON in templates else next(iter(templates), _JSON)
    template = templates.get(media_type) or _DEFAULTS.get(error.response_type, _DEFAULT)
    headers = [("Content-Type", media_type)]
    for name, source in (response.get("responseParameters") or {}).items():
        value = _value(source, exchange)
        if name.startswith(_HEADER) and value is not None:
            headers.append((name.removeprefix(_HEADER), value))
    if error.error_type:
        headers.append(("x-amzn-ErrorType", error.error_type))
    body = _VARIABLE.sub(lambda match: _text(exchange, match[1] or match[2]), template)
    status = response.get("statusCode")
    return Answer(int(status) if status else error.status, headers, body.encode())


def _response(error: GatewayError, customised: Mapping[str, Json]) -> Json:
    """Return the response of the error's type, or else its family's.

    A family's status stands for every type that has no response of its own.
    """
    family = f"DEFAULT_{str(error.status)[0]}XX"
    return customised.get(error.response_type) or customised.get(family) or {}


def _value(source: str, exchange: Exchange) -> str | None:
    """Return what a header's mapping gives: a literal in single quotes, or a value of the request."""
    if len(source) > 1 and source[0] == source[-1] == "'":
        return source[1:-1]
    kind, _, name = source.partition(".")
    if kind in ("context", "stageVariables"):
        return _text(exchange, source) or None
    if kind == "method":
        place, _, name = name.removeprefix("request.").partition(".")
        if place == "header":
            return exchange.request.header(name) or None
        if place == "querystring":
            return dict(exchange.request.query).get(name)
        if place == "path" and exchange.route:
            return exchange.route.path_parameters.get(name)
    return None


def _text(exchange: Exchange, variable: str) -> str:
    kind, _, path = variable.partition(".")
    if kind == "stageVariables":
        return str(exchange.stage.variables.get(path, ""))
    found: Any = looked_up(exchange.context(), path)
    if found is None:
        return "null" if path == "error.messageString" else ""
    return found if isinstance(found, str) else json.dumps(found)
