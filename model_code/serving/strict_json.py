"""JSON as its standard has it: no NaN, no Infinity. orjson where there is one, else the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _standard(data: bytes | str) -> Any:
    return json.loads(data, parse_constant=_refuse)


try:
    import orjson

    loads: Callable[[bytes | str], Any] = orjson.loads
except ImportError:  # AWS's prebuilt image has no orjson
    loads = _standard
"""Parse a JSON value. Raises ValueError."""
