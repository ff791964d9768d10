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
from tests.local.stacks.test_updates import unpack
from training.artifact import load_artifact, write_artifact
from training.train import train


@pytest.fixture(scope="module", autouse=True)
def as_before(wine):
    good = load_artifact(wine.project.root, "wine").version
    yield
    point_at(wine, good)
    wine.redeploy("wine")


def load_on(wine):
    api = Api(wine.aws.outputs("wine")["ApiUrl"])

    def ask():
        answer = api.send("POST", "predict", "[[0.1]]", {"Content-Type": "application/json"})
        # The throttle is part of the API, and a caller's client tries again.
        if answer.status != 429:
            assert answer.status == 200, (answer.status, answer.body)
        return f"{answer.status} {answer.headers['x-slipway-model-version']}"

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


def test_a_new_model_takes_over_without_one_failed_request_and_a_rollback_brings_the_old_one_back(wine):
    old, before = load_artifact(wine.project.root, "wine").version, version_now(wine)
    new = retrained(wine, C=0.5).version
    fast = {"wine.serve.throttle_rate": "10000", "wine.serve.throttle_burst": "5000"}
    wine.redeploy("wine", **fast, **{"wine.serve.version": old})

    with load_on(wine) as load:
        wine.redeploy("wine", **fast)

    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) <= {f"200 {old}", f"200 {new}"}
    after = version_now(wine)
    assert (after != before, answering(wine)) == (True, new)

    ended = slipway(wine, "rollback", "wine", "--json")
    assert ended.returncode == 0, ended.stderr
    held = {version["name"]: version for version in json.loads(ended.stdout)["versions"]}
    assert (held[before]["current"], held[after]["current"]) == (True, False)
    assert (held[before]["model_version"], held[after]["model_version"]) == (old, new)
    assert (version_now(wine), answering(wine)) == (before, old)
    status = json.loads(slipway(wine, "status", "--json").stdout)["models"]
    assert next(model for model in status if model["model"] == "wine")["version"] == old

    assert slipway(wine, "rollback", "wine", "--to", new).returncode == 0
    assert (version_now(wine), answering(wine)) == (after, new)


def test_a_deploy_after_a_rollback_goes_forward_again_and_says_so(wine):
    wine.redeploy("wine")
    now = version_now(wine)
    assert slipway(wine, "rollback", "wine").returncode == 0
    assert version_now(wine) != now

    ended = slipway(wine, "deploy", "wine")

    assert ended.returncode == 0, ended.stderr
    assert version_now(wine) == now
    assert "since a rollback" in " ".join(ended.stderr.split())
    for told in ("answers at http://127.0.0.1:", "curl -sS http://127.0.0.1:", "for a million requests"):
        assert told in ended.stderr


def test_a_model_that_cannot_load_never_answers_and_the_deploy_says_why(wine):
    good, before = load_artifact(wine.project.root, "wine"), version_now(wine)
    files = unpack(good)
    files["model.onnx"] = b"no model"
    manifest = {name: value for name, value in good.manifest.items() if name != "files"}
    write_artifact(wine.project.root, "wine", files, manifest)
    fast = {"wine.serve.throttle_rate": "10000", "wine.serve.throttle_burst": "5000"}

    with load_on(wine) as load, pytest.raises(DeployFailed) as caught:
        wine.redeploy("wine", **fast)
    point_at(wine, good.version)

    assert load.failures == []
    assert load.sent >= 1000
    assert version_now(wine) == before
    assert wine.aws.stack_status("wine") == "UPDATE_ROLLBACK_COMPLETE"
    assert "model_not_loadable" in str(caught.value)
    assert answering(wine) == good.version


def test_settings_alone_make_another_version_of_the_same_model(wine):
    wine.redeploy("wine")
    before = version_now(wine)

    wine.redeploy("wine", **{"wine.serve.memory_mb": "2048"})

    held = {version.name: version for version in published(wine.aws, wine.aws.outputs("wine"))}
    assert version_now(wine) != before
    assert held[before].model_version == held[version_now(wine)].model_version
    about = wine.aws.client("lambda").get_function_configuration(
        FunctionName=wine.aws.outputs("wine")["FunctionName"], Qualifier="live"
    )
    assert about["MemorySize"] == 2048


def test_a_version_that_aws_does_not_hold_is_refused_and_nothing_changes(wine):
    before = version_now(wine)

    ended = slipway(wine, "rollback", "wine", "--to", "0123456789ab")

    assert ended.returncode == 2
    assert "E-NO-VERSION" in ended.stderr and "Name one of these" in ended.stderr
    assert version_now(wine) == before


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["traffic", "wine"], ["slipway rollback wine --list"]),
        (["rollback", "iris"], ["SageMaker endpoint", "--set serve.version=previous"]),
    ],
)
def test_what_a_target_does_not_have_is_said_with_what_does_it(wine, arguments, words):
    ended = slipway(wine, *arguments)

    assert ended.returncode == 2
    assert not [word for word in words if word not in " ".join(ended.stderr.split())], ended.stderr


def test_a_row_on_the_command_line_goes_through_the_api(wine):
    ended = slipway(wine, "predict", "wine", "0.10", "--json")

    assert json.loads(ended.stdout)["predictions"] == [1], ended.stderr
