"""A shadow variant: it gets copies of the requests, and nothing that it does reaches the caller."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import LocalAws
from tests.local.conftest import Boto
from tests.local.signed import Door
from tests.local.toy import Toy, variants

MODES = ("", "error", "slow", "hang", "crash")


@pytest.fixture(scope="module")
def url(local_aws: LocalAws) -> str:
    server = local_aws.server()
    assert server is not None
    return server.url


@pytest.fixture(scope="module")
def models(toy: Toy) -> Iterator[None]:
    toy.model("primary", "counted")
    for mode in MODES:
        toy.model(f"shadow{mode}", "counted", MODE=mode)
    yield
    toy.drop("primary", *(f"shadow{mode}" for mode in MODES))


@pytest.fixture
def shadowed(toy: Toy, models: None) -> Iterator[Callable[[str], str]]:
    """Deploys an endpoint with a shadow of one mode."""
    name = ""

    def deployed(mode: str) -> str:
        nonlocal name
        name = f"beside{mode}"
        toy.config(name, {"primary": 1}, ShadowProductionVariants=variants({f"shadow{mode}": 1}))
        toy.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        assert toy.settled(name)["EndpointStatus"] == "InService"
        return name

    yield deployed
    toy.drop(name)


def counted(local_aws: LocalAws, endpoint: str, variant: str) -> int:
    """How many requests the variant's model has seen."""
    counts = local_aws.state.fleets.glob(f"{endpoint}-{variant}-i-*/tmp/count")
    return sum(path.stat().st_size for path in counts)


def reached(count: Callable[[], int], wanted: int, limit_s: float = 20) -> int:
    """Wait until a count is what is wanted, and return what it is in the end."""
    deadline = time.monotonic() + limit_s
    while count() < wanted and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(0.2)  # one too many would come now
    return count()


def weigh(toy: Toy, endpoint: str, shadow: str, weight: float) -> None:
    toy.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=endpoint,
        DesiredWeightsAndCapacities=[{"VariantName": shadow, "DesiredWeight": weight}],
    )
    toy.settled(endpoint)


def invocations(boto: Boto, endpoint: str, variant: str) -> float:
    """The sum of the metric Invocations of one variant."""
    now = datetime.now(UTC)
    points = boto("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker", MetricName="Invocations", Period=60, Statistics=["Sum"],
        StartTime=now - timedelta(minutes=10), EndTime=now + timedelta(minutes=1),
        Dimensions=[{"Name": "EndpointName", "Value": endpoint}, {"Name": "VariantName", "Value": variant}],
    )["Datapoints"]  # fmt: skip
    return sum(point["Sum"] for point in points)


def test_a_shadow_gets_a_copy_of_each_request_and_is_metered_by_its_own_name(
    boto: Boto, toy: Toy, local_aws: LocalAws, url: str, shadowed: Callable[[str], str]
) -> None:
    endpoint = shadowed("")

    sent = Door(url, endpoint).send(2_000)

    assert sent.failures == []
    assert sent.variants == {"primary": 2_000}
    assert counted(local_aws, endpoint, "primary") == 2_000
    assert reached(lambda: counted(local_aws, endpoint, "shadow"), 2_000) == 2_000
    assert reached(lambda: int(invocations(boto, endpoint, "shadow")), 2_000) == 2_000
    assert invocations(boto, endpoint, "primary") == 2_000
    found = toy.sagemaker.describe_endpoint(EndpointName=endpoint)
    assert [variant["VariantName"] for variant in found["ProductionVariants"]] == ["primary"]
    assert [
        (variant["VariantName"], variant["CurrentWeight"], variant["CurrentInstanceCount"])
        for variant in found["ShadowProductionVariants"]
    ] == [("shadow", 1, 1)]


def test_a_shadows_weight_is_its_share_of_the_requests(
    toy: Toy, local_aws: LocalAws, url: str, shadowed: Callable[[str], str]
) -> None:
    endpoint = shadowed("")
    weigh(toy, endpoint, "shadow", 0.25)
    Door(url, endpoint).send(2_000)
    time.sleep(1)
    quarter = counted(local_aws, endpoint, "shadow")

    weigh(toy, endpoint, "shadow", 0)
    Door(url, endpoint).send(400)
    time.sleep(1)

    assert abs(quarter - 500) <= 4 * math.sqrt(2_000 * 0.25 * 0.75)
    assert counted(local_aws, endpoint, "shadow") == quarter, "a shadow of weight 0 gets no copies"


