"""What is computed of a model at training, held against scikit-learn's own functions."""

import json

import numpy as np
import pandas as pd
import pytest
from evaluated import SETS, Case
from sklearn import calibration, inspection, metrics
from sklearn.linear_model import RidgeClassifier

from slipway.errors import TrainingFailed
from stacks.model_section import SplitSection
from training.data import Dataset
from training.evaluation import evaluate_in_depth
from training.split import split


@pytest.fixture(scope="module")
def cases():
    return {name: Case(name) for name in SETS}


def close(value, expected):
    return value == pytest.approx(expected, rel=1e-5, abs=1e-9)


def are_among(shown, points):
    """Whether each shown point is one of the points, but for rounding."""
    return np.abs(shown[:, None] - points[None]).max(axis=2).min(axis=1).max() < 1e-5


@pytest.mark.parametrize("name", SETS)
def test_it_is_the_same_json_each_time_and_small(cases, name):
    text = json.dumps(cases[name].found, indent=1, sort_keys=True, allow_nan=False)

    assert json.dumps(cases[name].evaluate(), indent=1, sort_keys=True, allow_nan=False) == text
    assert len(text) < 200_000
    assert json.dumps(cases[name].evaluate(seed=1), indent=1, sort_keys=True) != text


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_the_confusion_matrix_and_each_class_are_those_of_scikit_learn(cases, name):
    case = cases[name]
    found = case.found["classification"]
    precision, recall, f1, rows = metrics.precision_recall_fscore_support(case.truth, case.predicted)

    assert found["matrix"]["counts"] == metrics.confusion_matrix(case.truth, case.predicted).tolist()
    rates = metrics.confusion_matrix(case.truth, case.predicted, normalize="true")
    assert np.array(found["matrix"]["rates"]) == pytest.approx(rates, rel=1e-5)
    for key, expected in (("precision", precision), ("recall", recall), ("f1", f1), ("rows", rows)):
        assert [entry[key] for entry in found["by_class"]] == pytest.approx(expected.tolist(), rel=1e-5)


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_areas_and_points_of_the_curves_are_those_of_scikit_learn(cases, name):
    case = cases[name]
    scores, classes = case.model.predict_proba(case.test), case.signature["prediction"]["classes"]
    for entry in case.found["classification"]["curves"]:
        number = classes.index(entry["value"])
        is_class, score = case.truth == entry["value"], scores[:, number]
        assert close(entry["roc_auc"], metrics.roc_auc_score(is_class, score))
        assert close(entry["average_precision"], metrics.average_precision_score(is_class, score))
        false_rate, true_rate, _ = metrics.roc_curve(is_class, score)
        shown = np.array([entry["roc"]["false_rate"], entry["roc"]["true_rate"]]).T
        assert are_among(shown, np.stack([false_rate, true_rate], axis=1))
        assert shown[0].tolist() == [0, 0]
        assert shown[-1].tolist() == [1, 1]
        assert len(shown) <= 40
        precision, recall, _ = metrics.precision_recall_curve(is_class, score)
        curve = entry["precision_recall"]
        shown = np.array([curve["recall"], curve["precision"]]).T
        assert are_among(shown, np.stack([recall, precision], axis=1))


@pytest.mark.parametrize("name", ["iris", "breast_cancer", "digits"])
def test_the_calibration_is_that_of_scikit_learn(cases, name):
    case = cases[name]
    found = case.found["classification"]["calibration"]
    scores, classes = case.model.predict_proba(case.test), np.array(case.signature["prediction"]["classes"])
    stated = scores[:, 1] if len(classes) == 2 else scores.max(axis=1)
    so = case.truth == (classes[1] if len(classes) == 2 else classes[scores.argmax(axis=1)])
    observed, means = calibration.calibration_curve(so, stated, n_bins=10)
    filled = [entry for entry in found["bins"] if entry["rows"]]

    assert [entry["observed"] for entry in filled] == pytest.approx(observed.tolist(), rel=1e-5)
    assert [entry["stated"] for entry in filled] == pytest.approx(means.tolist(), rel=1e-5)
    assert sum(entry["rows"] for entry in found["bins"]) == len(case.truth)
    assert close(found["log_loss"], metrics.log_loss(case.truth, scores))
    expected = metrics.brier_score_loss(case.truth, scores, labels=classes, scale_by_half=True)
    assert close(found["brier"], expected)
    weights = np.array([entry["rows"] for entry in filled]) / len(case.truth)
    assert close(found["expected_error"], float(weights @ np.abs(observed - means)))


