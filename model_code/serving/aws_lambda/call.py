"""What a request to API Gateway says, out of the event that it makes for a function.

The form is that of a REST API's proxy integration, payload 1.0: an absent map or body is null, and names of
headers are spelled as the caller spelled them.
"""

from __future__ import annotations

import binascii
from collections.abc import Mapping
from typing import Any, NamedTuple

from ..errors import RequestError

Event = Mapping[str, Any]


class Call(NamedTuple):
    """One request."""

    method: str
    path: str
    """As the API has it: without its stage, and without what a domain of one's own puts in front."""
    headers: Mapping[str, str]
    """By their names in lower case."""
    request_id: str
    """API Gateway's, which its access log and its own errors name as well."""


def call_of(event: Event) -> Call:
    """Read all of a request but its body."""
    path = event.get("resource")
    if not path or "{" in path:  # a resource for any path
        path = event.get("path") or "/"
    headers = event.get("headers")
    if headers is None:
        several = event.get("multiValueHeaders") or {}
        headers = {name: values[-1] for name, values in several.items() if values}
    context = event.get("requestContext") or {}
    return Call(
        event["httpMethod"],
        path,
        {name.lower(): value for name, value in headers.items()},
        context.get("requestId") or "",
    )


def body_of(event: Event) -> bytes | str:
    """Return the request's body, empty where there is none.

    Raises:
        RequestError: it is neither text nor base64.
    """
    body = event.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise RequestError("invalid_event", "The event's body is no text.", hint="API Gateway sends text.")
    if event.get("isBase64Encoded"):
        try:
            return binascii.a2b_base64(body, strict_mode=True)
        except ValueError:
            raise RequestError(
                "not_base64", "The event's body is not base64.", hint="API Gateway encodes binary bodies."
            ) from None
    try:
        return body.encode()
    except UnicodeEncodeError:  # half a character, which JSON can spell
        raise RequestError(
            "not_utf8", "The body holds what is no Unicode character.", hint="Encode it as UTF-8."
        ) from None
