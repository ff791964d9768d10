"""iris_forest blue/green: a second environment takes the address of the first, or leaves no trace."""

from __future__ import annotations

import pytest

from slipway.errors import DeployFailed
from slipway.verify import client_for
from tests.local.stacks.artifacts import point_at, write_again
from tests.local.stacks.iris_forest.test_iris_forest import load_on, outputs_of, retrained
from training.artifact import load_artifact


def environments(forest) -> dict[str, str]:
    """Return the status of each environment by its name; those that are gone left out."""
    found = forest.aws.client("elasticbeanstalk").describe_environments(
        ApplicationName=outputs_of(forest)["ApplicationName"], IncludeDeleted=False
    )
    return {each["EnvironmentName"]: each["Status"] for each in found["Environments"]}


def test_a_swap_changes_the_environment_behind_the_address_without_one_failed_request(forest):
    before = outputs_of(forest)
    artifact = retrained(forest, 30)

    with load_on(forest) as load:
        forest.redeploy("iris_forest", swap=True)

    after = outputs_of(forest)
    assert load.failures == []
    assert load.sent >= 1000
    assert set(load.answers) == {f"{before['ModelVersion']} [0]", f"{artifact.version} [0]"}
    assert after["EnvironmentUrl"] == before["EnvironmentUrl"]
    assert after["EnvironmentName"] != before["EnvironmentName"]
    assert environments(forest) == {after["EnvironmentName"]: "Ready"}


def test_a_plain_deploy_after_a_swap_stays_in_the_slot(forest):
    before = outputs_of(forest)
    artifact = retrained(forest, 20)

    forest.redeploy("iris_forest")

    assert outputs_of(forest)["EnvironmentName"] == before["EnvironmentName"]
    assert client_for(forest.aws, "iris_forest").version == artifact.version


def test_an_environment_that_answers_golden_rows_otherwise_never_gets_the_address(forest):
    before = outputs_of(forest)
    golden = dict(load_artifact(forest.project.root, "iris_forest").manifest["golden"])
    # The server itself asks its model for the first one.
    golden["predictions"] = [
        golden["predictions"][0],
        *((answer + 1) % 3 for answer in golden["predictions"][1:]),
    ]
    good = write_again(forest, "iris_forest", {}, golden=golden)

    with load_on(forest, requests=200) as load, pytest.raises(DeployFailed) as caught:
        forest.redeploy("iris_forest", swap=True)
    point_at(forest, "iris_forest", good)

    assert "and training gave" in str(caught.value)
    assert load.failures == []
    assert set(load.answers) == {f"{before['ModelVersion']} [0]"}
    assert outputs_of(forest) == before
    assert environments(forest) == {before["EnvironmentName"]: "Ready"}
