"""Training jobs on the embedded AWS: what a good one is given, makes and tells."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from localaws.control import LocalAws, client_environment
from tests.local.conftest import Boto
from tests.local.training_toy import Trainer

ACCURACY = {"Name": "validation:accuracy", "Regex": "validation-accuracy=(.*?);"}


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    yield trainer
    trainer.remove()


@pytest.fixture(scope="module")
def done(trainer: Trainer) -> dict[str, Any]:
    """The description of a job that completed."""
    algorithm = trainer.request("x")["AlgorithmSpecification"]
    return trainer.run(
        "good", "output", Environment={"OWN": "own value"}, Tags=[{"Key": "team", "Value": "a"}],
        AlgorithmSpecification={**algorithm, "MetricDefinitions": [ACCURACY]},
    )  # fmt: skip


def test_a_good_job_goes_through_all_statuses_in_their_order(done: dict[str, Any]) -> None:
    assert done["TrainingJobStatus"] == done["SecondaryStatus"] == "Completed"
    passed = done["SecondaryStatusTransitions"]
    names = [entry["Status"] for entry in passed]
    assert names == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    for before, after in pairwise(passed):
        assert before["EndTime"] == after["StartTime"]
    assert done["CreationTime"] <= done["TrainingStartTime"] <= done["TrainingEndTime"]
    assert done["LastModifiedTime"] == done["TrainingEndTime"]
    assert 0 <= done["TrainingTimeInSeconds"] == done["BillableTimeInSeconds"] < 60
    assert "FailureReason" not in done


def test_the_model_and_the_output_are_stored_as_archives(trainer: Trainer, done: dict[str, Any]) -> None:
    uri = done["ModelArtifacts"]["S3ModelArtifacts"]

    assert uri == f"s3://{trainer.bucket}/out/good/output/model.tar.gz"
    assert list(trainer.archive("out/good/output/model.tar.gz")) == ["told-algo-1.json"]
    assert trainer.archive("out/good/output/output.tar.gz") == {"plot.txt": "a plot"}


def test_the_script_gets_its_hyperparameters_as_the_toolkit_passes_them(
    trainer: Trainer, done: dict[str, Any]
) -> None:
    told = trainer.told("good")

    assert told["argv"] == ["-C", "0.5", "--mode", "output"]
    assert told["cwd"].endswith("/opt/ml/code")
    assert told["variables"]["SM_HP_MODE"] == "output"
    assert told["variables"]["SM_FRAMEWORK_MODULE"] == "sagemaker_sklearn_container.training:main"


def test_the_script_finds_the_variables_of_a_training_container(
    trainer: Trainer, done: dict[str, Any]
) -> None:
    found = trainer.told("good")["variables"]

    assert found["OWN"] == "own value"
    assert found["TRAINING_JOB_NAME"] == "good"
    assert found["TRAINING_JOB_ARN"] == done["TrainingJobArn"]
    assert found["CURRENT_HOST"] == found["SM_CURRENT_HOST"] == "algo-1"
    assert found["AWS_REGION"] == found["SAGEMAKER_REGION"] == "us-east-1"
    assert found["AWS_ENDPOINT_URL"] and found["AWS_SESSION_TOKEN"]
    assert 1024 < int(found["SLIPWAY_JOB_PORT"]) < 65536
    assert not [name for name in found if name.startswith(("SLIPWAY_", "UV_")) and name != "SLIPWAY_JOB_PORT"]


def test_the_files_of_input_config_say_what_was_asked_for(trainer: Trainer, done: dict[str, Any]) -> None:
    config = trainer.told("good")["config"]

    assert config["inputdataconfig"] == {
        "train": {
            "ContentType": "text/csv",
            "TrainingInputMode": "File",
            "S3DistributionType": "FullyReplicated",
            "RecordWrapperType": "None",
        }
    }
    resources = config["resourceconfig"]
    assert resources.pop("network_interface_name") == ("lo0" if sys.platform == "darwin" else "lo")
    assert resources == {
        "current_host": "algo-1",
        "current_instance_type": "ml.m5.large",
        "current_group_name": "homogeneousCluster",
        "hosts": ["algo-1"],
        "instance_groups": [
            {
                "instance_group_name": "homogeneousCluster",
                "instance_type": "ml.m5.large",
                "hosts": ["algo-1"],
            }
        ],
    }
    assert config["hyperparameters"]["C"] == "0.5"


def test_every_line_is_in_a_stream_of_the_job_with_the_paths_of_the_image(
    trainer: Trainer, done: dict[str, Any]
) -> None:
    ((stream, lines),) = trainer.log("good").items()

    assert stream.startswith("good/algo-1-") and stream.rpartition("-")[2].isdecimal()
    assert "training on algo-1" in lines
    assert "SM_MODEL_DIR=/opt/ml/model" in "\n".join(lines)


def test_a_metric_has_its_last_value_in_the_description_and_all_in_cloudwatch(
    trainer: Trainer, boto: Boto, done: dict[str, Any]
) -> None:
    (final,) = done["FinalMetricDataList"]
    assert (final["MetricName"], final["Value"]) == ("validation:accuracy", 0.9375)
    assert done["TrainingStartTime"] <= final["Timestamp"] <= done["TrainingEndTime"]

    found = boto("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/TrainingJobs", MetricName="validation:accuracy",
        Dimensions=[{"Name": "TrainingJobName", "Value": "good"}], Period=3600,
        StartTime=done["CreationTime"].timestamp() - 3600, EndTime=done["CreationTime"].timestamp() + 3600,
        Statistics=["SampleCount", "Minimum", "Maximum"],
    )["Datapoints"]  # fmt: skip
    assert sum(entry["SampleCount"] for entry in found) == 2
    assert {min(e["Minimum"] for e in found), max(e["Maximum"] for e in found)} == {0.5, 0.9375}


def test_the_description_repeats_the_request(trainer: Trainer, done: dict[str, Any]) -> None:
    request = trainer.request("good", "output")
    for member in ("HyperParameters", "InputDataConfig", "OutputDataConfig", "ResourceConfig", "RoleArn"):
        assert done[member] == request[member]
    assert done["AlgorithmSpecification"]["MetricDefinitions"] == [ACCURACY]
    assert done["EnableNetworkIsolation"] is False
    tags = trainer.sagemaker.list_tags(ResourceArn=done["TrainingJobArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "a"}]


def test_two_jobs_at_once_meet_on_ports_of_their_own(trainer: Trainer) -> None:
    for name in ("twin-1", "twin-2"):
        trainer.start(name, hosts=2)
    assert [trainer.ended(name)["TrainingJobStatus"] for name in ("twin-1", "twin-2")] == ["Completed"] * 2

    ports = {
        (name, host): trainer.told(name, host)["variables"]["SLIPWAY_JOB_PORT"]
        for name in ("twin-1", "twin-2")
        for host in ("algo-1", "algo-2")
    }
    assert ports["twin-1", "algo-1"] == ports["twin-1", "algo-2"] != ports["twin-2", "algo-1"]
    assert len(trainer.log("twin-1")) == 2


def test_the_waiter_of_boto3_returns_when_the_job_has_ended(trainer: Trainer) -> None:
    trainer.start("waited")
    waiter = trainer.sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="waited", WaiterConfig={"Delay": 1, "MaxAttempts": 60})

    assert trainer.describe("waited")["TrainingJobStatus"] == "Completed"


def test_the_aws_cli_describes_a_job(trainer: Trainer, local_aws: LocalAws, done: dict[str, Any]) -> None:
    server = local_aws.server()
    assert server is not None
    told = subprocess.run(
        [Path(sys.executable).parent / "aws", "sagemaker", "describe-training-job", "--training-job-name",
         "good", "--query", "TrainingJobStatus", "--output", "text"],
        env=client_environment(server), capture_output=True, text=True, check=True,
    )  # fmt: skip

    assert told.stdout.strip() == "Completed"
