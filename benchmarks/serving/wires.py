"""How rows are written for a server, and how its answer is read: the same rows to each in its own format."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass

Rows = list[list[float]]


@dataclass(frozen=True)
class Wire:
    """One format of requests and answers."""

    name: str
    content_type: str
    write: Callable[[Rows], bytes]
    read: Callable[[bytes], list[str]]


def _write_csv(rows: Rows) -> bytes:
    return "".join(f"{','.join(map(repr, row))}\n" for row in rows).encode()


def _write_v2(rows: Rows) -> bytes:
    flat = [value for row in rows for value in row]
    shape = [len(rows), len(rows[0])]
    return json.dumps(
        {"inputs": [{"name": "rows", "shape": shape, "datatype": "FP64", "data": flat}]}
    ).encode()


CSV = Wire("CSV", "text/csv", _write_csv, lambda body: body.decode().split())
JSON_LIST = Wire(
    "JSON",
    "application/json",
    lambda rows: json.dumps(rows).encode(),
    lambda body: list(map(str, json.loads(body))),
)
# Two names of one thing: BentoML answers a bare list, LitServe what encode_response says.
JSON_ROWS = Wire("JSON", "application/json", lambda rows: json.dumps({"rows": rows}).encode(), json.loads)
JSON_PREDICTIONS = Wire(
    "JSON", "application/json", JSON_ROWS.write, lambda body: json.loads(body)["predictions"]
)
V2 = Wire("V2 JSON", "application/json", _write_v2, lambda body: json.loads(body)["outputs"][0]["data"])
