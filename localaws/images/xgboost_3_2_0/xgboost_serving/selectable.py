"""Selectable inference: what SAGEMAKER_INFERENCE_OUTPUT asks to be told of each prediction."""

import json
import logging
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from xgboost_serving import recordio

_NOT_A_NUMBER = float("nan")
_REGRESSION = ("predicted_score",)
_SCORES = ("predicted_label", "labels", "raw_score", "raw_scores")
_PROBABILITIES = ("predicted_label", "labels", "probability", "probabilities", "raw_score", "raw_scores")
VALID = {
    "reg:squarederror": _REGRESSION,
    "reg:logistic": _REGRESSION,
    "reg:gamma": _REGRESSION,
    "reg:absoluteerror": _REGRESSION,
    "reg:tweedie": _REGRESSION,
    "binary:logistic": _PROBABILITIES,
    "binary:logitraw": _SCORES,
    "binary:hinge": _SCORES,
    "multi:softmax": _SCORES,
    "multi:softprob": _PROBABILITIES,
}
_log = logging.getLogger(__name__)


def select(
    predictions: np.ndarray, keys: Sequence[str], objective: str, num_class: int
) -> list[dict[str, Any]]:
    """Return for each prediction what was asked for; not a number where the objective has no such thing.

    Raises ValueError for an objective that has none of it.
    """
    if objective not in VALID:
        raise ValueError(f"Objective `{objective}` unsupported for selectable inference predictions.")
    valid = VALID[objective]
    wrong = [key for key in keys if key not in valid]
    if wrong:
        _log.warning("Selected key(s) %s incompatible for objective '%s'.", wrong, objective)
    told = [key for key in valid if key in keys]
    labels = [0, 1] if objective.startswith("binary:") else list(range(num_class))
    return [
        {
            **{key: labels if key == "labels" else _content(key, objective, row) for key in told},
            **dict.fromkeys(wrong, _NOT_A_NUMBER),
        }
        for row in predictions
    ]


def _content(key: str, objective: str, row: Any) -> Any:
    if key == "predicted_label":
        return _label(objective, row)
    if key == "predicted_score":
        return row.item()
    several = row.tolist() if objective == "multi:softprob" else [1.0 - row.item(), row.item()]
    if key in ("probabilities", "raw_scores"):
        return several
    return max(several) if objective == "multi:softprob" else row.item()


def _label(objective: str, row: Any) -> int | float:
    if objective == "multi:softprob":
        return int(np.argmax(row))
    if objective == "binary:logistic":
        return int(row > 0.5)
    if objective == "binary:logitraw":
        return int(row > 0)
    return float(row)


def encode(selected: list[dict[str, Any]], keys: Sequence[str], accept: str, *, batch: bool) -> str | bytes:
    """Return the answer's body. Raises RuntimeError for a type that has no encoding."""
    if accept != "text/csv" and accept not in _ENCODERS:
        raise RuntimeError(f"Cannot encode selected predictions into accept type '{accept}'.")
    if accept == "text/csv":
        return _csv(selected, keys) + ("\n" if batch else "")
    return _ENCODERS[accept](selected)


def _csv(selected: list[dict[str, Any]], keys: Sequence[str]) -> str:
    def cell(value: Any) -> str:
        return f'"{value}"' if isinstance(value, list) else str(value)

    return "\n".join(",".join(cell(row[key]) for key in keys) for row in selected)


_ENCODERS: dict[str, Callable[[list[dict[str, Any]]], str | bytes]] = {
    "application/json": lambda selected: json.dumps({"predictions": selected}),
    "application/jsonlines": lambda selected: "".join(json.dumps(row) + "\n" for row in selected),
    "application/x-recordio-protobuf": lambda selected: recordio.encode(selected),
}
