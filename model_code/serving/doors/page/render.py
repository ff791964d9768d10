"""The page of one model, as bytes."""

from __future__ import annotations

import base64
import hashlib
import html
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..openapi import ROUTES, routes_of

_FOLDER = Path(__file__).parent
# Of a wide model few rows are as many numbers as of a narrow one all.
_MOST_EXAMPLE_CELLS = 2_000


def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    """Return what a Content-Security-Policy names an inline style or script by."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


_STYLE, _SCRIPT = _asset("page.css"), _asset("page.js")
# data: is for an icon of no bytes, without which browsers ask the server for one.
_POLICY = (
    f"default-src 'none'; script-src {_hash(_SCRIPT)}; style-src {_hash(_STYLE)}; img-src data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'"
)
HEADERS = {
    "content-type": "text/html; charset=utf-8",
    "content-security-policy": f"{_POLICY}; frame-ancestors 'none'",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}
"""The headers that go with the page."""


def page(
    manifest: Mapping[str, Any],
    *,
    version: str,
    auth: Literal["none", "iam", "api_key"] = "none",
    routes: tuple[str, ...] = ROUTES,
) -> bytes:
    """Return the page, HTML in UTF-8; the same arguments give the same bytes.

    It asks `predict`, or `probabilities` where the model tells them, below the address that it was loaded
    from, with or without a slash at its end. What comes from the manifest stands in it as JSON and is shown
    as text, so that nothing of it can become markup.

    Args:
        manifest: the model's.
        version: the artifact's.
        auth: what a caller has to show: `iam` makes lines that sign and no request of the page's own.
        routes: those for predictions that the door has.
    """
    signature = manifest["signature"]
    shown = {
        "model": str(manifest["model"]),
        "version": version,
        "label": signature["prediction"]["name"],
        "features": signature["features"],
        "examples": _examples(manifest["golden"]["rows"]),
        "auth": auth,
        "probabilities": "/probabilities" in routes_of(manifest, routes),
    }
    data = json.dumps(shown, separators=(",", ":"))
    for character in "<>&":  # none of them is anywhere in JSON but inside texts
        data = data.replace(character, f"\\u{ord(character):04x}")
    parts = {
        "policy": html.escape(_POLICY),
        "title": html.escape(f"Try {manifest['model']}"),
        "style": _STYLE,
        "data": data,
        "script": _SCRIPT,
    }
    text = _asset("page.html")
    pieces = []
    for name, content in parts.items():
        before, text = text.split(f"{{{name}}}")
        pieces += [before, content]
    return "".join([*pieces, text]).encode("utf-8", "backslashreplace")


def _examples(rows: Sequence[Any]) -> list[Any]:
    count = min(len(rows), max(1, _MOST_EXAMPLE_CELLS // len(rows[0])))
    return [rows[place * len(rows) // count] for place in range(count)]
