"""Production variants: shares by weight, variants by name, and weights that change while requests run."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.load import Load
from tests.local.signed import Door
from tests.local.toy import Toy, allow, policy, variants

ENDPOINT = "split"


@pytest.fixture(scope="module")
def url(local_aws: LocalAws) -> str:
    server = local_aws.server()
    assert server is not None
    return server.url


@pytest.fixture(scope="module")
def split(toy: Toy) -> Iterator[str]:
    """An endpoint with a champion and a challenger, 90 to 10."""
    for name in ("champion", "challenger"):
        toy.model(name, "counted")
    toy.config(ENDPOINT, {"champion": 90, "challenger": 10})
    toy.sagemaker.create_endpoint(EndpointName=ENDPOINT, EndpointConfigName=ENDPOINT)
    assert toy.settled(ENDPOINT)["EndpointStatus"] == "InService"
    yield ENDPOINT
    toy.drop(ENDPOINT, "champion", "challenger")


@pytest.fixture
def ninety_ten(toy: Toy, split: str) -> str:
    """The same, at 90 to 10 whatever a test before this one did."""
    weigh(toy, champion=90, challenger=10)
    return split


def weigh(toy: Toy, **weights: float) -> None:
    toy.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=ENDPOINT,
        DesiredWeightsAndCapacities=[
            {"VariantName": name, "DesiredWeight": weight} for name, weight in weights.items()
        ],
    )
    assert toy.settled(ENDPOINT)["EndpointStatus"] == "InService"


def described(toy: Toy, member: str) -> dict[str, Any]:
    found = toy.sagemaker.describe_endpoint(EndpointName=ENDPOINT)["ProductionVariants"]
    return {variant["VariantName"]: variant[member] for variant in found}


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    assert error.value.response["Error"]["Code"] == "ValidationException"
    return error.value.response["Error"]["Message"]


def test_ten_thousand_requests_split_ninety_to_ten(url: str, ninety_ten: str) -> None:
    sent = Door(url, ninety_ten).send(10_000)

    assert sent.failures == []
    assert sum(sent.variants.values()) == 10_000
    standard_error = math.sqrt(10_000 * 0.1 * 0.9)
    assert abs(sent.variants["challenger"] - 1_000) <= 3 * standard_error


def test_weight_zero_gets_no_request_but_those_that_name_it(toy: Toy, url: str, ninety_ten: str) -> None:
    weigh(toy, challenger=0)

    unnamed = Door(url, ninety_ten).send(2_000)
    named = Door(url, ninety_ten, **{"X-Amzn-SageMaker-Target-Variant": "challenger"}).send(20)

    assert unnamed.failures == named.failures == []
    assert unnamed.variants == {"champion": 2_000}
    assert named.variants == {"challenger": 20}
    assert described(toy, "CurrentWeight") == {"champion": 90, "challenger": 0}


def test_weights_move_while_requests_run_and_none_is_lost(
    boto: Boto, toy: Toy, url: str, ninety_ten: str
) -> None:
    runtime = boto("sagemaker-runtime")

    def invoke() -> str:
        return runtime.invoke_endpoint(EndpointName=ninety_ten, Body=b"x")["InvokedProductionVariant"]

    with Load(invoke, requests=600) as load:
        for challenger in (20, 50, 0, 100):
            weigh(toy, champion=100 - challenger, challenger=challenger)

    assert load.failures == []
    assert load.sent >= 600
    assert Door(url, ninety_ten).send(200).variants == {"challenger": 200}, "the champion's weight is 0 now"
    assert described(toy, "DesiredWeight") == {"champion": 0, "challenger": 100}


def test_a_capacity_moves_while_requests_run_and_none_is_lost(
    boto: Boto, toy: Toy, ninety_ten: str, local_aws: LocalAws
) -> None:
    runtime = boto("sagemaker-runtime")
    before = {process.pid for process in local_aws.inventory().processes}

    with Load(lambda: runtime.invoke_endpoint(EndpointName=ninety_ten, Body=b"x")["ContentType"]) as load:
        toy.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=ninety_ten,
            DesiredWeightsAndCapacities=[{"VariantName": "champion", "DesiredInstanceCount": 2}],
        )
        during = toy.sagemaker.describe_endpoint(EndpointName=ninety_ten)
        assert toy.settled(ninety_ten)["EndpointStatus"] == "InService"

    assert load.failures == []
    assert during["EndpointStatus"] == "Updating"
    champion = during["ProductionVariants"][0]
    assert (champion["CurrentInstanceCount"], champion["DesiredInstanceCount"]) == (1, 2)
    assert described(toy, "CurrentInstanceCount") == {"champion": 2, "challenger": 1}
    assert described(toy, "CurrentWeight") == {"champion": 90, "challenger": 10}
    assert {process.pid for process in local_aws.inventory().processes} != before


@pytest.mark.parametrize(
    ("entries", "why"),
    [
        ([{"VariantName": "nobody", "DesiredWeight": 1}], '"nobody" is/are not present within'),
        ([{"VariantName": "champion", "DesiredWeight": 0}, {"VariantName": "challenger", "DesiredWeight": 0}],
         "The weights of all production variants are 0"),
        ([{"VariantName": "champion", "DesiredInstanceCount": 0}], "greater than or equal to 1"),
        ([{"VariantName": "champion", "ServerlessUpdateConfig": {"MaxConcurrency": 1}}], "is on instances"),
        ([{"VariantName": "champion", "DesiredWeight": 1}, {"VariantName": "champion", "DesiredWeight": 2}],
         "more than once"),
        ([{"VariantName": "champion", "DesiredInstanceCount": 4},
          {"VariantName": "challenger", "DesiredInstanceCount": 4}], "Only the capacity of one variant"),
    ],
)  # fmt: skip
def test_an_impossible_change_of_variants_is_refused_and_changes_nothing(
    toy: Toy, ninety_ten: str, entries: list[dict[str, Any]], why: str
) -> None:
    with pytest.raises(ClientError) as error:
        toy.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=ninety_ten, DesiredWeightsAndCapacities=entries
        )

    assert why in refusal(error)
    assert described(toy, "CurrentWeight") == {"champion": 90, "challenger": 10}


def test_weights_that_are_all_zero_are_refused(toy: Toy, split: str) -> None:
    with pytest.raises(ClientError) as error:
        toy.config("zeros", {"champion": 0, "challenger": 0})

    assert "The weights of all production variants are 0" in refusal(error)


def test_an_update_takes_the_configurations_weights_unless_it_retains_the_live_ones(
    toy: Toy, ninety_ten: str
) -> None:
    toy.config("next", {"champion": 60, "challenger": 40})

    def moved_to(config: str, **retention: Any) -> Any:
        toy.sagemaker.update_endpoint(EndpointName=ninety_ten, EndpointConfigName=config, **retention)
        assert toy.settled(ninety_ten)["EndpointConfigName"] == config
        return described(toy, "CurrentWeight")

    retained = moved_to("next", RetainAllVariantProperties=True)
    excluded = moved_to(
        "next",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredWeight"}],
    )
    weigh(toy, champion=75)
    taken = moved_to(ENDPOINT)
    toy.sagemaker.delete_endpoint_config(EndpointConfigName="next")

    assert retained == {"champion": 90, "challenger": 10}
    assert excluded == {"champion": 60, "challenger": 40}
    assert taken == {"champion": 90, "challenger": 10}


def test_who_may_move_the_traffic_of_one_endpoint_cannot_move_anothers(
    boto: Boto, toy: Toy, ninety_ten: str
) -> None:
    boto("iam").create_user(UserName="mover")
    arn = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/"
    document = policy([allow(["sagemaker:UpdateEndpointWeightsAndCapacities"], arn + ninety_ten)])
    boto("iam").put_user_policy(UserName="mover", PolicyName="move", PolicyDocument=document)
    key = boto("iam").create_access_key(UserName="mover")["AccessKey"]
    mover = boto(
        "sagemaker", aws_access_key_id=key["AccessKeyId"], aws_secret_access_key=key["SecretAccessKey"]
    )
    weights = [{"VariantName": "champion", "DesiredWeight": 90}]

    mover.update_endpoint_weights_and_capacities(EndpointName=ninety_ten, DesiredWeightsAndCapacities=weights)
    with pytest.raises(ClientError) as error:
        mover.update_endpoint_weights_and_capacities(
            EndpointName="other", DesiredWeightsAndCapacities=weights
        )

    boto("iam").delete_access_key(UserName="mover", AccessKeyId=key["AccessKeyId"])
    boto("iam").delete_user_policy(UserName="mover", PolicyName="move")
    boto("iam").delete_user(UserName="mover")
    assert error.value.response["Error"]["Code"] == "AccessDeniedException"
    assert arn + "other" in error.value.response["Error"]["Message"]


def test_a_server_that_says_why_it_is_not_ready_is_given_up_with_its_words(toy: Toy) -> None:
    toy.model("refusing", "refusing")
    toy.config("refusing", {"refusing": 1})

    toy.sagemaker.create_endpoint(EndpointName="refusing", EndpointConfigName="refusing")
    found = toy.settled("refusing")
    toy.drop("refusing")

    took = (found["LastModifiedTime"] - found["CreationTime"]).total_seconds()
    assert found["EndpointStatus"] == "Failed"
    assert "did not pass the ping health check" in found["FailureReason"]
    assert (
        "/ping answered 503 (model_not_verified: model.onnx is not the file that was packaged)"
        in found["FailureReason"]
    )
    assert took < 30, "the whole timeout is 60 seconds"


def test_more_than_ten_variants_are_refused(toy: Toy, split: str) -> None:
    eleven = [dict(variants({"champion": 1})[0], VariantName=f"v{n}") for n in range(11)]

    with pytest.raises(ClientError) as error:
        toy.sagemaker.create_endpoint_config(EndpointConfigName="eleven", ProductionVariants=eleven)

    assert "between 1 and 10" in refusal(error)
