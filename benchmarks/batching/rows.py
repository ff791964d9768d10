"""The rows that are sent, as CSV without a header."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.datasets import load_breast_cancer

_DISTINCT = 50_000


def _measured() -> list[str]:
    features = load_breast_cancer(return_X_y=True)[0]
    return [",".join(map(str, row)) + "\n" for row in features.tolist()]


def _computed() -> list[str]:
    features = load_breast_cancer(return_X_y=True)[0]
    random = np.random.default_rng(0)
    chosen = features[random.integers(len(features), size=_DISTINCT)]
    table = chosen * random.normal(1, 0.05, chosen.shape)
    return [",".join(f"{value:.6g}" for value in row) + "\n" for row in table.tolist()]


@dataclass(frozen=True)
class Rows:
    """A kind of rows: `lines` makes the different ones, which follow each other over and over."""

    name: str
    title: str
    lines: Callable[[], list[str]]

    def write(self, path: Path, rows: int) -> Path:
        """Write so many rows."""
        lines = self.lines()
        block = "".join(lines).encode()
        with path.open("wb") as file:
            for _ in range(rows // len(lines)):
                file.write(block)
            file.write("".join(lines[: rows % len(lines)]).encode())
        return path


MEASURED = Rows("measured", "rows of the breast cancer set, as in the serving benchmark", _measured)
COMPUTED = Rows("computed", "rows around those, with 5 % noise and six significant digits", _computed)
