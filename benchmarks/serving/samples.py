"""What was measured: every figure of every server, round by round."""

from __future__ import annotations

import statistics
from collections import defaultdict
from dataclasses import dataclass, field

from .contestants import Contestant
from .load import Cell


@dataclass
class Samples:
    """Figures by name and server; `failed` says why a server is not measured any more."""

    rounds: int = 0
    bad: dict[tuple[str, str], int] = field(default_factory=lambda: defaultdict(int))
    failed: dict[str, str] = field(default_factory=dict)
    _values: dict[tuple[str, str], list[float]] = field(default_factory=lambda: defaultdict(list))

    def add(self, figure: str, contestant: Contestant, value: float) -> None:
        """Take one value."""
        self._values[figure, contestant.name].append(value)

    def add_cell(self, prefix: str, contestant: Contestant, cell: Cell) -> None:
        """Take what wrk measured: `<prefix>_rps`, `_p50`, `_p99`, and the bad answers."""
        self.add(f"{prefix}_rps", contestant, cell.requests_per_s)
        self.add(f"{prefix}_p50", contestant, cell.p50_ms)
        self.add(f"{prefix}_p99", contestant, cell.p99_ms)
        self.bad[prefix, contestant.name] += cell.bad

    def median(self, figure: str, contestant: Contestant) -> float | None:
        """Return the median over the rounds; None where the server could not run or gave bad answers."""
        values = self._values.get((figure, contestant.name))
        if not values or contestant.name in self.failed or self.bad_of(figure, contestant):
            return None
        return statistics.median(values)

    def span(self, figure: str, contestant: Contestant) -> tuple[float, float]:
        """Return the least and the most."""
        values = self._values[figure, contestant.name]
        return min(values), max(values)

    def bad_of(self, figure: str, contestant: Contestant) -> int:
        """Return how many answers of a cell were bad."""
        return self.bad.get((figure.rpartition("_")[0], contestant.name), 0)
