"""Events of CloudFormation for the function that makes an environment live."""

from __future__ import annotations

import json
from typing import Any

from stacks.functions import live_environment
from stacks.functions.live_environment import handler
from tests.unit.beanstalk_query import Aws

BLUE, GREEN = "slipway-prod-iris-forest-blue", "slipway-prod-iris-forest-green"
NAME = f"{BLUE}.example.com"
GOLDEN = {
    "rows": [[5.1, 3.5], [6.5, None]],
    "predictions": ["setosa", "setosa"],
    "compared": True,
    "tolerance": 0.0,
}


def run(
    aws: Aws, request: str = "Create", *, name: str = BLUE, label: str = "v1", **more: Any
) -> dict[str, Any]:
    """Run it once; `old` is the environment that was live, `public` the name that it had."""
    old, public, golden = more.pop("old", None), more.pop("public", None), more.pop("golden", GOLDEN)
    properties = {
        "ServiceToken": "arn",
        "ApplicationName": "slipway-prod-iris-forest",
        "EnvironmentName": name,
        "VersionLabel": label,
        "OptionSettings": [
            {"Namespace": "aws:ec2:instances", "OptionName": "InstanceTypes", "Value": "t3.small"},
            *(
                {"Namespace": live_environment._PROPERTIES, "OptionName": key, "Value": value}
                for key, value in more.pop("told", {}).items()
            ),
        ],
        "Golden": json.dumps(golden),
        "PatienceSeconds": "0.2",
        "DrainSeconds": "0",
        **more,
    }
    event = {
        "RequestType": request,
        "ResponseURL": f"http://{aws.address}/answer",
        "StackId": "arn:aws:cloudformation:eu-west-1:123456789012:stack/slipway-prod-iris-forest/1",
        "RequestId": "request",
        "LogicalResourceId": "Live",
        "ResourceProperties": properties,
        **({"PhysicalResourceId": public} if public else {}),
        **({"OldResourceProperties": {**properties, "EnvironmentName": old}} if old else {}),
    }
    aws.told.clear()
    handler(event, None)
    (told,) = aws.told
    return told


def swap(aws: Aws, **more: Any) -> dict[str, Any]:
    return run(aws, "Update", name=GREEN, label="v2", old=BLUE, public=NAME, **more)
