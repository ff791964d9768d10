"""JSON as its standard has it: no NaN, no Infinity. orjson where there is one, else the standard library."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any


def _refuse(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


# Made once: `json.loads` makes one for every call that is not by its defaults.
_decoder = json.JSONDecoder(parse_constant=_refuse)


def _standard(data: bytes | str) -> Any:
    try:
        return _decoder.decode(data if isinstance(data, str) else data.decode())
    except RecursionError:
        raise ValueError("the value is nested too deeply") from None


try:
    import orjson

    loads: Callable[[bytes | str], Any] = orjson.loads
except ImportError:  # AWS's prebuilt image and a function on Lambda have none
    loads = _standard
"""Parse a JSON value. Raises ValueError."""
