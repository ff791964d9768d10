"""Mapping templates: Velocity, with the variables that API Gateway gives it.

Source: "Mapping template transformations for REST APIs" and "Variables for data transformations" in the API
Gateway developer guide. `$input`, `$util`, `$context` and `$stageVariables` are there, and the methods of
Java's strings, lists and maps that templates commonly call. What is not fails the request and says so,
where AWS would do it.
"""

import base64
import binascii
import json
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any
from urllib.parse import quote_plus, unquote_plus

import airspeed
from airspeed import operators

from localaws.apigateway.errors import GatewayError, misconfigured
from localaws.apigateway.exchange import Exchange

_STEP = re.compile(r"\.([\w-]+)|\[(\d+)\]|\['([^']*)'\]|\[\"([^\"]*)\"\]")
# Java's methods that the engine does not bring.
operators.__additional_methods__[str] |= {
    "endsWith": str.endswith,
    "equals": lambda text, other: text == other,
    "equalsIgnoreCase": lambda text, other: text.casefold() == str(other).casefold(),
    "isEmpty": lambda text: not text,
    "toLowerCase": str.lower,
    "toUpperCase": str.upper,
    "trim": str.strip,
    "toString": lambda text: text,
}
operators.__additional_methods__[dict] |= {
    "containsKey": lambda members, name: name in members,
    "size": len,
    "isEmpty": lambda members: not members,
    "entrySet": lambda members: [{"key": name, "value": value} for name, value in members.items()],
}


class Overrides:
    """What a template set: `$context.requestOverride` or `$context.responseOverride`."""

    def __init__(self) -> None:
        self.members: dict[str, Any] = {"header": {}, "path": {}, "querystring": {}}

    @property
    def status(self) -> int | None:
        """The status, where the template set one."""
        status = self.members.get("status")
        return int(status) if status is not None else None

    @property
    def headers(self) -> dict[str, str]:
        """The headers that the template set."""
        return {str(name): str(value) for name, value in self.members["header"].items()}


def render(template: str, body: str, exchange: Exchange, *, request: bool) -> tuple[str, Overrides]:
    """Return the text and what the template overrode.

    `body` is `$input.body`: the client's where `request`, else the service's. Raises GatewayError: 400
    where the client's body had to be JSON and is not, 500 where the template is wrong.
    """
    overrides = Overrides()
    context = exchange.context()
    context["requestOverride" if request else "responseOverride"] = overrides.members
    variables = {
        "input": _Input(body, exchange, request=request),
        "util": _Util(),
        "context": context,
        "stageVariables": dict(exchange.stage.variables),
    }
    try:
        return _compiled(template).merge(variables), overrides
    except airspeed.TemplateError as error:
        if isinstance(error.__cause__, GatewayError):
            raise error.__cause__ from error
        raise misconfigured(f"the mapping template does not work: {error}") from error


@lru_cache(256)
def _compiled(template: str) -> Any:
    return airspeed.Template(template)


class _Input:
    """`$input`."""

    def __init__(self, body: str, exchange: Exchange, *, request: bool) -> None:
        self.body = body
        self._exchange = exchange
        self._request = request

    def path(self, path: str) -> Any:
        """Return what is at a path of the body, as an object; None where nothing is."""
        found = self._document()
        position = 1
        if not path.startswith("$"):
            raise misconfigured(f"$input takes JSON paths that begin with $, not {path!r}")
        while position < len(path):
            match = _STEP.match(path, position)
            if match is None:
                raise misconfigured(f"$input here takes members and indices, not {path!r}")
            name = next(group for group in match.groups() if group is not None)
            found = _member(found, name)
            position = match.end()
        return found

    def json(self, path: str) -> str:
        """Return what is at a path of the body, as JSON; an empty string where nothing is."""
        found = self.path(path)
        return '""' if found is None else json.dumps(found, separators=(",", ":"), ensure_ascii=False)

    def params(self, name: str | None = None) -> Any:
        """Return all parameters by place, those of one place, or one by its name.

        Path, query string, headers.
        """
        request, route = self._exchange.request, self._exchange.route
        places: dict[str, dict[str, str]] = {
            "path": dict(route.path_parameters) if route else {},
            "querystring": dict(request.query),
            "header": dict(request.headers),
        }
        if name is None or name in places:
            return places[name] if name else places
        for place in ("path", "querystring"):
            if name in places[place]:
                return places[place][name]
        return request.header(name)

    def _document(self) -> Any:
        try:
            return json.loads(self.body) if self.body else None
        except ValueError as error:
            if self._request:
                text = f"Could not parse request body into json: {error}"
                raise GatewayError("BAD_REQUEST_BODY", text) from error
            raise misconfigured(
                f"the answer is no JSON, but the template reads it as such: {error}"
            ) from error


class _Util:
    """`$util`."""

    @staticmethod
    def escapeJavaScript(text: Any) -> str:  # noqa: N802  Java's name
        """Escape quotes, backslashes, slashes, control characters and all beyond ASCII."""
        plain = "" if text is None else str(text)
        return json.dumps(plain)[1:-1].replace("'", "\\'").replace("/", "\\/")

    @staticmethod
    def parseJson(text: str) -> Any:  # noqa: N802  Java's name
        """Return the object that a JSON text describes."""
        try:
            return json.loads(text)
        except ValueError as error:
            raise misconfigured(f"$util.parseJson got no JSON: {error}") from error

    @staticmethod
    def urlEncode(text: str) -> str:  # noqa: N802  Java's name
        """Escape for a form or query string: a space becomes a plus."""
        return quote_plus(text)

    @staticmethod
    def urlDecode(text: str) -> str:  # noqa: N802  Java's name
        """Undo urlEncode."""
        return unquote_plus(text)

    @staticmethod
    def base64Encode(text: str) -> str:  # noqa: N802  Java's name
        """Return the UTF-8 bytes of a text in base64."""
        return base64.b64encode(str(text).encode()).decode()

    @staticmethod
    def base64Decode(text: str) -> str:  # noqa: N802  Java's name
        """Return the text that was encoded."""
        try:
            return base64.b64decode(text, validate=True).decode(errors="replace")
        except binascii.Error as error:
            raise misconfigured(f"$util.base64Decode got no base64: {error}") from error

    def __getattr__(self, name: str) -> Any:
        raise misconfigured(f"$util.{name} is not among what the embedded AWS has")


def _member(found: Any, name: str) -> Any:
    if isinstance(found, Mapping):
        return found.get(name)
    if isinstance(found, list) and name.isdecimal() and int(name) < len(found):
        return found[int(name)]
    return None
