"""What was answered: by status class for ever, and with latencies over the last ten seconds."""

import math
from collections.abc import Iterable
from typing import Any

WINDOW_S = 10
_STEPS = 8  # buckets of latency for each doubling: a percentile is right to about a tenth of itself
_PERCENTILES = (10, 50, 75, 85, 90, 95, 99, 99.9)


class Counters:
    """Of one target, or of a group's answers without one. All times are of the event loop, in seconds."""

    def __init__(self) -> None:
        self.classes = [0] * 6
        self._seconds = [_Second() for _ in range(WINDOW_S)]

    def count(self, status: int, latency_s: float, now: float) -> None:
        """Take one answer."""
        kind = status // 100
        self.classes[kind] += 1
        number = int(now)
        second = self._seconds[number % len(self._seconds)]
        if second.number != number:
            second.reset(number)
        second.classes[kind] += 1
        mantissa, exponent = math.frexp(max(latency_s, 1e-6))
        bucket = exponent * _STEPS + int((mantissa - 0.5) * 2 * _STEPS)
        second.latencies[bucket] = second.latencies.get(bucket, 0) + 1

    def recent(self, now: float) -> "list[_Second]":
        """Return the last ten seconds, this one with them."""
        return [second for second in self._seconds if int(now) - second.number < WINDOW_S]


class _Second:
    def __init__(self) -> None:
        self.reset(-WINDOW_S)

    def reset(self, number: int) -> None:
        self.number = number
        self.classes = [0] * 6
        self.latencies: dict[int, int] = {}


def summary(counters: Iterable[Counters], now: float) -> dict[str, Any]:
    """Return {"requests", "total": {"2xx": …}, "recent": {"2xx": …, "latency_s": {"p50": …}}}."""
    all_of = list(counters)
    seconds = [second for one in all_of for second in one.recent(now)]
    latencies: dict[int, int] = {}
    for second in seconds:
        for bucket, number in second.latencies.items():
            latencies[bucket] = latencies.get(bucket, 0) + number
    total = _classes(one.classes for one in all_of)
    recent: dict[str, Any] = _classes(second.classes for second in seconds)
    return {
        "requests": sum(total.values()),
        "total": total,
        "recent": {**recent, "latency_s": _percentiles(latencies)},
    }


def _classes(found: Iterable[list[int]]) -> dict[str, int]:
    columns = list(zip(*found, strict=True)) or [()] * 6
    return {f"{kind}xx": sum(columns[kind]) for kind in range(2, 6)}


def _percentiles(latencies: dict[int, int]) -> dict[str, float]:
    number, result, seen = sum(latencies.values()), {}, 0
    wanted = list(_PERCENTILES)
    for bucket in sorted(latencies):
        seen += latencies[bucket]
        while wanted and seen >= number * wanted[0] / 100:
            exponent, step = divmod(bucket, _STEPS)
            middle = math.ldexp(0.5 + (step + 0.5) / (2 * _STEPS), exponent)
            result[f"p{wanted.pop(0):g}"] = middle
    return result
