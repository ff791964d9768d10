"""Bootstrap intervals, held against rows drawn one resample at a time."""

import numpy as np
import pytest
from evaluated import Case
from sklearn import metrics

from training.evaluation.intervals import class_intervals, number_intervals


def test_the_bootstrap_of_classes_covers_what_drawing_rows_by_hand_covers():
    case = Case("digits")
    classes = case.signature["prediction"]["classes"]
    matrix = metrics.confusion_matrix(case.truth, case.predicted, labels=classes)
    found = class_intervals(matrix, np.random.default_rng(0))["metrics"]
    generator, drawn = np.random.default_rng(1), []
    for _ in range(400):
        rows = generator.integers(len(case.truth), size=len(case.truth))
        truth, predicted = case.truth[rows], case.predicted[rows]
        drawn.append(
            [
                metrics.accuracy_score(truth, predicted),
                metrics.balanced_accuracy_score(truth, predicted),
                metrics.f1_score(truth, predicted, average="macro"),
            ]
        )
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    for number, name in enumerate(("accuracy", "balanced_accuracy", "f1_macro")):
        assert found[name]["low"] == pytest.approx(low[number], abs=0.01)
        assert found[name]["high"] == pytest.approx(high[number], abs=0.01)


def test_the_bootstrap_of_numbers_covers_what_drawing_rows_by_hand_covers():
    case = Case("diabetes")
    found = number_intervals(case.truth, case.predicted, np.random.default_rng(0))["metrics"]
    generator, drawn = np.random.default_rng(1), []
    for _ in range(1000):
        rows = generator.integers(len(case.truth), size=len(case.truth))
        truth, predicted = case.truth[rows], case.predicted[rows]
        drawn.append(
            [
                metrics.r2_score(truth, predicted),
                metrics.root_mean_squared_error(truth, predicted),
                metrics.mean_absolute_error(truth, predicted),
            ]
        )
    low, high = np.quantile(drawn, (0.025, 0.975), axis=0)
    for number, name in enumerate(("r2", "rmse", "mae")):
        assert found[name]["low"] == pytest.approx(low[number], rel=0.05, abs=0.05)
        assert found[name]["high"] == pytest.approx(high[number], rel=0.05, abs=0.05)


def test_many_rows_are_resampled_less_and_that_is_said():
    generator = np.random.default_rng(0)
    truth = generator.normal(size=200_000)
    found = number_intervals(truth, truth + 1, generator)

    assert (found["rows"], found["resamples"]) == (100_000, 200)
    assert found["metrics"]["rmse"] == {"low": 1.0, "high": 1.0}


def test_a_label_that_never_changes_gives_finite_intervals():
    found = number_intervals(np.ones(10), np.ones(10), np.random.default_rng(0))["metrics"]

    assert found["r2"] == {"low": 1.0, "high": 1.0}
    assert found["rmse"] == {"low": 0.0, "high": 0.0}
