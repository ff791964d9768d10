"""Elastic Beanstalk in stacks: made, updated, replaced, rolled back and deleted by CloudFormation."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.beanstalk_toy import PLATFORM, BeanstalkToy, ask, settings

STACK = "toy-stack"
TEMPLATE: dict[str, Any] = {
    "Parameters": {
        "Slot": {"Type": "String", "Default": "blue"},
        "Bundle": {"Type": "String"},
        "Colour": {"Type": "String", "Default": "red"},
        "After": {"Type": "String", "Default": "two"},
    },
    "Resources": {
        "Application": {
            "Type": "AWS::ElasticBeanstalk::Application",
            "Properties": {"ApplicationName": "stacked"},
        },
        "Version": {
            "Type": "AWS::ElasticBeanstalk::ApplicationVersion",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "SourceBundle": {"S3Bucket": "bundles", "S3Key": {"Fn::Sub": "${Bundle}.zip"}},
            },
        },
        "Template": {
            "Type": "AWS::ElasticBeanstalk::ConfigurationTemplate",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "PlatformArn": PLATFORM,
                "OptionSettings": settings(),
            },
        },
        "Environment": {
            "Type": "AWS::ElasticBeanstalk::Environment",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "EnvironmentName": {"Fn::Sub": "stacked-${Slot}"},
                "VersionLabel": {"Ref": "Version"},
                "TemplateName": {"Ref": "Template"},
                "OptionSettings": [
                    {
                        "Namespace": "aws:elasticbeanstalk:application:environment",
                        "OptionName": "COLOUR",
                        "Value": {"Ref": "Colour"},
                    }
                ],
            },
        },
        # What comes after the environment; a bundle that is not there fails it.
        "After": {
            "Type": "AWS::ElasticBeanstalk::ApplicationVersion",
            "DependsOn": "Environment",
            "Properties": {
                "ApplicationName": {"Ref": "Application"},
                "SourceBundle": {"S3Bucket": "bundles", "S3Key": {"Fn::Sub": "${After}.zip"}},
            },
        },
    },
    "Outputs": {
        "Name": {"Value": {"Ref": "Environment"}},
        "Url": {"Value": {"Fn::GetAtt": ["Environment", "EndpointURL"]}},
        "Label": {"Value": {"Ref": "Version"}},
    },
}


class Stack:
    """The stack of these tests."""

    def __init__(self, toy: BeanstalkToy) -> None:
        self.toy = toy
        self.cloudformation = toy.boto("cloudformation")

    def make(self, **parameters: str) -> dict[str, str]:
        self.cloudformation.create_stack(
            StackName=STACK, TemplateBody=json.dumps(TEMPLATE), Parameters=given(parameters)
        )
        return self.settled()

    def update(self, **parameters: str) -> dict[str, str]:
        """Change some parameters; the others keep the value that they have."""
        kept = [
            {"ParameterKey": name, "UsePreviousValue": True}
            for name in TEMPLATE["Parameters"]
            if name not in parameters
        ]
        self.cloudformation.update_stack(
            StackName=STACK, TemplateBody=json.dumps(TEMPLATE), Parameters=[*given(parameters), *kept]
        )
        return self.settled()

    def settled(self) -> dict[str, str]:
        """The stack's outputs, with its status as "Status", once no change is under way."""
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            found = self.cloudformation.describe_stacks(StackName=STACK)["Stacks"][0]
            if not found["StackStatus"].endswith("IN_PROGRESS"):
                outputs = {entry["OutputKey"]: entry["OutputValue"] for entry in found.get("Outputs", [])}
                return {"Status": found["StackStatus"], **outputs}
            time.sleep(0.05)
        raise TimeoutError(STACK)

    def delete(self) -> None:
        self.cloudformation.delete_stack(StackName=STACK)
        self.cloudformation.get_waiter("stack_delete_complete").wait(
            StackName=STACK, WaiterConfig={"Delay": 0.2, "MaxAttempts": 300}
        )

    def reasons(self) -> list[str]:
        events = self.cloudformation.describe_stack_events(StackName=STACK)["StackEvents"]
        return [event.get("ResourceStatusReason", "") for event in events]

    def environments(self) -> dict[str, str]:
        """Names and ids of what runs."""
        return {found["EnvironmentName"]: found["EnvironmentId"] for found in self.toy.existing()}


def given(parameters: dict[str, str]) -> list[dict[str, Any]]:
    return [{"ParameterKey": name, "ParameterValue": value} for name, value in parameters.items()]


@pytest.fixture(scope="module")
def toy(beanstalk_toy: BeanstalkToy) -> BeanstalkToy:
    return beanstalk_toy


