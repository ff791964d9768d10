"""Stacks with several variants, a shadow or serverless ones: CloudFormation's way to the same endpoints."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from botocore.exceptions import WaiterError

from tests.local.conftest import Boto
from tests.local.toy import Toy, variants

STACK = "variants"
SERVERLESS = {
    "VariantName": "champion", "ModelName": "champion", "InitialVariantWeight": 1,
    "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 5},
}  # fmt: skip


@pytest.fixture(scope="module")
def models(toy: Toy) -> Iterator[None]:
    for name in ("champion", "challenger"):
        toy.model(name, "counted")
    yield
    toy.drop(STACK, "champion", "challenger")


@pytest.fixture
def deploy(boto: Boto, toy: Toy, models: None) -> Iterator[Callable[..., dict[str, Any]]]:
    """Creates or updates the stack, and returns what its endpoint is then."""
    cloudformation = boto("cloudformation")
    created = False

    def deployed(config: dict[str, Any], **endpoint: Any) -> dict[str, Any]:
        nonlocal created
        done = "stack_update_complete" if created else "stack_create_complete"
        change = cloudformation.update_stack if created else cloudformation.create_stack
        created = True
        change(StackName=STACK, TemplateBody=template(config, endpoint))
        cloudformation.get_waiter(done).wait(StackName=STACK, WaiterConfig={"Delay": 1})
        return toy.sagemaker.describe_endpoint(EndpointName=STACK)

    yield deployed
    cloudformation.delete_stack(StackName=STACK)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=STACK, WaiterConfig={"Delay": 1})


def template(config: dict[str, Any], endpoint: dict[str, Any]) -> str:
    name = {"Fn::GetAtt": ["Config", "EndpointConfigName"]}
    resources = {
        "Config": {"Type": "AWS::SageMaker::EndpointConfig", "Properties": config},
        "Endpoint": {
            "Type": "AWS::SageMaker::Endpoint",
            "Properties": {"EndpointName": STACK, "EndpointConfigName": name, **endpoint},
        },
    }
    return json.dumps({"Resources": resources})


def split(champion: float, challenger: float) -> dict[str, Any]:
    return {"ProductionVariants": variants({"champion": champion, "challenger": challenger})}


def weights(found: dict[str, Any]) -> dict[str, float]:
    return {variant["VariantName"]: variant["CurrentWeight"] for variant in found["ProductionVariants"]}


def test_an_update_resets_live_weights_unless_the_template_retains_them(
    toy: Toy, deploy: Callable[..., dict[str, Any]]
) -> None:
    created = weights(deploy(split(90, 10)))
    toy.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=STACK, DesiredWeightsAndCapacities=[{"VariantName": "challenger", "DesiredWeight": 0}]
    )
    toy.settled(STACK)

    retained = weights(deploy(split(80, 20), RetainAllVariantProperties=True))
    reset = weights(
        deploy(
            split(70, 30),
            RetainAllVariantProperties=True,
            ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
        )
    )

    assert created == {"champion": 90, "challenger": 10}
    assert retained == {"champion": 90, "challenger": 0}
    assert reset == {"champion": 70, "challenger": 30}


def test_a_stack_moves_from_a_challenger_to_a_shadow(deploy: Callable[..., dict[str, Any]]) -> None:
    deploy(split(1, 1))

    found = deploy(
        {
            "ProductionVariants": variants({"champion": 1}),
            "ShadowProductionVariants": variants({"challenger": 1}),
        }
    )

    assert weights(found) == {"champion": 1}
    assert [entry["VariantName"] for entry in found["ShadowProductionVariants"]] == ["challenger"]


def test_a_stack_makes_a_serverless_endpoint(boto: Boto, deploy: Callable[..., dict[str, Any]]) -> None:
    [variant] = deploy({"ProductionVariants": [SERVERLESS]})["ProductionVariants"]

    answer = boto("sagemaker-runtime").invoke_endpoint(EndpointName=STACK, Body=b"x")["Body"].read()

    assert variant["CurrentServerlessConfig"] == SERVERLESS["ServerlessConfig"]
    assert answer == b"[0]"


def test_a_stack_that_turns_an_endpoint_serverless_rolls_back(
    boto: Boto, toy: Toy, deploy: Callable[..., dict[str, Any]]
) -> None:
    before = deploy({"ProductionVariants": variants({"champion": 1})})

    with pytest.raises(WaiterError):
        deploy({"ProductionVariants": [SERVERLESS]})

    events = boto("cloudformation").describe_stack_events(StackName=STACK)["StackEvents"]
    reasons = [event.get("ResourceStatusReason", "") for event in events]
    assert any("to a serverless one" in reason for reason in reasons)
    after = toy.sagemaker.describe_endpoint(EndpointName=STACK)
    assert (after["EndpointStatus"], after["EndpointConfigName"]) == (
        "InService",
        before["EndpointConfigName"],
    )
