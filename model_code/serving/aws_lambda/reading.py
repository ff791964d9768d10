"""What the function gives to read: the page to try the model, and its OpenAPI description."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, cast

from ..doors.answer import Answer
from ..doors.openapi import Door, openapi
from ..media import JSON
from .settings import FunctionSettings


def read(
    path: str, manifest: Mapping[str, Any], version: str, settings: FunctionSettings, headers: dict[str, str]
) -> Answer:
    """Answer GET on `/` or `/openapi.json`; the page's own headers are added to `headers`."""
    auth = cast(Any, settings.auth)
    if path == "/openapi.json":
        door = Door("gateway", version=version, max_rows=settings.max_rows, auth=auth)
        return Answer(200, json.dumps(openapi(manifest, door)).encode(), JSON)
    from ..doors.page import HEADERS, page

    headers.update(HEADERS)
    return Answer(200, page(manifest, version=version, auth=auth), headers["content-type"])
