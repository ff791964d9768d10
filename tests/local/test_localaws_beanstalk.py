"""Elastic Beanstalk on the embedded AWS: environments that answer, change and go, as boto3 sees them."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Iterator

import pytest
from botocore.exceptions import ClientError

from tests.local.beanstalk_toy import BUCKET, PLATFORM, BeanstalkToy, ask, option, settings

COMMAND = "aws:elasticbeanstalk:command"


@pytest.fixture(scope="module")
def toy(beanstalk_toy: BeanstalkToy) -> BeanstalkToy:
    return beanstalk_toy


@pytest.fixture(scope="module")
def main(toy: BeanstalkToy) -> Iterator[str]:
    """The name of an environment that several tests share; each leaves it Ready with version "one"."""
    toy.launch("main-env")
    yield "main-env"
    toy.drop("main-env")


@pytest.fixture
def other(toy: BeanstalkToy) -> Iterator[str]:
    """The name of an environment for one test."""
    yield "other-env"
    toy.drop("other-env")


def update(toy: BeanstalkToy, name: str, **request: object) -> list[str]:
    """Change an environment, wait, and return the events that the change wrote; health has its own time."""
    before = len(toy.events(name))
    toy.eb.update_environment(EnvironmentName=name, **request)
    toy.settled(name)
    return [event for event in toy.events(name)[before:] if " health has transitioned " not in event]


def test_a_new_environment_answers_at_both_of_its_addresses(toy: BeanstalkToy, main: str) -> None:
    toy.eb.get_waiter("environment_exists").wait(EnvironmentNames=[main])

    found = toy.describe(main)

    assert (found["Health"], found["HealthStatus"], found["VersionLabel"]) == ("Green", "Ok", "one")
    assert found["CNAME"] != found["EndpointURL"]
    assert [ask(found[address]).split()[0] for address in ("CNAME", "EndpointURL")] == ["one", "one"]
    assert toy.events(main)[0] == "INFO createEnvironment is starting."
    assert f"INFO Successfully launched environment: {main}" in toy.events(main)


def test_an_update_brings_another_version_and_its_properties(toy: BeanstalkToy, main: str) -> None:
    colour = option("aws:elasticbeanstalk:application:environment", "COLOUR", "red")

    events = update(toy, main, VersionLabel="two", OptionSettings=[colour])

    assert ask(toy.describe(main)["CNAME"]) == "two red"
    assert events[0] == "INFO Environment update is starting."
    assert events[-1] == "INFO Environment update completed successfully."
    toy.eb.get_waiter("environment_updated").wait(EnvironmentNames=[main])
    gone = {"Namespace": colour["Namespace"], "OptionName": "COLOUR"}
    update(toy, main, VersionLabel="one", OptionsToRemove=[gone])
    assert ask(toy.describe(main)["CNAME"]) == "one "


@pytest.mark.parametrize("policy", ["AllAtOnce", "Immutable"])
def test_a_version_that_does_not_start_leaves_the_one_before(
    toy: BeanstalkToy, main: str, policy: str
) -> None:
    events = update(
        toy, main, VersionLabel="broken", OptionSettings=[option(COMMAND, "DeploymentPolicy", policy)]
    )

    found = toy.describe(main)
    assert (found["Status"], found["VersionLabel"], ask(found["CNAME"])) == ("Ready", "one", "one ")
    assert "ERROR Failed to deploy application." in events
    kept = toy.eb.describe_configuration_settings(ApplicationName="toy", EnvironmentName=main)
    values = {e["OptionName"]: e["Value"] for e in kept["ConfigurationSettings"][0]["OptionSettings"]}
    assert values["DeploymentPolicy"] == "AllAtOnce"


def test_an_environment_whose_first_version_does_not_start_is_there_and_red(
    toy: BeanstalkToy, other: str
) -> None:
    found = toy.launch(other, "broken")

    assert (found["Status"], found["Health"], found["HealthStatus"]) == ("Ready", "Red", "Severe")
    assert ask(found["CNAME"]) == "503"
    words = "ERROR Create environment operation is complete, but with errors."
    assert any(event.startswith(words) for event in toy.events(other))
    update(toy, other, VersionLabel="one")
    assert ask(found["CNAME"]) == "one "


def test_one_change_at_a_time(toy: BeanstalkToy, main: str) -> None:
    toy.eb.restart_app_server(EnvironmentName=main)

    with pytest.raises(
        ClientError, match=r"in an invalid state for this operation\. Must be Ready\."
    ) as refused:
        toy.eb.update_environment(EnvironmentName=main, VersionLabel="two")

    assert refused.value.response["Error"]["Code"] == "InvalidParameterValue"
    assert toy.describe(main)["Status"] == "Updating"
    toy.settled(main)
    assert "INFO restartAppServer completed successfully." in toy.events(main)


def test_swapped_names_lead_to_the_other_environment(toy: BeanstalkToy, main: str, other: str) -> None:
    before, new = toy.describe(main), toy.launch(other, "two")

    toy.eb.swap_environment_cnames(SourceEnvironmentName=main, DestinationEnvironmentName=other)

    toy.settled(other)
    assert toy.settled(main)["CNAME"] == new["CNAME"]
    assert (ask(before["CNAME"]), ask(new["CNAME"]), ask(before["EndpointURL"])) == ("two ", "one ", "one ")
    pair = f"'{main}' and '{other}'"
    assert f"INFO Completed swapping CNAMEs for environments {pair}." in toy.events(main)
    toy.eb.swap_environment_cnames(SourceEnvironmentName=main, DestinationEnvironmentName=other)
    toy.settled(main)


def test_a_rebuilt_environment_has_other_instances(toy: BeanstalkToy, main: str) -> None:
    def instances() -> list[str]:
        found = toy.eb.describe_environment_resources(EnvironmentName=main)["EnvironmentResources"]
        return [instance["Id"] for instance in found["Instances"]]

    before = instances()
    toy.eb.rebuild_environment(EnvironmentName=main)
    toy.settled(main)

    assert len(before) == 1
    assert set(before).isdisjoint(instances())
    assert ask(toy.describe(main)["CNAME"]) == "one "


def test_an_aborted_update_leaves_the_version_before(toy: BeanstalkToy, main: str) -> None:
    toy.eb.update_environment(EnvironmentName=main, VersionLabel="two")
    toy.eb.abort_environment_update(EnvironmentName=main)

    assert toy.settled(main)["VersionLabel"] == "one"
    assert ask(toy.describe(main)["CNAME"]) == "one "
    with pytest.raises(ClientError, match="Must be pending deployment"):
        toy.eb.abort_environment_update(EnvironmentName=main)


def test_health_tells_of_the_environment_and_of_each_instance(toy: BeanstalkToy, main: str) -> None:
    whole = toy.eb.describe_environment_health(EnvironmentName=main, AttributeNames=["All"])
    each = toy.eb.describe_instances_health(EnvironmentName=main, AttributeNames=["All"])

    assert (whole["HealthStatus"], whole["Color"], whole["InstancesHealth"]["Ok"]) == ("Ok", "Green", 1)
    [instance] = each["InstanceHealthList"]
    assert instance["Deployment"]["VersionLabel"] == "one"
    assert list(toy.eb.describe_environment_health(EnvironmentName=main, AttributeNames=["Color"])) == [
        "EnvironmentName", "Color", "ResponseMetadata",
    ]  # fmt: skip


def test_an_application_that_dies_is_told_of_and_comes_back(toy: BeanstalkToy, main: str) -> None:
    before, address = len(toy.events(main)), toy.describe(main)["CNAME"]

    assert ask(address, "/end") == "502"

    def told(severity: str) -> bool:
        words = f"{severity} Environment health has transitioned from "
        return any(event.startswith(words) for event in toy.events(main)[before:])

    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and not (told("WARN") and told("INFO")):
        time.sleep(0.05)
    assert told("WARN") and told("INFO"), toy.events(main)[before:]
    assert ask(address) == "one "


def test_the_last_lines_of_the_logs_are_linked_to(toy: BeanstalkToy, main: str) -> None:
    asked = toy.eb.request_environment_info(EnvironmentName=main, InfoType="tail")
    [told] = toy.eb.retrieve_environment_info(EnvironmentName=main, InfoType="tail")["EnvironmentInfo"]

    with urllib.request.urlopen(told["Message"], timeout=10) as answer:
        assert b"asked for /" in answer.read()
    request_id = asked["ResponseMetadata"]["RequestId"]
    found = toy.eb.describe_events(RequestId=request_id)["Events"]
    assert found[0]["Message"] == "Pulled logs for environment instances."


def test_events_are_paged_and_chosen(toy: BeanstalkToy, main: str) -> None:
    pages = toy.eb.get_paginator("describe_events").paginate(
        EnvironmentName=main, PaginationConfig={"PageSize": 2}
    )
    moments = [event["EventDate"] for page in pages for event in page["Events"]]

    assert len(moments) == len(toy.events(main)) > 2
    assert moments == sorted(moments, reverse=True)
    later = toy.eb.describe_events(EnvironmentName=main, StartTime=moments[0])["Events"]
    assert {event["EventDate"] for event in later} == {moments[0]}
    assert all(line.startswith("ERROR") for line in toy.events(main, Severity="ERROR"))


def test_a_terminated_environment_is_remembered_and_nothing_of_it_runs(toy: BeanstalkToy) -> None:
    found = toy.launch("short-env", OptionSettings=settings())
    ports = {int(found[address].rpartition(":")[2]) for address in ("CNAME", "EndpointURL")}
    assert ports <= set(toy.local.inventory().ports)

    toy.eb.terminate_environment(EnvironmentName="short-env")
    toy.eb.get_waiter("environment_terminated").wait(
        EnvironmentNames=["short-env"], WaiterConfig={"Delay": 1, "MaxAttempts": 20}
    )

    assert not ports & set(toy.local.inventory().ports)
    assert "short-env" not in [entry["EnvironmentName"] for entry in toy.existing()]
    with pytest.raises(ClientError, match="No Environment found for EnvironmentName = 'short-env'"):
        toy.eb.update_environment(EnvironmentName="short-env", VersionLabel="two")
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://{found['CNAME']}/", timeout=5)


def test_a_bundle_is_copied_to_where_the_instances_read_it(toy: BeanstalkToy, main: str) -> None:
    found = toy.describe(main)
    prefix = f"resources/environments/{found['EnvironmentId']}/_runtime"

    listed = toy.s3.list_objects_v2(Bucket=BUCKET, Prefix=prefix)["Contents"]
    keys = [entry["Key"] for entry in listed]

    assert f"{prefix}/_versions/toy/one" in keys
    assert any(key.startswith(f"{prefix}/versions/manifest_") for key in keys)
    assert toy.eb.create_storage_location()["S3Bucket"] == BUCKET


def test_an_environment_without_an_instance_profile_does_not_come_to_be(
    toy: BeanstalkToy, other: str
) -> None:
    found = toy.launch(other, OptionSettings=[], PlatformArn=PLATFORM)

    assert found["Status"] == "Terminated"
    assert toy.events(other)[-2:] == [
        "ERROR Environment must have instance profile associated with it.",
        "ERROR Failed to launch environment.",
    ]
