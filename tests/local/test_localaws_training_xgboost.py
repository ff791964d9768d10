"""The built-in XGBoost on the embedded AWS: jobs on one host and on several, and an endpoint from one."""

from __future__ import annotations

import io
import tarfile
import time
from collections.abc import Iterator
from typing import Any

import pytest

from tests.local.conftest import Boto
from tests.local.training_toy import Trainer
from tests.unit.xgboost_jobs import TRAIN, VALIDATION

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:3.2-0"
HYPERPARAMETERS = {
    "objective": "reg:squarederror", "num_round": "200", "early_stopping_rounds": "10", "eval_metric": "rmse",
    "max_depth": "5", "eta": "0.2", "gamma": "4", "min_child_weight": "6", "subsample": "0.8",
}  # fmt: skip


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    lines = TRAIN.splitlines(keepends=True)
    for number in range(2):
        trainer.put(f"xgboost/train/{number}.csv", "".join(lines[number::2]))
    trainer.put("xgboost/validation/v.csv", VALIDATION)
    yield trainer
    trainer.remove()


def run(trainer: Trainer, name: str, hosts: int = 1, **hyperparameters: str) -> dict[str, Any]:
    return trainer.run(
        name, hosts=hosts,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        HyperParameters={**HYPERPARAMETERS, **hyperparameters},
        InputDataConfig=[
            trainer.channel("xgboost/train/", S3DataDistributionType="ShardedByS3Key"),
            trainer.channel("xgboost/validation/", "validation"),
        ],
    )  # fmt: skip


@pytest.fixture(scope="module")
def done(trainer: Trainer) -> dict[str, Any]:
    return run(trainer, "xgboost-one")


def content(trainer: Trainer, name: str) -> dict[str, bytes]:
    key = f"out/{name}/output/model.tar.gz"
    body = trainer.s3.get_object(Bucket=trainer.bucket, Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body), mode="r:gz") as tar:
        return {entry.name: tar.extractfile(entry).read() for entry in tar if entry.isfile()}  # type: ignore[union-attr]


def test_a_job_leaves_one_file_and_its_metrics(trainer: Trainer, done: dict[str, Any]) -> None:
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
    assert list(content(trainer, "xgboost-one")) == ["xgboost-model"]
    final = {entry["MetricName"]: entry["Value"] for entry in done["FinalMetricDataList"]}
    assert set(final) == {"train:rmse", "validation:rmse"}
    last = [
        line for line in trainer.log("xgboost-one")[next(iter(trainer.log("xgboost-one")))] if "rmse" in line
    ][-1]
    assert final["validation:rmse"] == pytest.approx(float(last.rpartition(":")[2]))


def test_two_jobs_give_equal_models(trainer: Trainer, done: dict[str, Any]) -> None:
    run(trainer, "xgboost-again")
    assert content(trainer, "xgboost-again") == content(trainer, "xgboost-one")


def test_two_hosts_give_one_model(trainer: Trainer) -> None:
    done = run(trainer, "xgboost-two", hosts=2)
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")
    assert list(content(trainer, "xgboost-two")) == ["xgboost-model"]


def test_a_host_without_a_file_is_left_out(trainer: Trainer) -> None:
    done = run(trainer, "xgboost-three", hosts=3)
    assert done["TrainingJobStatus"] == "Completed", done.get("FailureReason")


def test_a_wrong_hyperparameter_is_the_reason_of_the_failure_in_aws_words(trainer: Trainer) -> None:
    done = run(trainer, "xgboost-eta", eta="7")
    assert done["TrainingJobStatus"] == "Failed"
    assert "Hyperparameter eta: 7.0 is not in [0, 1]" in done["FailureReason"]


def test_the_model_of_a_job_is_served(trainer: Trainer, done: dict[str, Any], boto: Boto) -> None:
    sagemaker, name = trainer.sagemaker, "xgboost-served"
    model = {"Image": IMAGE, "ModelDataUrl": done["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName=name, PrimaryContainer=model, ExecutionRoleArn=trainer.role)
    variant = {
        "VariantName": "champion", "ModelName": name, "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    }  # fmt: skip
    sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    try:
        answer = boto("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, ContentType="text/csv", Body=b"1,0,0,0\n-1,0,0,0"
        )
        high, low = map(float, answer["Body"].read().split())
        assert answer["ContentType"] == "text/csv; charset=utf-8"
        assert high > low + 3
    finally:
        sagemaker.delete_endpoint(EndpointName=name)
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
        sagemaker.delete_model(ModelName=name)
        end = time.monotonic() + 30
        while sagemaker.list_endpoints(NameContains=name)["Endpoints"] and time.monotonic() < end:
            time.sleep(0.1)
