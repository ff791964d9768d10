"""Models of AWS's built-in XGBoost, trained here: no script, one file, the same bytes each time."""

from __future__ import annotations

import json
import tarfile
from pathlib import Path

import numpy as np
import pytest

from slipway.errors import GateFailed, TrainingFailed
from slipway.tour_batch import predict_in_memory
from stacks.settings import load_model
from training.channels import write_channels
from training.told_metrics import ToldMetrics
from training.train import load_parts, train

TOML = """
[model]
task = "{task}"
data = "sklearn:{data}"
label = "{label}"
framework = "xgboost"
[model.hyperparameters]
objective = "{objective}"
num_round = 12
{more}
[gate]
{gate}
[serve]
image = "xgboost"
"""


def write_model(root: Path, name: str, **values: str) -> None:
    folder = root / "model_code" / name
    folder.mkdir()
    (folder / "model.toml").write_text(TOML.format(**{"more": "", **values}))


@pytest.fixture
def cancer(project: Path) -> Path:
    """Two classes with names."""
    write_model(
        project,
        "cancer",
        task="classification",
        data="breast_cancer",
        label="diagnosis",
        objective="binary:logistic",
        gate="accuracy = 0.85",
    )
    return project


def test_the_archive_holds_one_booster_which_aws_would_average_with_any_other_file(cancer):
    artifact = train(cancer, load_model(cancer, "cancer"))
    with tarfile.open(artifact.archive) as tar:
        top = [name for name in tar.getnames() if "/" not in name]

    assert top == ["xgboost-model"]
    assert artifact.manifest["engine"]["name"] == "xgboost"
    assert artifact.manifest["versions"]["xgboost"] == "3.2.0"


def test_the_same_data_and_seed_give_the_same_bytes(cancer):
    settings = load_model(cancer, "cancer")

    assert train(cancer, settings).version == train(cancer, settings).version


@pytest.mark.parametrize(
    ("objective", "more"), [("multi:softprob", "num_class = 3"), ("multi:softmax", "num_class = 3")]
)
def test_classes_with_names_come_back_by_their_names(project, objective, more):
    write_model(
        project,
        "kinds",
        task="classification",
        data="iris",
        label="species",
        objective=objective,
        more=more,
        gate="accuracy = 0.8",
    )
    artifact = train(project, load_model(project, "kinds"))
    golden = artifact.manifest["golden"]

    assert set(golden["predictions"]) == {"setosa", "versicolor", "virginica"}
    assert predict_in_memory(artifact, np.array(golden["rows"])) == golden["predictions"]
    has_curves = "roc" in json.dumps(artifact.manifest["evaluation"])
    assert has_curves == (objective == "multi:softprob")


def test_the_metrics_that_the_training_tells_are_in_the_manifest(cancer):
    told = train(cancer, load_model(cancer, "cancer")).manifest["validation"]

    assert {"train:logloss", "validation:logloss"} <= told.keys()
    assert 0 < told["train:logloss"] < told["validation:logloss"]


def test_a_model_outside_its_gate_leaves_a_report_and_the_artifact_before(cancer):
    before = train(cancer, load_model(cancer, "cancer"))
    with pytest.raises(GateFailed, match="accuracy is 0") as failed:
        train(cancer, load_model(cancer, "cancer", {"gate.accuracy": 1.0}))
    home = cancer / "artifacts" / "cancer"

    assert (home / "latest").read_text().strip() == before.version
    assert "artifacts/cancer/rejected-report.html" in failed.value.fix
    page = (home / "rejected-report.html").read_text()
    assert f"{before.manifest['metrics']['accuracy']}" in page

    train(cancer, load_model(cancer, "cancer"))
    assert not (home / "rejected-report.html").exists()


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"num_round": 5, "eta": 7}, "Hyperparameter eta: "),
        ({"num_round": 5, "depth": 3}, "Extraneous hyperparameter found: depth"),
        ({"eta": 0.1}, "Missing required hyperparameter: num_round"),
    ],
)
def test_a_wrong_hyperparameter_is_said_in_the_words_of_aws(cancer, values, words):
    values = {"objective": "binary:logistic", **values}
    with pytest.raises(TrainingFailed) as failed:
        train(cancer, load_model(cancer, "cancer", {"model.hyperparameters": values}))

    assert words in failed.value.why
    assert not (cancer / "artifacts").exists()


def test_a_script_beside_the_built_in_algorithm_is_refused(cancer):
    (cancer / "model_code/cancer/train.py").touch()

    with pytest.raises(TrainingFailed, match=r"has a train\.py"):
        train(cancer, load_model(cancer, "cancer"))


def test_an_objective_that_gives_no_classes_for_a_classification_is_refused(cancer):
    values = {"num_round": 5, "objective": "reg:squarederror"}
    settings = load_model(cancer, "cancer", {"model.hyperparameters": values})

    with pytest.raises(TrainingFailed, match="objective"):
        train(cancer, settings)


def test_the_channels_are_as_the_built_in_algorithm_wants_them(cancer, tmp_path):
    settings = load_model(cancer, "cancer")
    dataset, parts = load_parts(settings, lambda _line: None)
    channels = write_channels(settings, dataset, parts, tmp_path / "in")
    first = (channels["train"] / "train.csv").read_text().splitlines()[0].split(",")

    assert set(channels) == {"train", "validation", "test"}
    assert len(first) == dataset.features.shape[1] + 1
    assert first[0] == str(["benign", "malignant"].index(dataset.label[parts.train[0]]))


def test_a_scripts_metrics_are_found_by_the_expressions_of_the_model_folder(project):
    settings = load_model(project, "iris", {"train.metrics": {"accuracy": "acc=([0-9.e-]+)"}})
    metrics = ToldMetrics(settings)
    for line in ("acc=0.5", "nothing", "acc=e-", "the acc=0.91666666666 of the last round"):
        metrics.read(line)

    assert metrics.last == {"accuracy": 0.916667}
