"""How good a model is on rows that it never saw, and whether that is good enough."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from sklearn import metrics

from slipway.errors import GateFailed
from stacks.metrics import LOWER_IS_BETTER as LOWER_IS_BETTER


def evaluate(task: str, truth: list[Any], predicted: list[Any]) -> dict[str, float]:
    """Return the metrics of a task on the test rows; errors in units of the label."""
    if task == "classification":
        found = {
            "accuracy": metrics.accuracy_score(truth, predicted),
            "balanced_accuracy": metrics.balanced_accuracy_score(truth, predicted),
            "f1_macro": metrics.f1_score(truth, predicted, average="macro", zero_division=0.0),
        }
    else:
        found = {
            "r2": metrics.r2_score(truth, predicted),
            "rmse": metrics.root_mean_squared_error(truth, predicted),
            "mae": metrics.mean_absolute_error(truth, predicted),
        }
    return {name: float(value) for name, value in found.items()}


def check_gate(model: str, bounds: Mapping[str, float], measured: Mapping[str, float]) -> dict[str, Any]:
    """Return the gate's result for the manifest.

    Raises:
        GateFailed: a metric is outside its bound, or not a number.
    """
    result: dict[str, Any] = {}
    failures: list[str] = []
    for name, bound in sorted(bounds.items()):
        value, upper = measured[name], name in LOWER_IS_BETTER
        passed = bool(np.isfinite(value)) and (value <= bound if upper else value >= bound)
        result[name] = {"bound": bound, "kind": "maximum" if upper else "minimum", "value": value}
        if not passed:
            failures.append(
                f"{name} is {value:.4f}, and the gate asks for at {'most' if upper else 'least'} {bound}"
            )
    if failures:
        raise GateFailed(
            f"{model} is not good enough: {'; '.join(failures)}.",
            why="Measured on the test rows, which training never saw. The artifact before stays as it is.",
            fix=f"Improve the model, or change [gate] in model_code/{model}/model.toml.",
        )
    return result
