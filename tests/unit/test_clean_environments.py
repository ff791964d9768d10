"""The function that removes what Beanstalk keeps, against a server in the place of AWS."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from stacks.functions.clean_environments import handler
from tests.unit.beanstalk_query import Aws, running

BLUE, GREEN = "slipway-dev-iris-forest-blue", "slipway-dev-iris-forest-green"
BUCKET = "elasticbeanstalk-eu-west-1-123456789012"
OURS = {
    "resources/environments/e-ourblue111/_runtime/_versions/slipway-dev-iris-forest/v1",
    "resources/environments/e-ourblue111/_runtime/versions/manifest_1",
    "resources/environments/logs/tail/e-ourgreen11/i-1/1.txt",
    "resources/environments/logs/bundle/e-ourblue111/i-1/1.zip",
    "resources/environments/logs/publish/e-ourblue111/i-1/1.gz",
    # Of one that Beanstalk has forgotten, as it does after 42 days.
    "resources/environments/e-ourolder11/_runtime/_versions/slipway-dev-iris-forest/v0",
    "resources/environments/logs/tail/e-ourolder11/i-1/1.txt",
}
OTHERS = {
    "resources/environments/e-ourblue1112/_runtime/versions/manifest_1",
    "resources/environments/e-theirs1111/_runtime/_versions/slipway-dev-iris-forest-2/v1",
    "resources/environments/e-theirs1111/_runtime/versions/manifest_1",
    "resources/environments/logs/tail/e-theirs1111/i-1/1.txt",
    "20260101-app.zip",
}


@pytest.fixture(scope="module")
def server() -> Iterator[Aws]:
    with running() as server:
        yield server


@pytest.fixture
def aws(server: Aws) -> Aws:
    server.forget()
    server.add(BLUE, EnvironmentId="e-ourblue111", Status="Terminated")
    server.add(GREEN, EnvironmentId="e-ourgreen11", Status="Terminated")
    server.add("theirs", EnvironmentId="e-theirs1111")
    server.objects = OURS | OTHERS
    server.groups = {
        f"/aws/elasticbeanstalk/{name}/var/log/eb-engine.log" for name in (BLUE, GREEN, f"{BLUE}-2", "theirs")
    }
    return server


def run(aws: Aws, request: str = "Delete", *, logs: bool = True) -> dict[str, Any]:
    groups = [f"/aws/elasticbeanstalk/{name}/" for name in (BLUE, GREEN)]
    handler(
        {
            "RequestType": request,
            "ResponseURL": f"http://{aws.address}/answer",
            "StackId": "stack",
            "RequestId": "request",
            "LogicalResourceId": "Cleanup",
            "ResourceProperties": {
                "ServiceToken": "arn",
                "ApplicationName": "slipway-dev-iris-forest",
                "EnvironmentNames": [BLUE, GREEN],
                "Bucket": BUCKET,
                "Owner": "123456789012",
                **({"LogGroups": groups} if logs else {}),
            },
        },
        None,
    )
    (told,) = aws.told
    return told


def test_objects_and_log_groups_of_both_environments_go_and_no_others(aws: Aws) -> None:
    assert run(aws) == {
        "Status": "SUCCESS",
        "Reason": "",
        "PhysicalResourceId": "Cleanup",
        "StackId": "stack",
        "RequestId": "request",
        "LogicalResourceId": "Cleanup",
    }
    assert aws.objects == OTHERS
    assert aws.groups == {
        f"/aws/elasticbeanstalk/{name}/var/log/eb-engine.log" for name in (f"{BLUE}-2", "theirs")
    }


def test_logs_stay_where_the_stage_keeps_data(aws: Aws) -> None:
    assert run(aws, logs=False)["Status"] == "SUCCESS"
    assert (aws.objects, len(aws.groups)) == (OTHERS, 4)


@pytest.mark.parametrize("request_type", ["Create", "Update"])
def test_nothing_goes_before_the_stack_does(request_type: str, aws: Aws) -> None:
    assert run(aws, request_type)["Status"] == "SUCCESS"
    assert (aws.objects, aws.asked) == (OURS | OTHERS, [])


def test_an_account_in_which_beanstalk_was_never_used_has_nothing_to_clean(aws: Aws) -> None:
    aws.has_bucket, aws.groups = False, set()
    assert run(aws)["Status"] == "SUCCESS"
