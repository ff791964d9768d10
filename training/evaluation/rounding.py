"""Numbers as the manifest keeps them: short, finite, and the same on every run."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

DIGITS = 6
NOISE = 1e-12


def short(value: float) -> float | None:
    """Return a number with six significant digits, zero without a sign; None where it is not finite."""
    number = float(value)
    if not math.isfinite(number):
        return None
    return float(f"{number:.{DIGITS}g}") or 0.0


def centre(values: npt.NDArray[np.float64]) -> float | None:
    """Return the mean of values; 0 where it is only what rounding leaves, in which machines differ."""
    mean = float(values.mean())
    return short(0.0 if abs(mean) < NOISE * float(np.abs(values).max()) else mean)


def shorts(values: Iterable[float]) -> list[float | None]:
    """Return numbers with six significant digits each."""
    return [short(value) for value in values]