def test_a_model_without_probabilities_is_recorded_as_one():
    found = Case("iris", RidgeClassifier()).found["classification"]

    assert found["probabilities"] is False
    assert "curves" not in found
    assert "matrix" in found


def test_thresholds_are_kept_for_two_classes_alone(cases):
    assert "thresholds" not in cases["iris"].found["classification"]
    case = cases["breast_cancer"]
    found = case.found["classification"]["thresholds"]
    row = found["rows"][25]
    answered = case.model.predict_proba(case.test)[:, 1] >= 0.5
    (rejected, wrong), (missed, right) = metrics.confusion_matrix(case.truth == found["positive"], answered)

    assert row["threshold"] == 0.5
    assert [row["true_negatives"], row["false_positives"]] == [rejected, wrong]
    assert [row["false_negatives"], row["true_positives"]] == [missed, right]
    assert close(row["precision"], right / (right + wrong))


@pytest.mark.parametrize("name", ["iris", "diabetes"])
def test_importance_is_near_that_of_scikit_learn(cases, name):
    case = cases[name]
    expected = inspection.permutation_importance(
        case.model, case.test, case.truth, n_repeats=50, random_state=0
    )
    found = {entry["name"]: entry for entry in case.found["importance"]["features"]}

    assert close(case.found["importance"]["baseline"], case.model.score(case.test, case.truth))
    for number, feature in enumerate(case.features.columns):
        apart = abs(found[feature]["importance"] - expected.importances_mean[number])
        assert apart <= 4 * expected.importances_std[number] / np.sqrt(5) + 1e-9
    order = [entry["importance"] for entry in case.found["importance"]["features"]]
    assert order == sorted(order, reverse=True)


def test_regression_points_are_test_rows_evenly_over_the_truth(cases):
    case = cases["diabetes"]
    points = case.found["regression"]["points"]
    truth, predicted, residual = (np.array(points[key]) for key in ("true", "predicted", "residual"))

    assert sorted(truth) == sorted(case.truth)
    assert residual == pytest.approx(truth - predicted, abs=0.01)
    counts = case.found["regression"]["residuals"]["histogram"]["rows"]
    assert counts == np.histogram(case.truth - case.predicted, bins=20)[0].tolist()
    worst = case.found["regression"]["worst"][0]
    assert close(abs(worst["residual"]), np.abs(case.truth - case.predicted).max())
    assert case.labels[worst["row"] - 1] == worst["true"]


def test_many_test_rows_give_a_thousand_points(cases):
    case = cases["diabetes"]
    rows = np.resize(case.parts.test, 5000)
    parts = type(case.parts)(case.parts.train, case.parts.validation, rows)
    truth, predicted = case.labels[rows], np.resize(case.predicted, 5000)
    found = case.evaluate(parts=parts, truth=truth.tolist(), predicted=predicted.tolist())["regression"]

    assert found["rows"] == 5000
    assert {len(values) for values in found["points"].values()} == {1000}
    assert found["points"]["true"][0] == case.truth.min()
    assert found["points"]["true"][-1] == case.truth.max()


@pytest.mark.parametrize("name", SETS)
def test_the_data_summary_is_that_of_pandas(cases, name):
    case = cases[name]
    data = case.found["data"]
    assert data["features_left_out"] == 0
    for entry in data["features"]:
        column = case.features[entry["name"]]
        expected = column.describe(percentiles=(0.05, 0.25, 0.5, 0.75, 0.95))
        assert close(entry["mean"], expected["mean"])
        assert close(entry["std"], expected["std"])
        assert [entry["minimum"], entry["maximum"]] == pytest.approx([column.min(), column.max()], rel=1e-5)
        assert close([point["value"] for point in entry["quantiles"]], expected.iloc[4:9].tolist())
        assert sum(entry["histogram"]["rows"]) == entry["count"] == len(column)
    if case.task == "classification":
        parts = ("train", "validation", "test")
        for entry in data["label"]["classes"]:
            assert (
                entry["rows"] == sum(entry[part] for part in parts) == (case.labels == entry["value"]).sum()
            )