@pytest.fixture(scope="module")
def stack(toy: BeanstalkToy) -> Iterator[Stack]:
    """A stack that serves version "one" as stacked-blue; each test leaves one environment that answers."""
    found = Stack(toy)
    assert found.make(Bundle="one")["Status"] == "CREATE_COMPLETE", found.reasons()
    yield found
    found.delete()
    assert found.environments() == {}
    left = {entry.name for entry in toy.local.inventory().resources if entry.service == "elasticbeanstalk"}
    assert left == {"toy", "toy/one", "toy/two", "toy/broken"}


def labels(toy: BeanstalkToy) -> list[str]:
    found = toy.eb.describe_application_versions(ApplicationName="stacked")["ApplicationVersions"]
    return [version["VersionLabel"] for version in found]


def test_a_stack_tells_where_its_environment_answers(stack: Stack, toy: BeanstalkToy) -> None:
    told = stack.settled()

    assert told["Name"] == "stacked-blue"
    assert ask(told["Url"]) == "one red"
    assert told["Label"] in labels(toy)
    assert toy.describe("stacked-blue")["VersionLabel"] == told["Label"]


def test_a_new_bundle_is_a_new_version_in_the_same_environment(stack: Stack, toy: BeanstalkToy) -> None:
    before, old = stack.environments(), stack.settled()["Label"]

    told = stack.update(Bundle="two", Colour="blue")

    assert told["Status"] == "UPDATE_COMPLETE"
    assert stack.environments() == before
    assert ask(told["Url"]) == "two blue"
    assert old not in labels(toy)
    stack.update(Bundle="one", Colour="red")


def test_another_slot_is_another_environment_and_the_old_one_goes_last(
    stack: Stack, toy: BeanstalkToy
) -> None:
    told = stack.update(Slot="green", Bundle="two")

    assert (told["Status"], told["Name"], list(stack.environments())) == (
        "UPDATE_COMPLETE", "stacked-green", ["stacked-green"],
    )  # fmt: skip
    assert ask(told["Url"]) == "two red"
    launched = moment(toy, "stacked-green", "Successfully launched environment")
    assert launched < moment(toy, "stacked-blue", "terminateEnvironment is starting.")
    stack.update(Slot="blue", Bundle="one")


def moment(toy: BeanstalkToy, name: str, beginning: str) -> Any:
    found = toy.eb.describe_events(EnvironmentName=name)["Events"]
    return next(event["EventDate"] for event in found if event["Message"].startswith(beginning))


def test_where_something_after_it_fails_the_new_environment_goes_and_the_old_one_never_stopped(
    stack: Stack, toy: BeanstalkToy
) -> None:
    before, told = stack.environments(), stack.settled()

    after = stack.update(Slot="green", Bundle="two", After="missing")

    assert after["Status"] == "UPDATE_ROLLBACK_COMPLETE"
    assert any("Reason: Not Found" in reason for reason in stack.reasons())
    assert stack.environments() == before
    assert ask(told["Url"]) == "one red"
    assert toy.describe("stacked-blue")["VersionLabel"] == told["Label"]


def test_a_version_that_does_not_start_is_a_complete_update_that_what_follows_can_refuse(
    stack: Stack, toy: BeanstalkToy
) -> None:
    label = stack.settled()["Label"]

    after = stack.update(Bundle="broken", After="missing")

    assert after["Status"] == "UPDATE_ROLLBACK_COMPLETE"
    found = toy.describe("stacked-blue")
    assert (found["VersionLabel"], ask(found["CNAME"])) == (label, "one red")
    assert "ERROR Failed to deploy application." in toy.events("stacked-blue")
    assert label in labels(toy)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"PlatformArn": PLATFORM[:-1] + "2"}, "No Platform named"),
        ({"VersionLabel": "unknown"}, "No Application Version named 'unknown' found."),
        ({"OptionSettings": []}, "Environment failed to launch as it entered Terminated state."),
    ],
)
def test_an_environment_that_cannot_be_made_fails_the_stack_in_aws_s_words(
    toy: BeanstalkToy, changed: dict[str, Any], words: str
) -> None:
    cloudformation = toy.boto("cloudformation")
    props = {
        "ApplicationName": "toy", "EnvironmentName": "failing", "VersionLabel": "one",
        "PlatformArn": PLATFORM, "OptionSettings": settings(), **changed,
    }  # fmt: skip
    body = {"Resources": {"E": {"Type": "AWS::ElasticBeanstalk::Environment", "Properties": props}}}

    cloudformation.create_stack(StackName="failing", TemplateBody=json.dumps(body), OnFailure="DO_NOTHING")

    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        events = cloudformation.describe_stack_events(StackName="failing")["StackEvents"]
        failed = [event for event in events if event["ResourceStatus"] == "CREATE_FAILED"]
        if failed:
            break
        time.sleep(0.05)
    cloudformation.delete_stack(StackName="failing")
    assert words in failed[-1]["ResourceStatusReason"]
    assert "failing" not in [found["EnvironmentName"] for found in toy.existing()]
