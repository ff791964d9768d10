"""Stacks with an endpoint: updates that work, updates that cannot, and nothing left at the end."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from localaws.control import LocalAws
from tests.local.conftest import Boto
from tests.local.toy import ENVIRONMENT, IMAGE, ROWS, Toy

STACK = "toy-stack"
ENDPOINT = "toy-stack-endpoint"


def template(toy: Toy, archive: str) -> str:
    resources: dict[str, Any] = {
        "Model": {
            "Type": "AWS::SageMaker::Model",
            "Properties": {
                "ExecutionRoleArn": toy.role,
                "PrimaryContainer": {
                    "Image": IMAGE,
                    "ModelDataUrl": f"s3://{toy.bucket}/{archive}.gz",
                    "Environment": ENVIRONMENT,
                },
            },
        },
        "Config": {
            "Type": "AWS::SageMaker::EndpointConfig",
            "Properties": {
                "ProductionVariants": [
                    {
                        "VariantName": "champion",
                        "ModelName": {"Fn::GetAtt": ["Model", "ModelName"]},
                        "InitialInstanceCount": 2,
                        "InstanceType": "ml.m5.large",
                        "InitialVariantWeight": 1,
                    }
                ]
            },
        },
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "DependsOn": "Log",
            "Properties": {
                "EndpointName": ENDPOINT,
                "EndpointConfigName": {"Fn::GetAtt": ["Config", "EndpointConfigName"]},
            },
        },
        "Log": {
            "Type": "AWS::Logs::LogGroup",
            "Properties": {"LogGroupName": f"/aws/sagemaker/Endpoints/{ENDPOINT}"},
        },
    }
    return json.dumps({"Resources": resources, "Outputs": {"Arn": {"Value": {"Ref": "Endpoint"}}}})


class Stacks:
    """CloudFormation as a deployment tool uses it."""

    def __init__(self, boto: Boto, toy: Toy) -> None:
        self._toy = toy
        self.api = boto("cloudformation")

    def create(self, archive: str) -> str:
        self.api.create_stack(StackName=STACK, TemplateBody=template(self._toy, archive))
        return self.settled()

    def update(self, archive: str) -> str:
        self.api.update_stack(StackName=STACK, TemplateBody=template(self._toy, archive))
        return self.settled()

    def delete(self) -> None:
        self.api.delete_stack(StackName=STACK)
        self.settled()

    def settled(self) -> str:
        deadline = time.monotonic() + 120
        while time.monotonic() < deadline:
            found = [s for s in self.api.list_stacks()["StackSummaries"] if s["StackName"] == STACK]
            status = max(found, key=lambda entry: entry["CreationTime"])["StackStatus"]
            if not status.endswith("IN_PROGRESS"):
                return str(status)
            time.sleep(0.1)
        raise TimeoutError(STACK)

    def updated(self) -> set[str]:
        events = self.api.describe_stack_events(StackName=STACK)["StackEvents"]
        return {
            event["LogicalResourceId"] for event in events if event["ResourceStatus"] == "UPDATE_COMPLETE"
        }

    def reasons(self, logical_id: str) -> list[str]:
        events = self.api.describe_stack_events(StackName=STACK)["StackEvents"]
        return [
            event.get("ResourceStatusReason", "")
            for event in events
            if event["LogicalResourceId"] == logical_id and event["ResourceStatus"].endswith("FAILED")
        ]


@pytest.fixture
def stacks(boto: Boto, toy: Toy) -> Iterator[Stacks]:
    stacks = Stacks(boto, toy)
    yield stacks
    stacks.delete()


def under_load(
    invoke: Callable[[], Any], change: Callable[[], Any], at_least: int
) -> tuple[int, list[str], Any]:
    """Run `change` while four threads call `invoke`; return the number of answers, failures, its result."""
    answers, failures, over = [0, 0, 0, 0], [], threading.Event()

    def send(slot: int) -> None:
        while not over.is_set() or sum(answers) < at_least:
            try:
                invoke()
                answers[slot] += 1
            except Exception as error:
                failures.append(repr(error))
                return

    threads = [threading.Thread(target=send, args=(slot,)) for slot in range(4)]
    for thread in threads:
        thread.start()
    result = change()
    over.set()
    for thread in threads:
        thread.join()
    return sum(answers), failures, result


@pytest.fixture
def invoke(boto: Boto) -> Callable[[], Any]:
    runtime = boto("sagemaker-runtime")

    def send() -> Any:
        answer = runtime.invoke_endpoint(EndpointName=ENDPOINT, Body=ROWS, ContentType="text/csv")
        assert json.loads(answer["Body"].read()) == [0, 2]
        return answer

    return send


def test_an_update_moves_traffic_without_one_failed_request(
    stacks: Stacks, toy: Toy, invoke: Callable[[], Any], local_aws: LocalAws
) -> None:
    assert stacks.create("good") == "CREATE_COMPLETE"
    before = toy.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]
    old_processes = {process.pid for process in local_aws.inventory().processes}

    sent, failures, status = under_load(invoke, lambda: stacks.update("good-again"), 1000)

    assert status == "UPDATE_COMPLETE"
    assert failures == []
    assert sent >= 1000
    assert stacks.updated() == {"Model", "Config", "Endpoint", STACK}, "the log group did not change"
    after = toy.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    assert after["EndpointConfigName"] != before
    names = [
        entry["EndpointConfigName"] for entry in toy.sagemaker.list_endpoint_configs()["EndpointConfigs"]
    ]
    assert names == [after["EndpointConfigName"]], "the replaced configuration is cleaned up"
    assert not old_processes & {process.pid for process in local_aws.inventory().processes}


def test_an_update_that_cannot_serve_rolls_back_and_says_why_without_one_failed_request(
    stacks: Stacks, toy: Toy, invoke: Callable[[], Any]
) -> None:
    assert stacks.create("good") == "CREATE_COMPLETE"
    before = toy.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["EndpointConfigName"]

    sent, failures, status = under_load(invoke, lambda: stacks.update("broken"), 1000)

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert failures == []
    assert sent >= 1000
    after = toy.sagemaker.describe_endpoint(EndpointName=ENDPOINT)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == ("InService", before)
    [reason] = stacks.reasons("Endpoint")
    assert (
        "The primary container for production variant champion did not pass the ping health check." in reason
    )
    assert "/opt/ml/code/inference.py" in reason
    assert "no such model in the archive" in reason
    assert len(toy.sagemaker.list_models()["Models"]) == 1, "the new model is cleaned up"


def test_a_create_that_cannot_serve_rolls_back_and_leaves_no_endpoint(stacks: Stacks, toy: Toy) -> None:
    assert stacks.create("broken") == "ROLLBACK_COMPLETE"

    assert "no such model in the archive" in stacks.reasons("Endpoint")[0]
    assert toy.sagemaker.list_endpoints()["Endpoints"] == []


def test_deleting_a_stack_leaves_nothing_of_it(boto: Boto, toy: Toy, local_aws: LocalAws) -> None:
    before = local_aws.inventory()
    stacks = Stacks(boto, toy)
    stacks.create("good")
    during = local_aws.inventory()

    stacks.delete()

    assert {entry.service for entry in set(during.resources) - set(before.resources)} == {
        "cloudformation", "logs", "sagemaker",
    }  # fmt: skip
    assert during.processes
    assert during.ports
    assert local_aws.inventory() == before


def test_a_change_set_predicts_what_an_update_replaces(stacks: Stacks, toy: Toy) -> None:
    stacks.create("good")

    stacks.api.create_change_set(
        StackName=STACK,
        ChangeSetName="next",
        TemplateBody=template(toy, "good-again"),
        ChangeSetType="UPDATE",
    )
    stacks.api.get_waiter("change_set_create_complete").wait(
        StackName=STACK, ChangeSetName="next", WaiterConfig={"Delay": 1}
    )
    changes = stacks.api.describe_change_set(StackName=STACK, ChangeSetName="next")["Changes"]

    replaced = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"]["Replacement"]
        for change in changes
    }
    assert replaced["Model"] == "True"
    assert replaced["Config"] in ("True", "Conditional")
    assert replaced["Endpoint"] == "False"
