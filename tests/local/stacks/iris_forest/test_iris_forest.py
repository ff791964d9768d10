"""iris_forest on Elastic Beanstalk: what it answers, what is told of it, and updates that nobody notices."""

from __future__ import annotations

import json
import urllib.request

import pytest

from client import EnvironmentDoor
from slipway.environment_account import beanstalk_checks
from slipway.environments import check_environment
from slipway.errors import DeployFailed
from slipway.verify import client_for, replay_golden_rows
from stacks.settings import load_model
from tests.local.load import Load
from tests.local.stacks.artifacts import point_at, spoil
from tests.local.stacks.models.test_ask import ask
from tests.local.stacks.models.test_verbs import slipway
from training.artifact import load_artifact
from training.train import train

ROW, JSON = b"[[5.1, 3.5, 1.4, 0.2]]", "application/json"


def outputs_of(forest) -> dict[str, str]:
    return forest.aws.outputs("iris_forest")


def load_on(forest, **arguments) -> Load:
    """Send requests that are never tried again."""

    def failed(_seconds: float) -> None:
        raise AssertionError("a request has to be tried again")

    door = EnvironmentDoor(outputs_of(forest)["EnvironmentUrl"], pause=failed)

    def ask() -> str:
        answer = door.invoke(ROW, JSON, JSON)
        return f"{answer.version} {answer.content.decode()}"

    return Load(ask, **arguments)


def retrained(forest, trees: int):
    settings = load_model(
        forest.project.root, "iris_forest", {"model.hyperparameters": {"n_estimators": trees}}
    )
    return train(forest.project.root, settings)


def test_a_row_posted_to_predict_is_answered_with_its_code_and_the_models_version(forest):
    outputs = outputs_of(forest)
    request = urllib.request.Request(
        outputs["EnvironmentUrl"] + "predict", b"[[5.1,3.5,1.4,0.2]]", {"Content-Type": JSON}
    )

    with urllib.request.urlopen(request, timeout=10) as answer:
        body, version = answer.read(), answer.headers["x-slipway-model-version"]

    assert (json.loads(body), version) == ([0], outputs["ModelVersion"])


@pytest.mark.parametrize(
    ("path", "kind", "text"),
    [
        ("", "text/html", "iris_forest</title>"),
        ("openapi.json", JSON, "/predict"),
    ],
)
def test_the_page_and_the_description_are_those_of_every_door(forest, path, kind, text):
    with urllib.request.urlopen(outputs_of(forest)["EnvironmentUrl"] + path, timeout=10) as answer:
        assert answer.headers["content-type"].startswith(kind)
        assert text in answer.read().decode()


def test_every_golden_row_agrees_through_the_typed_client(forest):
    client = client_for(forest.aws, "iris_forest")

    replay = replay_golden_rows(client, load_artifact(forest.project.root, "iris_forest"), latency_calls=3)

    assert (replay.agreement, replay.door) == (1.0, "Elastic Beanstalk")
    check_environment(forest.aws, "iris_forest")


def test_status_and_predict_tell_of_the_environment(forest):
    status = json.loads(slipway(forest, "status", "--json").stdout)
    predicted = slipway(forest, "predict", "iris_forest", "5.1,3.5,1.4,0.2")

    found = next(model for model in status["models"] if model["model"] == "iris_forest")
    assert found["target"] == "beanstalk"
    assert found["endpoint"] == "Ready, Ok, 1 machine"
    assert (found["url"], found["version"]) == (
        outputs_of(forest)["EnvironmentUrl"],
        outputs_of(forest)["ModelVersion"],
    )
    assert predicted.stdout == "0\n"


def test_the_models_own_script_shows_predictions_and_the_accuracy_on_the_rows_held_back(forest):
    accuracy = load_artifact(forest.project.root, "iris_forest").manifest["metrics"]["accuracy"]

    asked = ask(forest)

    assert asked.returncode == 0, asked.stderr
    assert f"\naccuracy           {accuracy:.4f}\n" in asked.stdout
    assert "] -> 0, is 0\n" in asked.stdout


def test_what_only_other_targets_have_is_refused_with_what_to_do_instead(forest):
    rollback = slipway(forest, "rollback", "iris_forest")
    traffic = slipway(forest, "traffic", "iris_forest")

    assert (rollback.returncode, traffic.returncode) == (2, 2)
    assert "slipway deploy iris_forest --set serve.version=previous --swap" in rollback.stderr
    assert "Elastic Beanstalk, which has no variants" in traffic.stderr


def test_an_unchanged_model_is_not_deployed_again(forest):
    client = forest.aws.client("elasticbeanstalk")
    name = outputs_of(forest)["EnvironmentName"]
    before = client.describe_environments(EnvironmentNames=[name])["Environments"][0]["DateUpdated"]

    forest.redeploy("iris_forest")

    after = client.describe_environments(EnvironmentNames=[name])["Environments"][0]["DateUpdated"]
    assert after == before


def test_a_retrained_model_arrives_without_one_failed_request(forest):
    before = outputs_of(forest)
    artifact = retrained(forest, 40)

    with load_on(forest) as load:
        forest.redeploy("iris_forest")

    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) == {f"{before['ModelVersion']} [0]", f"{artifact.version} [0]"}
    assert outputs_of(forest)["EnvironmentUrl"] == before["EnvironmentUrl"]


def test_a_model_that_cannot_load_is_rolled_back_and_the_old_one_answers_throughout(forest):
    before = outputs_of(forest)
    good = spoil(forest, "iris_forest")

    with load_on(forest) as load, pytest.raises(DeployFailed) as caught:
        forest.redeploy("iris_forest")
    point_at(forest, "iris_forest", good)

    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) == {f"{before['ModelVersion']} [0]"}
    assert forest.aws.stack_status("iris_forest") == "UPDATE_ROLLBACK_COMPLETE"
    assert "model_not_loadable" in caught.value.why
    assert "The last lines of the log of" in caught.value.why
    check_environment(forest.aws, "iris_forest")


def test_an_unknown_platform_is_refused_by_name_and_nothing_is_lost(forest):
    before = outputs_of(forest)

    with pytest.raises(DeployFailed, match=r"Amazon Linux 2023/4\.0\.0"):
        forest.redeploy("iris_forest", **{"iris_forest.serve.platform_version": "4.0.0"})

    assert outputs_of(forest) == before
    assert client_for(forest.aws, "iris_forest").predict([[5.1, 3.5, 1.4, 0.2]]) == [0]
    check_environment(forest.aws, "iris_forest")


def test_doctor_knows_the_platforms_of_the_account(forest):
    pinned = load_model(forest.project.root, "iris_forest")
    gone = load_model(forest.project.root, "iris_forest", {"serve.platform_version": "4.0.0"})

    found = list(beanstalk_checks(forest.aws, [pinned, gone]))

    assert [check.ok for check in found] == [True, False]
    assert "4.0.0 is gone" in found[1].found and pinned.serve.platform_version in found[1].found
