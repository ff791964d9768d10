"""The built-in XGBoost takes and refuses hyperparameters in the words of AWS's image."""

import numpy as np
import pytest
import sklearn.metrics as sk

from training.xgboost_algorithm.errors import UserError
from training.xgboost_algorithm.evaluation_metrics import METRICS
from training.xgboost_algorithm.hyperparameters import TABLE, validate

ROUNDS = {"num_round": "10"}


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({}, "Missing required hyperparameter: num_round"),
        ({"depth": "1"}, "Missing required hyperparameter: num_round"),
        ({**ROUNDS, "depth": "1"}, "Extraneous hyperparameter found: depth"),
        ({"num_round": "ten"}, "Hyperparameter num_round: could not parse value (caused by ValueError)"),
        ({"num_round": "0"}, "Hyperparameter num_round: 0 is not in [1, +inf)"),
        ({**ROUNDS, "eta": "7"}, "Hyperparameter eta: 7.0 is not in [0, 1]"),
        ({**ROUNDS, "learning_rate": "7"}, "Hyperparameter eta: 7.0 is not in [0, 1]"),
        ({**ROUNDS, "subsample": "0"}, "Hyperparameter subsample: 0.0 is not in (0, 1]"),
        ({**ROUNDS, "sketch_eps": "1"}, "Hyperparameter sketch_eps: 1.0 is not in (0, 1)"),
        (
            {**ROUNDS, "seed": "2147483647"},
            "Hyperparameter seed: 2147483647 is not in (-2147483648, 2147483647)",
        ),
        (
            {**ROUNDS, "booster": "tree"},
            "Hyperparameter booster: tree is not in ['gbtree', 'gblinear', 'dart']",
        ),
        (
            {**ROUNDS, "monotone_constraints": "(2,)", "tree_method": "hist"},
            "Hyperparameter monotone_constraints: value (2,) not in range [-1, 0, 1]",
        ),
        (
            {**ROUNDS, "monotone_constraints": "(1,"},
            "Hyperparameter monotone_constraints: could not parse value (caused by SyntaxError)",
        ),
        (
            {**ROUNDS, "interaction_constraints": "[[0]]", "tree_method": "hist"},
            "Hyperparameter interaction_constraints: value [[0]] not in range [1, +inf)",
        ),
        (
            {**ROUNDS, "monotone_constraints": "(1,)"},
            "monotone_constraints can be used only when the tree_method parameter is set to "
            "either 'exact' or 'hist'.",
        ),
        (
            {**ROUNDS, "objective": "multi:softprob"},
            "Require input for parameter 'num_class' for multi-classification",
        ),
        (
            {**ROUNDS, "objective": "reg:squarederror", "eval_metric": "rmse,auc"},
            "Metric 'auc' can only be applied for classification and ranking problems.",
        ),
        (
            {**ROUNDS, "objective": "reg:squarederror", "eval_metric": "rmse@2"},
            "Metric 'rmse@2' is not supported. Parameter 'eval_metric' with customized threshold should "
            "be one of these options: 'error', 'ndcg', 'map'.",
        ),
        (
            {**ROUNDS, "objective": "binary:logistic", "eval_metric": "error@x"},
            "Threshold value 't' in 'error@t' expects float input.",
        ),
        (
            {**ROUNDS, "process_type": "update", "updater": "grow_colmaker"},
            "process_type 'update' can only be used with updater 'refresh' and 'prune'",
        ),
    ],
)  # fmt: skip
def test_a_wrong_one_is_refused_in_the_images_words(given: dict[str, str], message: str) -> None:
    with pytest.raises(UserError) as raised:
        validate(given)
    assert str(raised.value) == message


