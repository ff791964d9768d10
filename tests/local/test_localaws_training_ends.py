"""How training jobs end that do not simply complete, and what they leave in S3."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from localaws.control import LocalAws
from tests.local.conftest import Boto
from tests.local.training_toy import Trainer


@pytest.fixture(scope="module")
def trainer(boto: Boto) -> Iterator[Trainer]:
    trainer = Trainer(boto)
    yield trainer
    trainer.remove()


def passed(job: dict[str, Any]) -> list[str]:
    return [entry["Status"] for entry in job["SecondaryStatusTransitions"]]


def test_a_script_that_raises_shows_its_last_lines_and_its_command(trainer: Trainer) -> None:
    job = trainer.run("raises", "raise")

    assert passed(job) == ["Starting", "Downloading", "Training", "Failed"]
    reason = job["FailureReason"]
    assert reason.startswith(
        'AlgorithmError: ExecuteUserScriptError:\nExitCode 1\nErrorMessage "about to fail'
    )
    assert "RuntimeError: label column 'species' is missing\"" in reason
    assert reason.endswith('Command "/usr/local/bin/python train.py -C 0.5 --mode raise", exit code: 1')
    assert '/opt/ml/code/train.py", line' in reason and len(reason) <= 1024
    assert trainer.stored("out/raises/") == []


def test_an_exit_code_without_a_failure_file_is_told_alone(trainer: Trainer) -> None:
    assert trainer.run("aborts", "abort")["FailureReason"] == "AlgorithmError: , exit code: 134"


def test_a_script_that_is_killed_is_out_of_memory(trainer: Trainer) -> None:
    reason = trainer.run("memory", "memory")["FailureReason"]

    assert reason.startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 137")
    assert "OutOfMemory: Process killed by SIGKILL (signal 9)" in reason


def test_a_failure_of_the_caller_is_a_client_error(trainer: Trainer) -> None:
    reason = trainer.run("client", "client")["FailureReason"]

    assert reason == "ClientError: eta: 7.0 is not in [0, 1], exit code: 1"


def test_a_host_that_fails_ends_the_others(trainer: Trainer) -> None:
    job = trainer.run("first-fails", "first-fails", hosts=2)

    assert job["FailureReason"].startswith("AlgorithmError: ExecuteUserScriptError:\nExitCode 3")
    assert job["TrainingTimeInSeconds"] < 30
    assert len(trainer.log("first-fails")) == 2


def test_code_that_is_not_there_is_the_toolkits_failure(trainer: Trainer) -> None:
    parameters = trainer.request("x")["HyperParameters"]
    parameters["sagemaker_submit_directory"] = f"s3://{trainer.bucket}/code/gone.tar.gz"

    reason = trainer.run("no-code", HyperParameters=parameters)["FailureReason"]

    assert reason.startswith("AlgorithmError: Framework Error:")
    assert "Not Found" in "\n".join(next(iter(trainer.log("no-code").values())))


def test_a_job_that_is_stopped_has_time_to_save_its_model(trainer: Trainer, local_aws: LocalAws) -> None:
    trainer.start("stopped", "wait")
    trainer.until_printed("stopped", "training on algo-1")
    running = local_aws.inventory()
    assert [r.detail for r in running.resources if r.kind == "training-job" and r.name == "stopped"] == [
        "InProgress"
    ]
    assert any("train.py" in process.command for process in running.processes)

    trainer.sagemaker.stop_training_job(TrainingJobName="stopped")
    job = trainer.ended("stopped")

    assert job["TrainingJobStatus"] == job["SecondaryStatus"] == "Stopped"
    assert passed(job) == ["Starting", "Downloading", "Training", "Stopping", "Uploading", "Stopped"]
    assert trainer.archive("out/stopped/output/model.tar.gz")["stopped.txt"] == "in time"
    left = local_aws.inventory()
    kept = [r.detail for r in left.kept_by_aws if (r.kind, r.name) == ("training-job", "stopped")]
    assert kept == ["Stopped"]
    assert (left.processes, left.files) == ((), ())


def test_a_stop_is_final_and_refused_a_second_time(trainer: Trainer) -> None:
    trainer.start("twice", "wait")
    trainer.until_printed("twice", "training on algo-1")
    trainer.sagemaker.stop_training_job(TrainingJobName="twice")
    trainer.ended("twice")

    with pytest.raises(ClientError, match="the training job is in status Stopped"):
        trainer.sagemaker.stop_training_job(TrainingJobName="twice")
    assert trainer.describe("twice")["TrainingJobStatus"] == "Stopped"


def test_a_job_stopped_before_it_trains_stores_nothing(trainer: Trainer) -> None:
    trainer.start("early", "wait")
    trainer.sagemaker.stop_training_job(TrainingJobName="early")

    assert trainer.ended("early")["SecondaryStatus"] == "Stopped"
    assert trainer.stored("out/early/") in ([], ["out/early/output/model.tar.gz"])  # as far as it had come


def test_the_longest_time_ends_a_job_and_keeps_its_model(trainer: Trainer) -> None:
    job = trainer.run("late", "wait", StoppingCondition={"MaxRuntimeInSeconds": 2})

    assert (job["TrainingJobStatus"], job["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert passed(job)[-3:] == ["Stopping", "Uploading", "MaxRuntimeExceeded"]
    message = job["SecondaryStatusTransitions"][-1]["StatusMessage"]
    assert message == "Training job runtime exceeded MaxRuntimeInSeconds provided"
    assert trainer.archive("out/late/output/model.tar.gz")["stopped.txt"] == "in time"
    assert "FailureReason" not in job


def test_checkpoints_outlive_a_spot_job_and_reach_the_next(trainer: Trainer) -> None:
    spot = {
        "EnableManagedSpotTraining": True,
        "StoppingCondition": {"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 120},
        "CheckpointConfig": {"S3Uri": f"s3://{trainer.bucket}/checkpoints/"},
    }
    trainer.start("spot-1", "checkpoint", **spot)
    trainer.until_printed("spot-1", "found []")
    while not trainer.stored("checkpoints/"):  # stored while the job runs
        assert trainer.describe("spot-1")["TrainingJobStatus"] == "InProgress"
    trainer.sagemaker.stop_training_job(TrainingJobName="spot-1")
    trainer.ended("spot-1")

    job = trainer.run("spot-2", "checkpoint", **spot)

    assert job["TrainingJobStatus"] == "Completed"
    assert "found ['epoch-0.txt']" in next(iter(trainer.log("spot-2").values()))
    assert trainer.stored("checkpoints/") == ["checkpoints/epoch-0.txt", "checkpoints/epoch-1.txt"]
    assert job["EnableManagedSpotTraining"] is True


def test_an_isolated_job_has_neither_keys_nor_the_address_of_aws(trainer: Trainer) -> None:
    parameters = trainer.request("x")["HyperParameters"]
    parameters["sagemaker_submit_directory"] = "/opt/ml/input/data/code/sourcedir.tar.gz"

    job = trainer.run(
        "isolated", EnableNetworkIsolation=True, HyperParameters=parameters,
        InputDataConfig=[trainer.channel(), trainer.channel("code/", "code")],
    )  # fmt: skip

    assert job["TrainingJobStatus"] == "Completed", job
    found = trainer.told("isolated")["variables"]
    assert not {"AWS_ENDPOINT_URL", "AWS_ACCESS_KEY_ID", "AWS_SESSION_TOKEN"} & set(found)
    assert "training on algo-1" in next(iter(trainer.log("isolated").values()))


def test_an_uncompressed_model_is_stored_file_by_file(trainer: Trainer) -> None:
    output = {"S3OutputPath": f"s3://{trainer.bucket}/out/", "CompressionType": "NONE"}

    job = trainer.run("plain", hosts=2, OutputDataConfig=output)

    folder = f"s3://{trainer.bucket}/out/plain/output/model/"
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == folder
    assert trainer.stored("out/plain/") == [
        f"out/plain/output/model/told-algo-{number}.json" for number in (1, 2)
    ]
