"""The metrics that the image computes beside XGBoost's own.

The image gets them from scikit-learn; these give the same numbers from numpy. As there, the value of a
class is told from a prediction by `> 0` (its largest for several columns), although XGBoost 3 hands over
probabilities and classes rather than margins: with binary:logistic every row counts as positive.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from training.xgboost_algorithm import metric_names
from training.xgboost_algorithm.errors import UserError

_Metric = Callable[[np.ndarray, np.ndarray], float]


class MetricNames:
    """The values of `eval_metric`: a metric of the image, or one with a threshold, as `error@0.7`."""

    def __contains__(self, value: Any) -> bool:
        if "<function" in value:
            raise UserError(f"User defined evaluation metric {value} is not supported yet.")
        name, at, threshold = value.partition("@")
        if not at:
            return value in metric_names.EVERY
        if name.strip() not in ("error", "ndcg", "map"):
            raise UserError(
                f"Metric '{value}' is not supported. Parameter 'eval_metric' with customized threshold "
                "should be one of these options: 'error', 'ndcg', 'map'."
            )
        try:
            float(threshold)
        except ValueError:
            message = f"Threshold value 't' in '{name.strip()}@t' expects float input."
            raise UserError(message) from None
        return True

    def __str__(self) -> str:
        return str(list(metric_names.EVERY))


def evaluator(names: Sequence[str]) -> Callable[[np.ndarray, Any], list[tuple[str, float]]]:
    """Return what xgboost.train takes as `custom_metric`, computing these metrics in this order."""

    def evaluate(predictions: np.ndarray, matrix: Any) -> list[tuple[str, float]]:
        labels = matrix.get_label()
        return [(name, METRICS[name](labels, predictions)) for name in names]

    return evaluate


def classes(predictions: np.ndarray) -> np.ndarray:
    """Return the class of each row, shape (rows,)."""
    return np.asarray(predictions.argmax(axis=1) if predictions.ndim > 1 else predictions > 0, dtype=int)


def _of_classes(metric: _Metric) -> _Metric:
    def of_predictions(labels: np.ndarray, predictions: np.ndarray) -> float:
        if np.any(labels != np.round(labels)):
            raise ValueError("Classification metrics can't handle a mix of continuous and binary targets")
        return metric(labels, classes(predictions)) if predictions.size else 0.0

    return of_predictions


def _counts(labels: np.ndarray, predicted: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return, for each class of either, how many rows are right, predicted so, and labelled so."""
    every = np.union1d(labels, predicted)[:, None]
    is_label, is_predicted = labels == every, predicted == every
    return (is_label & is_predicted).sum(1), is_predicted.sum(1), is_label.sum(1)


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.asarray(np.divide(part, whole, out=np.zeros(len(part)), where=whole > 0))


def _precisions(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    right, as_predicted, _ = _counts(labels, predicted)
    return _ratio(right, as_predicted)


def _recalls(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    right, _, as_labelled = _counts(labels, predicted)
    return _ratio(right, as_labelled)


def _f1s(labels: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    right, as_predicted, as_labelled = _counts(labels, predicted)
    return _ratio(2 * right, as_predicted + as_labelled)


def _macro(score: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> _Metric:
    return _of_classes(lambda labels, predicted: float(score(labels, predicted).mean()))


def _binary(score: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> _Metric:
    def of_positive(labels: np.ndarray, predicted: np.ndarray) -> float:
        every = np.union1d(labels, predicted)
        if len(every) > 2:
            raise ValueError(
                "Target is multiclass but average='binary'. Please choose another average setting, one of "
                "[None, 'micro', 'macro', 'weighted']."
            )
        scores = score(labels, predicted)
        return float(scores[every == 1][0]) if 1 in every else 0.0

    return _of_classes(of_positive)


def _balanced_accuracy(labels: np.ndarray, predicted: np.ndarray) -> float:
    return float(_recalls(labels, predicted)[np.isin(np.union1d(labels, predicted), labels)].mean())


def _r2(labels: np.ndarray, predictions: np.ndarray) -> float:
    if len(labels) < 2:
        return float("nan")
    residual = float(np.square(labels - predictions, dtype=float).sum())
    total = float(np.square(labels - labels.mean(dtype=float), dtype=float).sum())
    if total == 0:
        return 1.0 if residual == 0 else 0.0
    return 1 - residual / total


def _mse(labels: np.ndarray, predictions: np.ndarray) -> float:
    return float(np.square(labels - predictions, dtype=float).mean())


_accuracy: _Metric = _of_classes(lambda labels, predicted: float((labels == predicted).mean()))

METRICS: dict[str, _Metric] = {
    "accuracy": _accuracy,
    "balanced_accuracy": _of_classes(_balanced_accuracy),
    "f1": _macro(_f1s),
    "f1_binary": _binary(_f1s),
    "f1_macro": _macro(_f1s),
    "mse": _mse,
    "rmse": lambda labels, predictions: _mse(labels, predictions) ** 0.5,
    "mae": lambda labels, predictions: float(np.abs(labels - predictions, dtype=float).mean()),
    "precision": _binary(_precisions),
    "precision_macro": _macro(_precisions),
    "precision_micro": _accuracy,  # the same number where every row has one class
    "r2": _r2,
    "recall": _binary(_recalls),
    "recall_macro": _macro(_recalls),
    "recall_micro": _accuracy,
}