def test_a_metric_that_is_not_known_is_told_with_those_that_are() -> None:
    with pytest.raises(UserError) as raised:
        validate({**ROUNDS, "objective": "reg:squarederror", "eval_metric": "rmse,foo"})
    assert str(raised.value).startswith(
        "Hyperparameter eval_metric: value ['rmse', 'foo'] not in range ['accuracy'"
    )


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"_kfold": "3"}, "_kfold works in AWS's image only"),
        ({"tree_method": "gpu_hist"}, "valid values are: {'approx', 'auto', 'exact', 'hist'}"),
        ({"use_dask_gpu_training": "true"}, "use_dask_gpu_training works in AWS's image only"),
        ({"eval_metric": "rmse"}, "only together with objective"),
    ],
)
def test_what_does_not_work_here_is_refused_with_a_reason(given: dict[str, str], words: str) -> None:
    with pytest.raises(UserError) as raised:
        validate({**ROUNDS, **given})
    assert words in str(raised.value)


def test_texts_become_numbers_lists_and_first_names() -> None:
    values = validate({
        "num_round": "10", "learning_rate": "0.2", "reg_lambda": "1", "max_depth": "5",
        "objective": "reg:linear", "eval_metric": "mae,rmse", "interaction_constraints": "[[1, 2], [3]]",
        "tree_method": "hist", "save_model_on_termination": "true", "use_dask_gpu_training": "false",
        "seed": "-1",
    })  # fmt: skip
    assert values == {
        "num_round": 10, "eta": 0.2, "lambda": 1.0, "max_depth": 5, "objective": "reg:linear",
        "eval_metric": ["mae", "rmse"], "interaction_constraints": [[1, 2], [3]], "tree_method": "hist",
        "save_model_on_termination": "true", "use_dask_gpu_training": "false", "seed": -1,
    }  # fmt: skip


def test_the_table_has_every_hyperparameter_of_the_image() -> None:
    assert len(TABLE) == 53


def _of_sklearn(name: str, labels: np.ndarray, classes: np.ndarray) -> float:
    functions = {
        "accuracy": sk.accuracy_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
        "f1": lambda a, b: sk.f1_score(a, b, average="macro"),
        "f1_binary": sk.f1_score,
        "f1_macro": lambda a, b: sk.f1_score(a, b, average="macro"),
        "precision": sk.precision_score,
        "precision_macro": lambda a, b: sk.precision_score(a, b, average="macro"),
        "precision_micro": lambda a, b: sk.precision_score(a, b, average="micro"),
        "recall": sk.recall_score,
        "recall_macro": lambda a, b: sk.recall_score(a, b, average="macro"),
        "recall_micro": lambda a, b: sk.recall_score(a, b, average="micro"),
    }
    return functions[name](labels, classes)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", [name for name in METRICS if name not in ("mse", "rmse", "mae", "r2")])
@pytest.mark.parametrize("number_of_classes", [2, 3])
def test_a_metric_of_classes_is_what_scikit_learn_says(name: str, number_of_classes: int) -> None:
    generator = np.random.default_rng(0)
    for _ in range(20):
        labels = generator.integers(0, number_of_classes, size=12).astype("float32")
        scores = generator.random((12, number_of_classes), dtype="float32")
        try:
            expected = _of_sklearn(name, labels, scores.argmax(axis=1))
        except ValueError as error:
            with pytest.raises(ValueError, match="Target is multiclass but average='binary'"):
                METRICS[name](labels, scores)
            assert "Target is multiclass" in str(error)
        else:
            assert METRICS[name](labels, scores) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("name", "function"),
    [
        ("mse", sk.mean_squared_error), ("rmse", sk.root_mean_squared_error),
        ("mae", sk.mean_absolute_error), ("r2", sk.r2_score),
    ],
)  # fmt: skip
def test_a_metric_of_numbers_is_what_scikit_learn_says(name: str, function) -> None:
    generator = np.random.default_rng(0)
    labels, predictions = generator.normal(size=(2, 30)).astype("float32")
    assert METRICS[name](labels, predictions) == pytest.approx(function(labels, predictions), rel=1e-5)


def test_with_probabilities_of_one_class_every_row_counts_as_positive_as_in_the_image() -> None:
    labels = np.array([0, 0, 1], dtype="float32")
    assert METRICS["accuracy"](labels, np.array([0.1, 0.2, 0.9], dtype="float32")) == pytest.approx(1 / 3)
