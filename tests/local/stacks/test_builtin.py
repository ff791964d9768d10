"""Models of AWS's built-in XGBoost that are no example: two classes, three classes, texts and empty cells."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator

import pytest

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import deploy
from slipway.ports import free_port
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from slipway.verify import client_for
from stacks.settings import load_settings
from tests.local.stacks.conftest import Deployed, make_project
from training.artifact import load_artifact
from training.train import train

TOML = """
[model]
task = "{task}"
data = "{data}"
label = "{label}"
framework = "xgboost"
{section}
[model.hyperparameters]
num_round = 15
{hyperparameters}
[gate]
{gate}
[serve]
image = "xgboost"
"""
MODELS = {
    "cancer": {
        "task": "classification",
        "data": "sklearn:breast_cancer",
        "label": "diagnosis",
        "section": "",
        "hyperparameters": 'objective = "binary:logistic"',
        "gate": "accuracy = 0.9",
    },
    "kinds": {
        "task": "classification",
        "data": "sklearn:wine",
        "label": "cultivar",
        "section": "",
        "hyperparameters": 'objective = "multi:softprob"\nnum_class = 3',
        "gate": "accuracy = 0.8",
    },
    "rents": {
        "task": "regression",
        "data": "rents.csv",
        "label": "rent",
        "section": 'categories = ["city"]',
        "hyperparameters": 'objective = "reg:squarederror"\nmin_child_weight = 1',
        "gate": "rmse = 200",
    },
}


@pytest.fixture(scope="module")
def builtin(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployed]:
    """All three behind endpoints of their own, and gone at the end."""
    project = make_project(tmp_path_factory.mktemp("builtin"))
    shutil.rmtree(project.root / "model_code" / "iris")
    for name, values in MODELS.items():
        folder = project.root / "model_code" / name
        folder.mkdir()
        (folder / "model.toml").write_text(TOML.format(**values))
    cities = ("Bonn", '"Aix, old"', "Ulm")
    rows = [
        f"{'' if n % 7 == 0 else 20 + n % 60},{cities[n % 3]},{400 + 9 * (n % 60) + 150 * (n % 3)}"
        for n in range(240)
    ]
    (project.root / "model_code" / "rents" / "rents.csv").write_text(
        "size,city,rent\n" + "\n".join(rows) + "\n"
    )
    settings, story = load_settings(project.root), Story()
    for model in settings.models:
        train(project.root, model)
    local = LocalAws(project.root)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        deploy(project, aws, settings.models, {}, story, direct=True)
        yield Deployed(project, settings, local, aws, story)

        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", list(MODELS)), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert [*left, *remains_after_stop(local, before, port)] == []


@pytest.mark.parametrize("name", sorted(MODELS))
def test_the_client_gives_labels_whatever_the_image_answers_with(builtin, name):
    golden = load_artifact(builtin.project.root, name).manifest["golden"]

    answers = client_for(builtin.aws, name).predict(golden["rows"])

    expected = golden["predictions"]
    assert answers == (pytest.approx(expected) if name == "rents" else expected)
    assert len(set(answers)) > 1


def test_rows_by_name_are_put_into_the_order_of_the_signature(builtin):
    golden = load_artifact(builtin.project.root, "kinds").manifest
    names = [feature["name"] for feature in golden["signature"]["features"]]
    row = dict(zip(reversed(names), reversed(golden["golden"]["rows"][0]), strict=True))

    assert client_for(builtin.aws, "kinds").predict([row]) == golden["golden"]["predictions"][:1]


@pytest.mark.parametrize("header", [True, False])
def test_the_command_line_predicts_a_file_with_texts_and_empty_cells(builtin, tmp_path, header):
    rows = '50,"Aix, old"\n,Ulm\n'
    path = tmp_path / "new.csv"
    path.write_text("size,city\n" + rows if header else rows)

    ended = subprocess.run(
        [sys.executable, "-m", "slipway.main", "predict", "rents", path, "--json"],
        cwd=builtin.project.root,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 0, ended.stderr
    predictions = json.loads(ended.stdout)["predictions"]
    assert predictions == client_for(builtin.aws, "rents").predict([[50, "Aix, old"], [None, "Ulm"]])


def test_the_stack_says_how_the_image_wants_its_rows(builtin):
    wire = json.loads(builtin.aws.outputs("cancer")["WireFormat"])

    assert (wire["format"], wire["classes"]) == ("xgboost", ["benign", "malignant"])
