"""What CreateTrainingJob refuses, and in which words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from localaws.control import ACCOUNT, REGION, LocalAws
from tests.local.conftest import Boto
from tests.local.toy import IMAGE
from tests.local.training_toy import Trainer

TWO_METRICS = [{"Name": f"m{number}", "Regex": "m=(.*)"} for number in range(41)]


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    yield trainer
    trainer.remove()


@pytest.fixture(scope="module")
def unchecked(local_aws: LocalAws) -> Any:
    """A client that sends what it is given, as SDKs without a check of their own do."""
    server = local_aws.server()
    assert server is not None
    return boto3.session.Session(ACCOUNT, "local", region_name=REGION).client(
        "sagemaker", endpoint_url=server.url,
        config=Config(parameter_validation=False, retries={"total_max_attempts": 1}, proxies={}),
    )  # fmt: skip


def error_of(call: Any, **request: Any) -> dict[str, Any]:
    with pytest.raises(ClientError) as error:
        call(**request)
    found: dict[str, Any] = error.value.response["Error"]
    return found


def algorithm(**more: Any) -> dict[str, Any]:
    return {"TrainingImage": IMAGE, "TrainingInputMode": "File", **more}


def channels(count: int) -> list[dict[str, Any]]:
    source = {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": "s3://toy-training/data/"}}
    return [{"ChannelName": f"c{number}", "DataSource": source} for number in range(count)]


RESOURCES = {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 5}
SPOT = {"EnableManagedSpotTraining": True}
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a name with an underscore": ({"TrainingJobName": "a_b"}, r"'a_b' at 'trainingJobName' .* pattern"),
    "a long name": ({"TrainingJobName": "a" * 64}, "'trainingJobName' .* length less than or equal to 63"),
    "no output": ({"OutputDataConfig": None}, "Value null at 'outputDataConfig' .* must not be null"),
    "no resources": ({"ResourceConfig": None}, "Value null at 'resourceConfig' .* must not be null"),
    "no stopping condition": ({"StoppingCondition": None}, "Value null at 'stoppingCondition'"),
    "no algorithm": ({"AlgorithmSpecification": None}, "Value null at 'algorithmSpecification'"),
    "no image": (
        {"AlgorithmSpecification": {"TrainingInputMode": "File"}},
        "null at 'algorithmSpecification.trainingImage'",
    ),
    "an algorithm of one's own": (
        {"AlgorithmSpecification": {"TrainingInputMode": "File", "AlgorithmName": "mine"}},
        "AlgorithmSpecification.AlgorithmName is not part of the embedded AWS",
    ),
    "an unknown image": (
        {"AlgorithmSpecification": algorithm(TrainingImage="pytorch:1")},
        "Requested image pytorch:1 cannot run",
    ),
    "no instance": ({"ResourceConfig": {**RESOURCES, "InstanceCount": 0}}, "'resourceConfig.instanceCount'"),
    "an unknown instance": (
        {"ResourceConfig": {**RESOURCES, "InstanceType": "ml.huge"}},
        "'ml.huge' at 'resourceConfig.instanceType' .* enum value set",
    ),
    "too many hyperparameters": (
        {"HyperParameters": {f"p{number}": "1" for number in range(101)}},
        "'hyperParameters' .* length less than or equal to 100",
    ),
    "too many channels": ({"InputDataConfig": channels(21)}, "'inputDataConfig' .* less than or equal to 20"),
    "a channel twice": ({"InputDataConfig": channels(1) * 2}, "Channel names must be unique, and c0"),
    "a pipe": ({"AlgorithmSpecification": algorithm(TrainingInputMode="Pipe")}, "Pipe is not part of"),
    "a pipe for one channel": (
        {"InputDataConfig": [{**channels(1)[0], "InputMode": "Pipe"}]}, "Channel c0 .* InputMode: Pipe"
    ),
    "too many metrics": (
        {"AlgorithmSpecification": algorithm(MetricDefinitions=TWO_METRICS)}, "less than or equal to 40"
    ),
    "a metric without a group": (
        {"AlgorithmSpecification": algorithm(MetricDefinitions=[{"Name": "m", "Regex": "m=.*"}])},
        "metric m needs a group",
    ),
    "a metric that is no expression": (
        {"AlgorithmSpecification": algorithm(MetricDefinitions=[{"Name": "m", "Regex": "m=("}])},
        "Invalid regular expression of metric m",
    ),
    "a wait without spot": (
        {"StoppingCondition": {"MaxRuntimeInSeconds": 1, "MaxWaitTimeInSeconds": 2}},
        "MaxWaitTimeInSeconds. It is only supported when EnableManagedSpotTraining is set to true",
    ),
    "spot without a wait": (SPOT, "It must be present and be greater than or equal to MaxRuntimeInSeconds"),
    "spot with a short wait": (
        {**SPOT, "StoppingCondition": {"MaxRuntimeInSeconds": 2, "MaxWaitTimeInSeconds": 1}},
        "greater than or equal to MaxRuntimeInSeconds",
    ),
    "checkpoints elsewhere": (
        {"CheckpointConfig": {"S3Uri": "s3://toy-training/c", "LocalPath": "/var/c"}},
        "choose /opt/ml/checkpoints",
    ),
    "a role that is none": ({"RoleArn": "arn:aws:iam::1:role/x"}, "'arn:aws:iam::1:role/x' at 'roleArn'"),
    "a role that does not exist": (
        {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody-here"}, "Could not assume role .*nobody-here"
    ),
    "a tag with a strange sign": ({"Tags": [{"Key": "a*", "Value": "b"}]}, "'tags.1.member.key' .* pattern"),
    "two mistakes": (
        {"TrainingJobName": "_", "RoleArn": "x" * 30}, "^2 validation errors detected: .*; Value 'x"
    ),
}  # fmt: skip


@pytest.mark.parametrize("what", REFUSED)
def test_a_request_with_a_mistake_is_refused_with_its_reason(
    trainer: Trainer, unchecked: Any, what: str
) -> None:
    more, message = REFUSED[what]

    error = error_of(unchecked.create_training_job, **trainer.request("refused", **more))

    assert error["Code"] == "ValidationException"
    assert re.search(message, error["Message"]), error["Message"]
    assert trainer.sagemaker.list_training_jobs(NameContains="refused")["TrainingJobSummaries"] == []


def test_a_hyperparameter_has_to_be_a_string(trainer: Trainer, unchecked: Any) -> None:
    error = error_of(
        unchecked.create_training_job, **trainer.request("number", HyperParameters={"max_depth": 5})
    )

    assert error["Code"] == "SerializationException"
    assert error["Message"] == "NUMBER_VALUE can not be converted to a String"
