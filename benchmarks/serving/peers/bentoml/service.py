"""BentoML: a service of two workers with one JSON API."""

from __future__ import annotations

import os

import bentoml
import joblib
import numpy as np


@bentoml.service(workers=2, logging={"access": {"enabled": False}}, metrics={"enabled": False})
class Scorer:
    """Predicts rows."""

    def __init__(self) -> None:
        self.model = joblib.load(os.environ["BENCH_MODEL"])

    @bentoml.api(route="/invocations")
    def predict(self, rows: list[list[float]]) -> list[str]:
        """Predict."""
        return self.model.predict(np.array(rows)).tolist()
