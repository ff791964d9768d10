"""Numbers as the manifest keeps them: short, finite, and the same on every run."""

from __future__ import annotations

import math
from collections.abc import Iterable

DIGITS = 6


def short(value: float) -> float | None:
    """Return a number with six significant digits, zero without a sign; None where it is not finite."""
    number = float(value)
    if not math.isfinite(number):
        return None
    return float(f"{number:.{DIGITS}g}") or 0.0


def shorts(values: Iterable[float]) -> list[float | None]:
    """Return numbers with six significant digits each."""
    return [short(value) for value in values]
