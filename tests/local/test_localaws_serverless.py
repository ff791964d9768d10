"""Serverless endpoints: sizes, limits, what does not go with them, and no way there from instances."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.signed import Door
from tests.local.toy import ENVIRONMENT, IMAGE, Toy, variants

SIZE = {"MemorySizeInMB": 2048, "MaxConcurrency": 3}
MB = 1024 * 1024


def serverless(model: str, **size: Any) -> dict[str, Any]:
    return {"VariantName": model, "ModelName": model, "ServerlessConfig": {**SIZE, **size}}


@pytest.fixture(scope="module")
def unchecked(local_aws: LocalAws) -> Any:
    """A client that leaves the checks of ranges to the service."""
    server = local_aws.server()
    assert server is not None
    return boto3.client(
        "sagemaker", endpoint_url=server.url, region_name=REGION,
        aws_access_key_id=ACCOUNT, aws_secret_access_key="local",
        config=Config(proxies={}, parameter_validation=False, retries={"total_max_attempts": 1}),
    )  # fmt: skip


def deploy(toy: Toy, name: str, mode: str = "") -> str:
    toy.model(name, "counted", MODE=mode)
    toy.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[serverless(name)])
    toy.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    assert toy.settled(name)["EndpointStatus"] == "InService"
    return name


@pytest.fixture(scope="module")
def small(toy: Toy) -> Iterator[str]:
    yield deploy(toy, "small")
    toy.drop("small")


@pytest.fixture(scope="module")
def slow(toy: Toy) -> Iterator[str]:
    yield deploy(toy, "slow", mode="slow")
    toy.drop("slow")


def refusal(error: pytest.ExceptionInfo[ClientError]) -> str:
    assert error.value.response["Error"]["Code"] == "ValidationException"
    return error.value.response["Error"]["Message"]


def test_a_serverless_endpoint_answers_with_one_worker(boto: Boto, small: str, local_aws: LocalAws) -> None:
    answer = boto("sagemaker-runtime").invoke_endpoint(EndpointName=small, Body=b"x")

    workers = [
        process
        for process in local_aws.inventory().processes
        if "fleets/small-" in process.command and "gunicorn" in process.command
    ]
    assert (answer["Body"].read(), answer["InvokedProductionVariant"]) == (b"[0]", small)
    assert all(" -w 1 " in process.command for process in workers)
    assert workers


def test_its_size_is_described_and_its_concurrency_can_change(toy: Toy, small: str) -> None:
    [before] = toy.sagemaker.describe_endpoint(EndpointName=small)["ProductionVariants"]

    toy.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=small,
        DesiredWeightsAndCapacities=[
            {
                "VariantName": small,
                "ServerlessUpdateConfig": {"MaxConcurrency": 7, "ProvisionedConcurrency": 2},
            }
        ],
    )
    toy.settled(small)
    [after] = toy.sagemaker.describe_endpoint(EndpointName=small)["ProductionVariants"]

    assert before["CurrentServerlessConfig"] == SIZE
    assert after["CurrentServerlessConfig"] == {
        "MemorySizeInMB": 2048, "MaxConcurrency": 7, "ProvisionedConcurrency": 2,
    }  # fmt: skip


def test_a_body_of_4_mb_passes_and_one_byte_more_is_refused(boto: Boto, small: str) -> None:
    runtime = boto("sagemaker-runtime")
    runtime.invoke_endpoint(EndpointName=small, Body=b"0" * (4 * MB))

    with pytest.raises(ClientError) as error:
        runtime.invoke_endpoint(EndpointName=small, Body=b"0" * (4 * MB + 1))

    assert error.value.response["Error"]["Code"] == "ValidationError"
    assert str(4 * MB) in error.value.response["Error"]["Message"]


def test_requests_above_the_concurrency_are_throttled_and_the_others_answered(boto: Boto, slow: str) -> None:
    runtime, outcomes = boto("sagemaker-runtime"), []

    def invoke() -> None:
        try:
            outcomes.append(runtime.invoke_endpoint(EndpointName=slow, Body=b"x")["ContentType"])
        except ClientError as error:
            outcomes.append(error.response)

    threads = [threading.Thread(target=invoke) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    refused = [outcome for outcome in outcomes if isinstance(outcome, dict)]
    assert outcomes.count("application/json") == 3
    assert {response["Error"]["Code"] for response in refused} == {"ThrottlingException"}
    assert {response["ResponseMetadata"]["HTTPStatusCode"] for response in refused} == {400}
    assert "MaxConcurrency" in refused[0]["Error"]["Message"]


def test_within_the_concurrency_nothing_is_throttled(local_aws: LocalAws, small: str) -> None:
    server = local_aws.server()
    assert server is not None

    sent = Door(server.url, small).send(600, threads=3)

    assert sent.failures == []


@pytest.mark.parametrize(
    ("size", "why"),
    [
        ({"MemorySizeInMB": 512}, "greater than or equal to 1024"),
        ({"MemorySizeInMB": 7168}, "less than or equal to 6144"),
        ({"MemorySizeInMB": 1500}, "1 GB increments"),
        ({"MaxConcurrency": 0}, "greater than or equal to 1"),
        ({"MaxConcurrency": 201}, "less than or equal to 200"),
        ({"ProvisionedConcurrency": 4}, "ProvisionedConcurrency 4 must be less than or equal to"),
    ],
)
def test_sizes_outside_the_limits_are_refused(
    unchecked: Any, small: str, size: dict[str, int], why: str
) -> None:
    with pytest.raises(ClientError) as error:
        unchecked.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[serverless(small, **size)]
        )

    assert why in refusal(error)


CAPTURE = {
    "InitialSamplingPercentage": 100, "DestinationS3Uri": "s3://toy-models/capture",
    "CaptureOptions": [{"CaptureMode": "Input"}], "EnableCapture": True,
}  # fmt: skip
SUBNETS = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}


@pytest.mark.parametrize(
    ("more", "excluded"),
    [
        ({"DataCaptureConfig": CAPTURE}, "DataCaptureConfig"),
        ({"AsyncInferenceConfig": {"OutputConfig": {"S3OutputPath": "s3://toy-models/out"}}},
         "AsyncInferenceConfig"),
        ({"VpcConfig": SUBNETS}, "VpcConfig"),
        ({"EnableNetworkIsolation": True}, "EnableNetworkIsolation"),
    ],
)  # fmt: skip
def test_what_serverless_does_not_support_is_named(
    toy: Toy, small: str, more: dict[str, Any], excluded: str
) -> None:
    with pytest.raises(ClientError) as error:
        toy.sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[serverless(small)], **more
        )

    assert refusal(error) == f"Serverless endpoints do not support {excluded}."


@pytest.mark.parametrize(("member", "value"), [("VpcConfig", SUBNETS), ("EnableNetworkIsolation", True)])
def test_a_model_that_serverless_does_not_support_is_refused(toy: Toy, member: str, value: Any) -> None:
    toy.sagemaker.create_model(
        ModelName="isolated", ExecutionRoleArn=toy.role, **{member: value},
        PrimaryContainer={
            "Image": IMAGE, "ModelDataUrl": f"s3://{toy.bucket}/good.gz", "Environment": ENVIRONMENT,
        },
    )  # fmt: skip

    with pytest.raises(ClientError) as error:
        toy.sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[serverless("isolated")]
        )

    toy.drop("isolated")
    assert refusal(error) == f"Serverless endpoints do not support {member} of the model."


def test_a_serverless_variant_stands_alone_and_has_no_instances(toy: Toy, small: str, slow: str) -> None:
    with pytest.raises(ClientError) as several:
        toy.sagemaker.create_endpoint_config(
            EndpointConfigName="refused", ProductionVariants=[serverless(small), serverless(slow)]
        )
    with pytest.raises(ClientError) as instances:
        toy.sagemaker.create_endpoint_config(
            EndpointConfigName="refused",
            ProductionVariants=[{**variants({small: 1})[0], **serverless(small)}],
        )

    assert "more than one variant" in refusal(several)
    assert "InstanceType, InitialInstanceCount" in refusal(instances)


def test_a_key_is_taken_as_it_encrypts_the_image(toy: Toy, small: str) -> None:
    toy.sagemaker.create_endpoint_config(
        EndpointConfigName="keyed", ProductionVariants=[serverless(small)], KmsKeyId="alias/any"
    )
    toy.sagemaker.delete_endpoint_config(EndpointConfigName="keyed")


def test_an_endpoint_goes_from_serverless_to_instances_and_not_back(toy: Toy, small: str) -> None:
    name = deploy(toy, "converted")
    toy.config("on-instances", {"converted": 1})

    toy.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName="on-instances")
    assert toy.settled(name)["EndpointConfigName"] == "on-instances"
    with pytest.raises(ClientError) as error:
        toy.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    found = toy.settled(name)

    toy.sagemaker.delete_endpoint_config(EndpointConfigName="on-instances")
    toy.drop(name)
    assert refusal(error).startswith(
        f'Cannot update endpoint "arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/converted" on instances'
    )
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", "on-instances")
