"""AWS's own clients of Elastic Beanstalk, the EB CLI and boto3, read what the embedded AWS runs."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from botocore.exceptions import WaiterError

from localaws.control import client_variables
from tests.local.eb.cli import EbCli

AT_ONCE = {"Delay": 1, "MaxAttempts": 2}
OFTEN = {"Delay": 1, "MaxAttempts": 60}


@pytest.fixture(scope="module")
def outputs(forest) -> dict[str, str]:
    return forest.aws.outputs("iris_forest")


@pytest.fixture(scope="module")
def eb(forest, outputs, tmp_path_factory) -> EbCli:
    variables = client_variables(forest.local.server())
    return EbCli(
        tmp_path_factory.mktemp("eb"), variables, outputs["ApplicationName"], outputs["EnvironmentName"]
    )


def test_eb_status_names_the_version_the_address_and_the_health(eb, outputs):
    told = eb("status")
    said = dict(re.findall(r"^ *([^:]+): (.*)$", told, re.MULTILINE))

    assert said["Environment details for"] == outputs["EnvironmentName"]
    assert said["Application name"] == outputs["ApplicationName"]
    assert said["CNAME"] == outputs["EnvironmentCname"]
    assert "Docker running on 64bit Amazon Linux 2023/" in said["Platform"]
    assert (said["Tier"], said["Status"], said["Health"]) == ("WebServer-Standard-1.0", "Ready", "Green")


def test_eb_list_and_use_find_the_environment(eb, outputs):
    eb("use", outputs["EnvironmentName"])

    assert eb("list").splitlines() == [f"* {outputs['EnvironmentName']}"]
    with pytest.raises(AssertionError, match="not Found"):
        eb("use", "nothing-of-that-name")


def test_eb_health_counts_the_instances_and_names_each(forest, eb, outputs):
    told = eb("health")
    client = forest.aws.client("elasticbeanstalk")
    resources = client.describe_environment_resources(EnvironmentName=outputs["EnvironmentName"])
    (instance,) = resources["EnvironmentResources"]["Instances"]

    # The cause behind the status stands there while there is one.
    assert re.search(rf"^ *{instance['Id']} +Ok", told, re.MULTILINE), told
    assert re.search(r"total +ok .*\n +1 +1 +0 +0", told), told


def test_eb_events_and_logs_tell_how_the_environment_came_to_be(eb, outputs):
    events, logs = eb("events").splitlines(), eb("logs")

    assert "createEnvironment is starting" in events[0]
    (launched,) = (place for place, event in enumerate(events) if "Successfully launched" in event)
    assert not [event for event in events[:launched] if " ERROR " in event or " FATAL " in event]
    assert re.search(r"^\[i-[0-9a-f]+\] .*Instance deployment completed successfully", logs, re.MULTILINE)


@pytest.fixture
def second(forest, outputs) -> Iterator[str]:
    """Another environment beside the live one, with its settings: made, awaited and ended by boto3."""
    client, live = forest.aws.client("elasticbeanstalk"), outputs["EnvironmentName"]
    (settings,) = client.describe_configuration_settings(
        ApplicationName=outputs["ApplicationName"], EnvironmentName=live
    )["ConfigurationSettings"]
    (about,) = client.describe_environments(EnvironmentNames=[live])["Environments"]
    name = live.replace("-blue", "-green")
    client.create_environment(
        ApplicationName=outputs["ApplicationName"],
        EnvironmentName=name,
        VersionLabel=about["VersionLabel"],
        PlatformArn=about["PlatformArn"],
        OptionSettings=settings["OptionSettings"],
    )
    client.get_waiter("environment_exists").wait(EnvironmentNames=[name], WaiterConfig=OFTEN)
    yield name
    client.terminate_environment(EnvironmentName=name)
    client.get_waiter("environment_terminated").wait(EnvironmentNames=[name], WaiterConfig=OFTEN)


def cnames(forest, outputs) -> dict[str, str]:
    found = forest.aws.client("elasticbeanstalk").describe_environments(
        ApplicationName=outputs["ApplicationName"], IncludeDeleted=False
    )
    return {each["EnvironmentName"]: each["CNAME"] for each in found["Environments"]}


def test_eb_swap_exchanges_the_addresses_of_two_environments(forest, eb, outputs, second):
    live = outputs["EnvironmentName"]
    before = cnames(forest, outputs)

    assert f"* {live}\n{second}\n" == eb("list")
    told = eb("swap", live)  # with the other one: there are two
    after = cnames(forest, outputs)
    client = forest.aws.client("elasticbeanstalk")
    client.swap_environment_cnames(SourceEnvironmentName=live, DestinationEnvironmentName=second)
    client.get_waiter("environment_updated").wait(EnvironmentNames=[live, second], WaiterConfig=OFTEN)

    assert "Completed swapping CNAMEs for environments" in told
    assert (after[live], after[second]) == (before[second], before[live])
    assert cnames(forest, outputs) == before


def test_boto3_waits_for_what_is_there_and_not_for_what_is_not(forest, outputs):
    client = forest.aws.client("elasticbeanstalk")
    found = {"ApplicationName": outputs["ApplicationName"], "EnvironmentNames": [outputs["EnvironmentName"]]}

    for name in ("environment_exists", "environment_updated"):
        client.get_waiter(name).wait(**found, WaiterConfig=AT_ONCE)
    with pytest.raises(WaiterError, match="Max attempts exceeded"):
        client.get_waiter("environment_terminated").wait(**found, WaiterConfig=AT_ONCE)
