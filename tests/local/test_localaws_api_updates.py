"""What a stage serves while its stack changes: the deployment that it names, until it names another."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.api import Api, Resources, deploy, destroy, function, method, proxy, template, wait
from tests.local.conftest import Boto

STACK = "updates"
CODE = """
def handler(event, context):
    print("asked")  # without a line, the emulator waits 50 ms for one
    return {"statusCode": 200, "body": "%s"}
"""


def answer_of(text: str) -> Resources:
    return {
        "Answer": {
            "Type": "AWS::ApiGateway::GatewayResponse",
            "Properties": {
                "RestApiId": {"Ref": "Api"}, "ResponseType": "MISSING_AUTHENTICATION_TOKEN",
                "StatusCode": "404", "ResponseTemplates": {"application/json": text},
            },
        }
    }  # fmt: skip


def mock() -> Resources:
    integration = {
        "Type": "MOCK",
        "RequestTemplates": {"application/json": '{"statusCode": 200}'},
        "IntegrationResponses": [{"StatusCode": "200"}],
    }
    return method("mock", "GET", integration, MethodResponses=[{"StatusCode": "200"}])


def body(text: str, *more: Resources, deployment: str, **stage: Any) -> dict[str, Any]:
    parts = (function(CODE % text), answer_of(text), method("open", "GET", proxy()), mock(), *more)
    return template(*parts, deployment=deployment, stage=stage)


@pytest.fixture
def api(boto: Boto) -> Iterator[Api]:
    yield deploy(boto, STACK, body("one", deployment="One"))
    destroy(boto, STACK)


def test_a_change_without_a_deployment_changes_nothing_that_is_served(api: Api, boto: Boto) -> None:
    changed = body("one", method("new", "GET", proxy()), deployment="One")
    changed["Resources"]["Answer"] = answer_of("two")["Answer"]

    deploy(boto, STACK, changed)

    assert api.send("GET", "open").status == 200
    assert (api.send("GET", "new").status, api.send("GET", "new").body) == (404, b"one")


def test_a_new_deployment_serves_the_change_and_the_stages_settings_come_at_once(
    api: Api, boto: Boto
) -> None:
    wide = {"HttpMethod": "*", "ResourcePath": "/*", "ThrottlingRateLimit": 1, "ThrottlingBurstLimit": 2}

    deploy(boto, STACK, body("two", method("new", "GET", proxy()), deployment="Two", MethodSettings=[wide]))

    assert api.send("GET", "nowhere").body == b"two"
    assert [api.send("GET", "new").status for _ in range(3)] == [200, 200, 429]


def test_a_thousand_requests_during_updates_do_not_fail(api: Api, boto: Boto) -> None:
    failures, count, stop = list[str](), [0, 0], threading.Event()

    def ask(index: int) -> None:
        while not stop.is_set():
            answer = api.send("GET", ("open", "mock")[index])
            count[index] += 1
            if answer.status != 200:
                failures.append(f"{answer.status} {answer.body!r}")

    askers = [threading.Thread(target=ask, args=(index,)) for index in range(2)]
    for asker in askers:
        asker.start()
    try:
        number = 0
        while sum(count) < 1000:
            number += 1
            more = method("new", "GET", proxy()) if number % 2 else method("other", "POST", proxy())
            deploy(boto, STACK, body("one", more, deployment=f"Number{number}"))
    finally:
        stop.set()
        for asker in askers:
            asker.join()

    assert failures == []
    assert sum(count) >= 1000
    assert number >= 2


def test_an_update_that_fails_leaves_the_old_deployment_serving(api: Api, boto: Boto) -> None:
    broken = body("two", method("new", "GET", proxy()), deployment="Two")
    broken["Resources"]["Association"] = {
        "Type": "AWS::WAFv2::WebACLAssociation",
        "Properties": {"ResourceArn": "arn:aws:any", "WebACLArn": "arn:aws:no-such-acl"},
        "DependsOn": ["Stage"],
    }
    cloudformation = boto("cloudformation")
    cloudformation.update_stack(
        StackName=STACK, TemplateBody=json.dumps(broken), Capabilities=["CAPABILITY_IAM"]
    )
    status = wait(boto, STACK)["StackStatus"]

    assert status == "UPDATE_ROLLBACK_COMPLETE"
    assert (api.send("GET", "open").body, api.send("GET", "new").body) == (b"one", b"one")


def test_a_change_set_says_what_is_replaced(api: Api, boto: Boto) -> None:
    changed = body("one", deployment="Two")
    changed["Resources"]["PathOpen"]["Properties"]["PathPart"] = "opened"
    cloudformation = boto("cloudformation")

    name = cloudformation.create_change_set(
        StackName=STACK, ChangeSetName="c", TemplateBody=json.dumps(changed), Capabilities=["CAPABILITY_IAM"]
    )["Id"]
    cloudformation.get_waiter("change_set_create_complete").wait(
        ChangeSetName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 30}
    )
    changes = cloudformation.describe_change_set(ChangeSetName=name)["Changes"]
    cloudformation.delete_change_set(ChangeSetName=name)

    told = {
        change["ResourceChange"]["LogicalResourceId"]: change["ResourceChange"].get("Replacement")
        for change in changes
    }
    assert told["PathOpen"] == "True"


def test_a_path_that_is_renamed_keeps_its_old_name_until_the_next_deployment(api: Api, boto: Boto) -> None:
    """CloudFormation deletes behind everything else, so the deployment still has what it replaced."""
    for deployment, status in (("Two", 200), ("Three", 404)):
        changed = body("one", deployment=deployment)
        changed["Resources"]["PathOpen"]["Properties"]["PathPart"] = "opened"

        deploy(boto, STACK, changed)

        assert (api.send("GET", "opened").status, api.send("GET", "open").status) == (200, status)
