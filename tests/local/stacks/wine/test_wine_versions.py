"""wine's versions: an update that nobody notices, one that is refused, settings alone, and the way back."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

from slipway.errors import DeployFailed
from slipway.functions import alias_version, published
from stacks.settings import load_model
from tests.local.api import Api
from tests.local.load import Load
from tests.local.stacks.models.test_updates import unpack
from training.artifact import load_artifact, write_artifact
from training.train import train


def load_on(wine):
    api = Api(wine.aws.outputs("wine")["ApiUrl"])

    def ask():
        answer = api.send("POST", "predict", "[[0.1]]", {"Content-Type": "application/json"})
        assert answer.status == 200, (answer.status, answer.body)
        return answer.headers["x-slipway-model-version"]

    return Load(ask)


def version_now(wine):
    return alias_version(wine.aws, wine.aws.outputs("wine"))


def answering(wine):
    api = Api(wine.aws.outputs("wine")["ApiUrl"])
    answer = api.send("POST", "predict", "[[0.1]]", {"Content-Type": "application/json"})
    assert answer.status == 200, answer.body
    return answer.headers["x-slipway-model-version"]


def slipway(wine, *arguments):
    return subprocess.run(
        [sys.executable, "-m", "slipway.main", *arguments],
        cwd=wine.project.root, capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip


def point_at(wine, version):
    (wine.project.root / "artifacts" / "wine" / "latest").write_text(f"{version}\n")


def retrained(wine, **hyperparameters):
    model = load_model(wine.project.root, "wine", {"model.hyperparameters": hyperparameters})
    return train(wine.project.root, model)


def test_a_new_model_takes_over_without_one_failed_request(wine):
    old, before = load_artifact(wine.project.root, "wine").version, version_now(wine)
    new = retrained(wine, C=0.5).version

    with load_on(wine) as load:
        wine.redeploy("wine")

    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) <= {old, new}
    assert (version_now(wine) != before, answering(wine)) == (True, new)


def test_a_rollback_brings_the_version_before_back_until_the_next_deploy(wine):
    now, new = version_now(wine), answering(wine)

    ended = slipway(wine, "rollback", "wine", "--json")

    assert ended.returncode == 0, ended.stderr
    versions = json.loads(ended.stdout)["versions"]
    current = next(version for version in versions if version["current"])
    assert current == versions[[version["name"] for version in versions].index(now) + 1]
    assert version_now(wine) == current["name"] != now
    assert answering(wine) == current["model_version"] != new
    status = json.loads(slipway(wine, "status", "--json").stdout)["models"]
    assert next(model for model in status if model["model"] == "wine")["version"] == answering(wine)

    ended = slipway(wine, "deploy", "wine")

    assert ended.returncode == 0, ended.stderr
    assert (version_now(wine), answering(wine)) == (now, new)
    assert "since a rollback" in " ".join(ended.stderr.split())
    for told in ("answers at http://127.0.0.1:", "curl -sS http://127.0.0.1:", "for a million requests"):
        assert told in ended.stderr


def test_a_model_that_cannot_load_never_answers_and_the_deploy_says_why(wine):
    good, before = load_artifact(wine.project.root, "wine"), version_now(wine)
    held = [version.name for version in published(wine.aws, wine.aws.outputs("wine"))]
    files = unpack(good)
    files["model.onnx"] = b"no model"
    manifest = {name: value for name, value in good.manifest.items() if name != "files"}
    write_artifact(wine.project.root, "wine", files, manifest)

    with load_on(wine) as load, pytest.raises(DeployFailed) as caught:
        wine.redeploy("wine")
    point_at(wine, good.version)

    assert load.failures == []
    assert load.sent >= 1000
    assert version_now(wine) == before
    assert wine.aws.stack_status("wine") == "UPDATE_ROLLBACK_COMPLETE"
    assert "model_not_loadable" in str(caught.value)
    # What failed is none to go back to, and would be in the way of the next deploy of the same.
    assert [version.name for version in published(wine.aws, wine.aws.outputs("wine"))] == held
    assert answering(wine) == good.version


def test_a_version_that_aws_does_not_hold_is_refused_and_nothing_changes(wine):
    before = version_now(wine)

    ended = slipway(wine, "rollback", "wine", "--to", "0123456789ab")

    assert ended.returncode == 2
    assert "E-NO-VERSION" in ended.stderr and "Name one of these" in ended.stderr
    assert version_now(wine) == before


def test_an_api_has_no_shares_and_says_what_it_has(wine):
    ended = slipway(wine, "traffic", "wine")

    assert ended.returncode == 2
    assert "slipway rollback wine --list" in " ".join(ended.stderr.split())


def test_a_row_on_the_command_line_goes_through_the_api(wine):
    ended = slipway(wine, "predict", "wine", "0.10", "--json")

    assert json.loads(ended.stdout)["predictions"] == [1], ended.stderr
