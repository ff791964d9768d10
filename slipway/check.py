"""One thing that `slipway doctor` looked at."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Check:
    """What was found, and what to do where it is not as it has to be."""

    name: str
    ok: bool
    found: str
    fix: str = ""
