"""Everything that a report shows of a model beyond its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from slipway.errors import TrainingFailed
from stacks.metrics import LOWER_IS_BETTER
from training.data import Dataset
from training.split import Rows, Split

from .calibration import calibration
from .classes import confusion, confusion_matrix
from .curves import curves, thresholds
from .importance import Predict, importance
from .intervals import class_intervals, number_intervals
from .numbers import regression
from .rounding import short
from .slices import slices
from .summary import decoded, summarise
from .worst import largest_errors, surest_errors

FORMAT = 1
# Slices are many and small: fewer resamples do.
SLICE_RESAMPLES = 200

Scores = Callable[[pd.DataFrame], npt.NDArray[Any] | None]


def evaluate_in_depth(
    task: str,
    dataset: Dataset,
    parts: Split,
    truth: Sequence[Any],
    predicted: Sequence[Any],
    predict: Predict,
    scores: Scores,
    signature: Mapping[str, Any],
    seed: int,
) -> dict[str, Any]:
    """Return the manifest's `evaluation`: the same arguments give the same bytes of JSON.

    Args:
        task: `classification` or `regression`.
        dataset: all rows.
        parts: which of them are for what; all is measured on the test rows.
        truth: the label of each test row.
        predicted: the model's answer to each.
        predict: the model: a frame of rows to the label's values, of shape (rows,) or (rows, 1).
        scores: a frame of rows to probabilities of shape (rows, classes), classes sorted; None where it
            has none.
        signature: the manifest's.
        seed: of the resamples and the shuffles: the split's.

    Raises:
        TrainingFailed: a classifier answers with what is no class.
    """
    test = dataset.features.iloc[parts.test]
    kind = _Classes(truth, predicted, signature) if task == "classification" else _Numbers(truth, predicted)

    def answers(features: pd.DataFrame) -> npt.NDArray[Any]:
        return kind.encoded(np.asarray(predict(features)).reshape(len(features)))

    # A stream of its own for each, so that none depends on how much another draws.
    shuffles, draws, small_draws = (np.random.default_rng([seed, stream]) for stream in range(3))
    relied_on = importance(test, kind.truth, answers, kind.score, shuffles)
    important = [entry["name"] for entry in relied_on["features"]] or [str(name) for name in test.columns]

    def measure(mask: npt.NDArray[np.bool_]) -> dict[str, Any]:
        interval = kind.intervals(mask, small_draws, SLICE_RESAMPLES)["metrics"][kind.slice_metric]
        return {"value": short(kind.measure(mask)), **interval}

    lower = kind.slice_metric in LOWER_IS_BETTER
    return {
        "format": FORMAT,
        "rows": len(parts.test),
        "seed": seed,
        "data": summarise(dataset, parts, task=task, important=important),
        "intervals": kind.intervals(np.ones(len(parts.test), dtype=bool), draws),
        task: kind.details(lambda: scores(test), parts.test + 1),
        "importance": {"metric": kind.importance_metric, **relied_on},
        "slices": {
            "metric": kind.slice_metric,
            "resamples": SLICE_RESAMPLES,
            **slices(decoded(dataset).iloc[parts.test], important, measure, lower_is_better=lower),
        },
    }


class _Classes:
    """What is particular to a classifier; classes are counted through in the signature's order."""

    importance_metric = slice_metric = "accuracy"

    def __init__(self, truth: Sequence[Any], predicted: Sequence[Any], signature: Mapping[str, Any]) -> None:
        self.classes = list(signature["prediction"]["classes"])
        self._index = pd.Index(self.classes)
        self.truth, self.predicted = (self.encoded(np.asarray(side)) for side in (truth, predicted))
        if (self.predicted < 0).any():
            unknown = np.asarray(predicted)[self.predicted < 0].tolist()[0]
            raise TrainingFailed(
                f"The model answers {unknown!r}, and no row of the data has such a label.",
                why=f"The labels are {', '.join(map(repr, self.classes[:8]))}.",
                fix="Fit the model on the label column as train.py gets it.",
            )

    def encoded(self, values: npt.NDArray[Any]) -> npt.NDArray[np.int64]:
        return np.asarray(self._index.get_indexer(pd.Index(values)), dtype=np.int64)

    def score(self, truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
        return float((truth == predicted).mean())

    def measure(self, mask: npt.NDArray[np.bool_]) -> float:
        return self.score(self.truth[mask], self.predicted[mask])

    def intervals(
        self, mask: npt.NDArray[np.bool_], draws: np.random.Generator, *resamples: int
    ) -> dict[str, Any]:
        return class_intervals(self._matrix(mask), draws, *resamples)

    def details(self, scores: Callable[[], npt.NDArray[Any] | None], numbers: Rows) -> dict[str, Any]:
        found = confusion(self._matrix(np.ones(len(self.truth), dtype=bool)), self.classes)
        given = scores()
        if given is None or given.shape != (len(self.truth), len(self.classes)):
            return {**found, "probabilities": False}
        return {
            **found,
            "probabilities": True,
            "worst": surest_errors(self.truth, self.predicted, given, self.classes, numbers),
            "curves": curves(self.truth, given, self.classes),
            "calibration": calibration(self.truth, given, self.classes),
            **({"thresholds": thresholds(self.truth, given, self.classes)} if len(self.classes) == 2 else {}),
        }

    def _matrix(self, mask: npt.NDArray[np.bool_]) -> Any:
        return confusion_matrix(self.truth[mask], self.predicted[mask], len(self.classes))


class _Numbers:
    """What is particular to a regression."""

    importance_metric, slice_metric = "r2", "rmse"

    def __init__(self, truth: Sequence[Any], predicted: Sequence[Any]) -> None:
        self.truth, self.predicted = (self.encoded(np.asarray(side)) for side in (truth, predicted))

    def encoded(self, values: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        return values.astype(np.float64)

    def score(self, truth: npt.NDArray[Any], predicted: npt.NDArray[Any]) -> float:
        spread = ((truth - truth.mean()) ** 2).sum()
        return float(1 - ((truth - predicted) ** 2).sum() / spread) if spread else 0.0

    def measure(self, mask: npt.NDArray[np.bool_]) -> float:
        return float(np.sqrt(((self.truth - self.predicted)[mask] ** 2).mean()))

    def intervals(
        self, mask: npt.NDArray[np.bool_], draws: np.random.Generator, *resamples: int
    ) -> dict[str, Any]:
        return number_intervals(self.truth[mask], self.predicted[mask], draws, *resamples)

    def details(self, _scores: Callable[[], npt.NDArray[Any] | None], numbers: Rows) -> dict[str, Any]:
        return {
            **regression(self.truth, self.predicted),
            "worst": largest_errors(self.truth, self.predicted, numbers),
        }
