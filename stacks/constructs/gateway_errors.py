"""What API Gateway answers by itself, in the one shape of all errors.

A template of a gateway response is no VTL: AWS puts in the variables and nothing else. `messageString` is a
JSON string, quotes included. `validationErrorString`, which says what a body lacks, has bare quotes in it
(around names of members), and nothing here could escape them: it is left out, as no JSON could hold it.
Source: "Gateway responses for REST APIs in API Gateway" in the developer guide.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from aws_cdk import aws_apigateway as apigateway
from constructs import Construct

_MESSAGE = "$context.error.messageString"
_SIGN = "Sign the request with Signature Version 4 for the service execute-api."
_KEY = "Send a key of the usage plan in the header x-api-key."
_LATER = "Send it again, a little later each time."
_TELL = "It is no fault of the request; whoever runs the API finds it in the logs by request_id."
# A day's quota is full, and a second's rate.
RETRY_AFTER_S: Final = {"THROTTLED": 1, "QUOTA_EXCEEDED": 3600}


@dataclass(frozen=True)
class _Said:
    """What is said of one type: AWS's message where there is none of ours, and what to do."""

    hint: str
    message: str | None = None


# Every type that AWS has. Messages of 5xx are ours: AWS's may say how things are inside.
RESPONSES: Final[Mapping[str, _Said]] = {
    "ACCESS_DENIED": _Said("Whose signature it is must be allowed execute-api:Invoke on this route."),
    "API_CONFIGURATION_ERROR": _Said(_TELL, "The API is set up wrongly."),
    "AUTHORIZER_CONFIGURATION_ERROR": _Said(_TELL, "The API is set up wrongly."),
    "AUTHORIZER_FAILURE": _Said(_LATER, "Who is calling could not be found out."),
    "BAD_REQUEST_BODY": _Said(""),  # made of the signature
    "BAD_REQUEST_PARAMETERS": _Said("Look at /openapi.json for what the route takes."),
    "DEFAULT_4XX": _Said("Look at /openapi.json for what the API takes."),
    "DEFAULT_5XX": _Said(_TELL, "The API could not answer."),
    "EXPIRED_TOKEN": _Said("Get new credentials, and sign again."),
    "INTEGRATION_FAILURE": _Said(_LATER, "The model gave no answer."),
    "INTEGRATION_TIMEOUT": _Said(
        "Send fewer rows; for many of them there is slipway batch.", "The model took too long."
    ),
    "INVALID_API_KEY": _Said(_KEY),
    "INVALID_SIGNATURE": _Said(_SIGN + " Sign exactly what is sent, by a clock that is right."),
    "MISSING_AUTHENTICATION_TOKEN": _Said(""),  # depends on what a caller has to show
    "QUOTA_EXCEEDED": _Said("The key's requests of this day are used up."),
    "REQUEST_TOO_LARGE": _Said("Send the rows in several requests."),
    "RESOURCE_NOT_FOUND": _Said("The routes are in /openapi.json."),
    "THROTTLED": _Said(_LATER),
    "UNAUTHORIZED": _Said("Show who is calling: " + _SIGN),
    "UNSUPPORTED_MEDIA_TYPE": _Said("Send application/json."),
    "WAF_FILTERED": _Said("A rule of the firewall took it for an attack, or too many came.", "Refused."),
}


@dataclass(frozen=True, kw_only=True)
class GatewayErrorsProps:
    """What GatewayErrors needs to know."""

    api: apigateway.RestApi
    signed: bool
    """Whether a caller has to sign."""
    body_hint: str
    """What to send, for a body that the request models do not take."""
    origins: Sequence[str]
    """The web sites that may read answers; see cors_headers."""


class GatewayErrors(Construct):
    """A gateway response for each type, as {"error": {"code", "message", "hint", "request_id"}}."""

    def __init__(self, scope: Construct, construct_id: str, *, props: GatewayErrorsProps) -> None:
        super().__init__(scope, construct_id)
        allowed = cors_headers(props.origins)
        hints = {
            "BAD_REQUEST_BODY": props.body_hint,
            # AWS says so of a path that there is none of, too.
            "MISSING_AUTHENTICATION_TOKEN": f"No such route, or no signature. {_SIGN}"
            if props.signed
            else "No such route: they are in /openapi.json.",
        }
        for kind, said in RESPONSES.items():
            wait = {"Retry-After": f"'{RETRY_AFTER_S[kind]}'"} if kind in RETRY_AFTER_S else {}
            apigateway.GatewayResponse(
                self,
                kind.title().replace("_", ""),
                rest_api=props.api,
                type=apigateway.ResponseType.of(kind),
                response_headers={**allowed, **wait} or None,
                templates={
                    "application/json": error_template(kind.lower(), said.message, hints.get(kind, said.hint))
                },
            )


def error_template(code: str, message: str | None, hint: str) -> str:
    """Return an error's template; it is as good where VTL is spoken, as both know $context.

    Args:
        code: a word for programs.
        message: what happened; None is what API Gateway says.
        hint: what to do.
    """
    said = _MESSAGE if message is None else escaped(message)
    return (
        f'{{"error": {{"code": "{code}", "message": {said}, "hint": {escaped(hint)}, '
        '"request_id": "$context.requestId"}}'
    )


def escaped(text: str) -> str:
    """Return a JSON string in which no template sees a variable or a directive."""
    return json.dumps(text).replace("$", "\\u0024").replace("#", "\\u0023")


def cors_headers(origins: Sequence[str]) -> dict[str, str]:
    """Return the header that lets one web site read an answer that no code writes.

    It is a constant, as such answers have nothing to compare an Origin with; for several sites there is none,
    and their pages see that a request failed and not why.
    """
    return {"Access-Control-Allow-Origin": f"'{origins[0]}'"} if len(origins) == 1 else {}
