"""Answers in the form that API Gateway takes from a function."""

from __future__ import annotations

import binascii
import json
from collections.abc import Mapping
from typing import Any

from ..errors import RequestError
from ..media import JSON, NPY

# What Lambda takes from a function, with all that is around the body.
# https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html
_MOST_BYTES = 6 * 1024 * 1024
_AROUND_BYTES = 4096
_SURELY_FITS_BYTES = _MOST_BYTES // 6 - _AROUND_BYTES  # JSON writes one character as up to six


def check_binary(accept: str | None) -> None:
    """Refuse an Accept whose answer API Gateway would hand on in base64.

    It makes an answer binary again by the first type of Accept alone:
    https://docs.aws.amazon.com/apigateway/latest/developerguide/lambda-proxy-binary-media.html

    Raises:
        RequestError: 406.
    """
    if accept is None or accept.partition(",")[0].partition(";")[0].strip().lower() != NPY:
        raise RequestError(
            "not_acceptable",
            f"Accept asks for {NPY}, and not first.",
            status=406,
            hint=f"Put {NPY} first in Accept, or ask for {JSON}.",
        )


def reply(status: int, body: bytes, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return an answer.

    Args:
        status: of HTTP.
        body: as bytes; what is no text goes in base64.
        headers: their names in lower case, content-type among them.

    Raises:
        RequestError: 413, it is larger than what Lambda passes on.
    """
    binary = headers["content-type"] == NPY
    if not binary:
        try:
            text = body.decode()
        except UnicodeDecodeError:
            binary = True
    if binary:
        text = binascii.b2a_base64(body, newline=False).decode()
    if len(text) > _SURELY_FITS_BYTES and len(json.dumps(text)) + _AROUND_BYTES > _MOST_BYTES:
        raise RequestError(
            "answer_too_large",
            f"The answer has {len(body)} bytes; Lambda passes on {_MOST_BYTES} with all around them.",
            status=413,
            hint="Send fewer rows at once.",
        )
    return {"statusCode": status, "headers": headers, "body": text, "isBase64Encoded": binary}
