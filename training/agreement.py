"""How well a packaged model answers as it did in training: on the engine that will serve it, row by row."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from model_code.serving.engines import load_engine
from model_code.serving.model import as_predictions
from model_code.serving.signature import Matrix

# Numbers may differ by this share of the predictions' standard deviation. A good model's error is a tenth of
# it, so a thousandth of that error is allowed, which no metric shows. Engines that compute with float32 stay
# far below, unless the labels are large and close together (years, timestamps): then digits are lost that the
# model knows, and the engine is not taken.
TOLERANCE = 1e-4


@dataclass(frozen=True)
class Answers:
    """What a model answers in training.

    Args:
        matrix: rows of features, float64, in the signature's order.
        values: the model's answer to each row, of shape (rows,) or (rows, 1).
        kind: `string`, `integer` or `number`.
        probabilities: of each class in sorted order, (rows, classes); None where the model has none.
    """

    matrix: Matrix
    values: npt.NDArray[Any]
    kind: str
    probabilities: npt.NDArray[Any] | None = None


@dataclass(frozen=True)
class Agreement:
    """How an engine's answers compare with training's.

    Args:
        rows: how many rows were compared.
        labels: the share of equal labels; None for numbers.
        max_abs_difference: the largest difference; None for labels.
        tolerance: the largest difference that is allowed; None for labels.
    """

    rows: int
    labels: float | None = None
    max_abs_difference: float | None = None
    tolerance: float | None = None

    @property
    def holds(self) -> bool:
        """Whether the engine may serve the model."""
        if self.labels is not None:
            return self.labels == 1.0
        if self.max_abs_difference is None or self.tolerance is None:
            return True  # nothing to compare with
        return self.max_abs_difference <= self.tolerance

    def disagreement(self, engine: str) -> str:
        """Say how an engine differs, for people."""
        if self.labels is not None:
            wrong = round((1 - self.labels) * self.rows)
            return f"{engine} labels {wrong} of {self.rows} rows otherwise than training"
        return (
            f"{engine} differs from training by up to {self.max_abs_difference:.2g} on {self.rows} rows "
            f"({self.tolerance:.2g} is allowed)"
        )

    def summary(self) -> str:
        """Say how well it agrees, for people."""
        if self.labels is not None:
            return f"{self.labels:.0%} of {self.rows} rows labelled as in training"
        if self.max_abs_difference is not None:
            return f"{self.rows} rows within {self.max_abs_difference:.2g} of training"
        return f"{self.rows} rows answered"


def measure(
    file: str, content: bytes, engine: Mapping[str, Any], signature: Mapping[str, Any], answers: Answers
) -> Agreement:
    """Load a packaged model as serving does, and compare its answers with training's.

    Args:
        file: the model's file in the archive.
        content: its bytes.
        engine: the manifest's entry.
        signature: the manifest's signature.
        answers: what training answers.

    Raises:
        Exception: whatever the engine raises when it cannot load the file or predict the rows.
    """
    with tempfile.TemporaryDirectory(prefix="slipway-engine-") as folder:
        (Path(folder) / file).write_bytes(content)
        loaded = load_engine(Path(folder), {"engine": engine, "signature": signature})
        found = loaded.predict(answers.matrix)
    return compare(found, answers)


def compare(found: npt.NDArray[Any], answers: Answers) -> Agreement:
    """Compare an engine's answers with training's."""
    rows = len(answers.matrix)
    theirs, ours = (as_predictions(values, answers.kind) for values in (found, answers.values))
    if len(theirs) != rows:
        raise ValueError(f"{len(theirs)} answers to {rows} rows")
    if answers.kind != "number":
        equal = sum(one == other for one, other in zip(theirs, ours, strict=True))
        return Agreement(rows, labels=equal / rows)
    expected = np.asarray(ours, dtype=np.float64)
    difference = np.abs(np.asarray(theirs, dtype=np.float64) - expected)
    # A number that is none is as far away as can be.
    worst = float(np.where(np.isnan(difference), np.inf, difference).max())
    return Agreement(rows, max_abs_difference=worst, tolerance=TOLERANCE * _scale(expected))


def _scale(values: npt.NDArray[np.float64]) -> float:
    """The deviation of the values, or their size where they are all the same."""
    return float(np.std(values)) or float(np.abs(values).max()) or 1.0