def test_slices_of_one_feature_are_all_test_rows_once(cases):
    for name in ("iris", "diabetes"):
        case = cases[name]
        found = case.found["slices"]
        for feature in {entry["feature"] for entry in found["slices"]}:
            assert sum(entry["rows"] for entry in found["slices"] if entry["feature"] == feature) == len(
                case.truth
            )
        values = [entry["value"] for entry in found["slices"] if "value" in entry]
        assert found["worst"][0]["value"] == (max(values) if name == "diabetes" else min(values))


@pytest.fixture
def mixed():
    """Rows with a category, missing values, and a number that says the label."""
    generator = np.random.default_rng(0)
    rows = 300
    table = pd.DataFrame(
        {
            "size": generator.normal(size=rows),
            "colour": generator.choice([0.0, 1.0, 2.0], size=rows),
            "gap": np.where(generator.random(rows) < 0.2, np.nan, generator.normal(size=rows)),
        }
    )
    label = pd.Series(np.where(table["size"] > 0, "yes", "no"), name="label")
    return Dataset(table, label, {}, "made", "0" * 64, {"colour": ("<b>", "blue", "red")})


def test_categories_and_missing_values_are_described_shuffled_and_sliced(mixed):
    signature = {"prediction": {"classes": ["no", "yes"], "type": "string"}}
    parts = split(mixed, SplitSection(), stratify=True)

    def predict(rows):
        right = (rows["size"] > 0).to_numpy()
        return np.where(right ^ (rows["colour"] == 2).to_numpy(), "yes", "no")

    truth, test = mixed.label.to_numpy()[parts.test], mixed.features.iloc[parts.test]
    found = evaluate_in_depth(
        "classification",
        mixed,
        parts,
        truth.tolist(),
        predict(test).tolist(),
        predict,
        lambda _rows: None,
        signature,
        0,
    )
    size, colour, gap = found["data"]["features"]

    assert (size["missing"], gap["missing"]) == (0, int(mixed.features["gap"].isna().sum()))
    assert gap["count"] + gap["missing"] == 300
    assert {entry["value"]: entry["rows"] for entry in colour["categories"]} == dict(
        mixed.features["colour"].map(dict(enumerate(mixed.categories["colour"]))).value_counts()
    )
    assert [entry["name"] for entry in found["importance"]["features"]][-1] == "gap"
    assert found["slices"]["worst"][0] | {"low": 0, "high": 0, "rows": 0} == {
        "feature": "colour",
        "kind": "category",
        "value": 0.0,
        "category": "red",
        "low": 0,
        "high": 0,
        "rows": 0,
    }
    kinds = {entry["kind"] for entry in found["slices"]["slices"] if entry["feature"] == "gap"}
    assert kinds == {"range", "missing"}


def test_wide_data_stay_within_the_size_of_a_manifest():
    generator = np.random.default_rng(0)
    table = pd.DataFrame(generator.normal(size=(200, 600)), columns=[f"column_{n}" for n in range(600)])
    dataset = Dataset(table, table["column_3"] * 1e9, {}, "made", "0" * 64)
    parts = split(dataset, SplitSection(), stratify=False)
    truth = dataset.label.to_numpy()[parts.test]
    found = evaluate_in_depth(
        "regression",
        dataset,
        parts,
        truth.tolist(),
        (truth + 1e8).tolist(),
        lambda rows: rows["column_3"].to_numpy() * 1e9 + 1e8,
        lambda _rows: None,
        {},
        0,
    )

    assert len(json.dumps(found, indent=1)) < 200_000
    assert found["importance"]["features"][0]["name"] == "column_3"
    assert found["data"]["features_left_out"] == 500
    assert "column_3" in {entry["name"] for entry in found["data"]["features"]}


def test_answers_that_are_no_class_are_refused(cases):
    case = cases["iris"]

    with pytest.raises(TrainingFailed, match="'rose'"):
        case.evaluate(predicted=["rose"] * len(case.truth))