@pytest.mark.parametrize("mode", ["error", "slow", "hang", "crash"])
def test_a_bad_shadow_changes_no_answer_and_delays_none(
    mode: str, toy: Toy, local_aws: LocalAws, url: str, shadowed: Callable[[str], str]
) -> None:
    endpoint, shadow = shadowed(mode), f"shadow{mode}"
    door, alone, beside = Door(url, endpoint), [], []
    door.send(200)

    for _ in range(3):  # in turns, so that whatever else this machine does meets both
        weigh(toy, endpoint, shadow, 0)
        alone.append(door.send(400))
        weigh(toy, endpoint, shadow, 1)
        beside.append(door.send(400))

    assert [failure for sent in alone + beside for failure in sent.failures] == []
    assert all(sent.variants == {"primary": 400} for sent in alone + beside)
    assert counted(local_aws, endpoint, shadow) > 0
    without, with_shadow = (min(sent.p50_ms for sent in each) for each in (alone, beside))
    print(f"{mode}: p50 {without:.2f} ms without copies, {with_shadow:.2f} ms with")
    assert with_shadow < 2 * without + 2, "copies cost some of two cores, and never a wait"


def test_copies_that_do_not_fit_are_dropped_and_its_log_says_how_many(
    boto: Boto, toy: Toy, url: str, shadowed: Callable[[str], str]
) -> None:
    endpoint = shadowed("hang")

    sent = Door(url, endpoint, body=b"0" * 8 * 1024 * 1024).send(20, threads=2)

    found: list[Any] = []
    deadline = time.monotonic() + 10
    while not found and time.monotonic() < deadline:
        found = boto("logs").filter_log_events(
            logGroupName=f"/aws/sagemaker/Endpoints/{endpoint}", filterPattern='"were not copied"'
        )["events"]
        time.sleep(0.1)
    started = time.monotonic()
    toy.drop(endpoint)
    assert sent.failures == []
    assert found[0]["logStreamName"].startswith("shadowhang/i-")
    assert time.monotonic() - started < 20, "copies under way hold up no delete"


def test_a_shadow_cannot_be_asked_by_name(boto: Boto, shadowed: Callable[[str], str]) -> None:
    endpoint = shadowed("")

    with pytest.raises(ClientError) as error:
        boto("sagemaker-runtime").invoke_endpoint(EndpointName=endpoint, Body=b"x", TargetVariant="shadow")

    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert "Variant shadow not found" in error.value.response["Error"]["Message"]


def test_a_shadow_that_is_never_healthy_fails_the_deploy(toy: Toy, models: None) -> None:
    toy.model("shadowbroken", "broken")
    toy.config("unready", {"primary": 1}, ShadowProductionVariants=variants({"shadowbroken": 1}))
    toy.sagemaker.create_endpoint(EndpointName="unready", EndpointConfigName="unready")

    found = toy.settled("unready")

    toy.drop("unready", "shadowbroken")
    assert found["EndpointStatus"] == "Failed"
    assert "production variant shadowbroken did not pass the ping health check" in found["FailureReason"]


SERVERLESS = {
    "VariantName": "shadow", "ModelName": "shadow",
    "ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1},
}  # fmt: skip
ASYNC = {"OutputConfig": {"S3OutputPath": "s3://toy-models/out"}}


@pytest.mark.parametrize(
    ("request_", "why"),
    [
        ({"ProductionVariants": variants({"primary": 1, "shadow": 1}),
          "ShadowProductionVariants": variants({"shadowslow": 1})}, "only specify one variant"),
        ({"ProductionVariants": variants({"primary": 1}),
          "ShadowProductionVariants": variants({"shadow": 1, "shadowslow": 1})}, "only specify one variant"),
        ({"ProductionVariants": variants({"primary": 1}),
          "ShadowProductionVariants": variants({"primary": 1})}, "must be unique"),
        ({"ProductionVariants": variants({"primary": 1}),
          "ShadowProductionVariants": variants({"absent": 1})}, "Could not find model"),
        ({"ProductionVariants": variants({"primary": 1}),
          "ShadowProductionVariants": [SERVERLESS]}, "do not support ShadowProductionVariants"),
        ({"ProductionVariants": variants({"primary": 1}), "AsyncInferenceConfig": ASYNC,
          "ShadowProductionVariants": variants({"shadow": 1})}, "AsyncInferenceConfig"),
    ],
)  # fmt: skip
def test_a_shadow_stands_beside_one_production_variant_and_nothing_else(
    toy: Toy, models: None, request_: dict[str, Any], why: str
) -> None:
    with pytest.raises(ClientError) as error:
        toy.sagemaker.create_endpoint_config(EndpointConfigName="refused", **request_)

    assert error.value.response["Error"]["Code"] == "ValidationException"
    assert why in error.value.response["Error"]["Message"]
