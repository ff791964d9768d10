"""Lines in the container's log."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print to stderr. A log that takes nothing, on a full disk or a closed pipe, stops no server."""
    with suppress(OSError, ValueError):
        print(text, file=sys.stderr, flush=True)
