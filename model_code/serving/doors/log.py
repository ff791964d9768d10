"""Lines in the container's log."""

from __future__ import annotations

import sys
from contextlib import suppress


def say(text: str) -> None:
    """Print to stderr. A log that takes nothing, on a full disk or a closed pipe, stops no server."""
    with suppress(OSError, ValueError):
        # In one piece: `print` writes the end of a line by itself, and other workers write between.
        sys.stderr.write(f"{text}\n")
        sys.stderr.flush()
