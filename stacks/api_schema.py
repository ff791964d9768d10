"""What a request's body must be for API Gateway to let it through: JSON schemas of draft 4.

The gateway refuses what is no table of the model at all. What is wrong in a row the model's own code says,
since only that can name row and column; so a schema here never looks into a row further than its width.
Source: "Data models for REST APIs" in the API Gateway developer guide; a schema there is of draft 4.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

MAX_ROWS = 10_000
"""Rows of one request through an API: with more, a person wants `slipway batch`."""
_DRAFT_4 = "http://json-schema.org/draft-04/schema#"
_SHOWN_FEATURES = 20
Schema = dict[str, Any]


def table_schema(signature: Mapping[str, Any]) -> Schema:
    """Return the schema of a table: rows as lists or objects, by themselves or as {"instances": rows}.

    Args:
        signature: the manifest's.
    """
    row = {"anyOf": [{"type": "array", "maxItems": _widest(signature)}, {"type": "object"}]}
    rows = {"type": "array", "items": row, "maxItems": MAX_ROWS}
    wrapped = {"type": "object", "properties": {"instances": rows}, "required": ["instances"]}
    return {"$schema": _DRAFT_4, "anyOf": [rows, wrapped]}


def line_schema(*, pattern: str | None = None) -> Schema:
    """Return the schema of {"data": "<one line of CSV>"}.

    Args:
        pattern: what the line has to match, where no code of ours looks at it before the model.
    """
    data = {"type": "string", **({"pattern": pattern} if pattern else {})}
    return {"$schema": _DRAFT_4, "type": "object", "properties": {"data": data}, "required": ["data"]}


def body_hint(signature: Mapping[str, Any]) -> str:
    """Return what to send, in words, for the answer to a body that no schema takes."""
    names = [feature["name"] for feature in signature["features"]]
    more = ", …" if len(names) > _SHOWN_FEATURES else ""
    return (
        f'Send [[…]] or {{"instances": [[…]]}}: at most {MAX_ROWS} rows of {len(names)} columns '
        f'({", ".join(names[:_SHOWN_FEATURES])}{more}); to /classify {{"data": "…"}}.'
    )


def _widest(signature: Mapping[str, Any]) -> int:
    return len(signature["features"]) + bool(signature.get("id_column"))
