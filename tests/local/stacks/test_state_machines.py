"""The deployed state machines: worse data registers nothing, better data does, files are transformed."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from typing import Any

import pytest

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.cdk import stacks_of
from slipway.deployment import deploy
from slipway.ports import free_port
from slipway.removal import destroy_stacks, local_remains, remains_after_stop
from slipway.story import Story
from stacks.settings import load_settings
from stacks.storage import CURRENT, archive_key, batch_input, batch_output, code_key, uri
from tests.local.stacks.conftest import ROOT, make_project
from tests.local.stacks.machines import Machines
from training.channels import write_channels
from training.train import load_parts, train

_FEW = 8
_SCHEDULE = {"iris.batch.schedule": "rate(1 minute)"}
_FIRST_RUN_S = 90  # a minute, and the rounds in which rules are looked at


@pytest.fixture(scope="module")
def machines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machines]:
    """iris and diabetes, deployed, and destroyed with what the machines have registered."""
    project = make_project(tmp_path_factory.mktemp("machines"))
    shutil.copytree(ROOT / "model_code" / "diabetes", project.root / "model_code" / "diabetes")
    settings, story = load_settings(project.root, _SCHEDULE), Story()
    channels: dict[str, dict[str, str]] = {}
    for model in settings.models:
        train(project.root, model)
        written = write_channels(
            model, *load_parts(model, lambda _: None), tmp_path_factory.mktemp(model.name)
        )
        channels[model.name] = {
            name: (folder / f"{name}.csv").read_text() for name, folder in written.items()
        }
    local = LocalAws(project.root)
    port = free_port()
    try:
        aws = Aws.local(settings.stage, local.start(port))
        deploy(project, aws, settings.models, _SCHEDULE, story, direct=True)
        outputs = {model.name: aws.outputs(model.name) for model in settings.models}
        made = Machines(aws, aws.outputs()["BucketName"], outputs, channels)
        yield made

        assert made.packages("diabetes")  # what the stack takes along
        before = local.inventory()
        destroy_stacks(project, aws, stacks_of("local", list(outputs)), story)
        left = local_remains(local).left_behind
    finally:
        local.stop()
    assert [*left, *remains_after_stop(local, before, port)] == []


def test_the_same_data_gives_no_better_model_and_nothing_is_registered(machines: Machines) -> None:
    rows = machines.channels["diabetes"]["train"].splitlines()
    machines.train_on("diabetes", CURRENT, rows)

    ended = machines.run("diabetes", "TrainingStateMachineArn", {})

    assert (ended["status"], ended["error"]) == ("FAILED", "NotBetter")
    assert ended["cause"].startswith("validation:rmse is 61.0")
    assert ended["cause"].endswith(", the model in service has 61.0886")
    assert machines.packages("diabetes") == []


def test_a_model_outside_the_gate_is_told_by_how_much_and_the_endpoint_stays(machines: Machines) -> None:
    sagemaker = machines.aws.client("sagemaker")
    serving = sagemaker.describe_endpoint(EndpointName=machines.outputs["diabetes"]["EndpointName"])
    few = machines.channels["diabetes"]["train"].splitlines()[:_FEW]

    ended = machines.run("diabetes", "TrainingStateMachineArn", machines.train_on("diabetes", "worse", few))

    assert (ended["status"], ended["error"]) == ("FAILED", "OutsideGate")
    measured = float(ended["cause"].split(" is ")[1].split(",")[0])
    assert measured > 70
    assert ended["cause"] == f"validation:rmse is {measured}, the gate asks for at most 70"
    assert machines.packages("diabetes") == []
    after = sagemaker.describe_endpoint(EndpointName=machines.outputs["diabetes"]["EndpointName"])
    assert after["EndpointConfigName"] == serving["EndpointConfigName"]


def test_a_better_model_is_registered_for_approval_with_its_numbers(machines: Machines) -> None:
    known = machines.channels["diabetes"]
    more = [*known["train"].splitlines(), *known["validation"].splitlines()]

    ended = machines.run("diabetes", "TrainingStateMachineArn", machines.train_on("diabetes", "better", more))

    assert ended["status"] == "SUCCEEDED", ended
    output = json.loads(ended["output"])
    (package,) = machines.packages("diabetes")
    assert package["ModelPackageArn"] == output["ModelPackageArn"]
    assert package["ModelApprovalStatus"] == "PendingManualApproval"
    sagemaker = machines.aws.client("sagemaker")
    described = sagemaker.describe_model_package(ModelPackageName=package["ModelPackageArn"])
    job = sagemaker.describe_training_job(TrainingJobName=output["TrainingJobName"])
    (container,) = described["InferenceSpecification"]["Containers"]
    assert container["ModelDataUrl"] == job["ModelArtifacts"]["S3ModelArtifacts"]
    assert container["Image"].endswith("/sagemaker-xgboost:3.2-0")
    told = described["CustomerMetadataProperties"]
    assert told["training-job"] == output["TrainingJobName"]
    assert float(told["validation:rmse"]) == output["Metrics"]["validation:rmse"] < 61
    key = container["ModelDataUrl"].partition(f"{machines.bucket}/")[2]
    machines.aws.client("s3").head_object(Bucket=machines.bucket, Key=key)


def test_a_script_is_copied_to_its_job_and_trains_there(machines: Machines) -> None:
    given = machines.train_on("iris", "same", machines.channels["iris"]["train"].splitlines())

    ended = machines.run("iris", "TrainingStateMachineArn", given)

    assert (ended["status"], ended["error"]) == ("FAILED", "NotBetter"), ended
    accuracy = ended["cause"].removeprefix("accuracy is ").partition(",")[0]
    assert 0.9 < float(accuracy) <= 1
    assert ended["cause"].partition(", ")[2].startswith("the model in service has 0.9")
    (job,) = machines.aws.client("sagemaker").list_training_jobs(NameContains="slipway-local-iris-")[
        "TrainingJobSummaries"
    ]
    for key in (code_key(job["TrainingJobName"]), archive_key(job["TrainingJobName"])):
        machines.aws.client("s3").head_object(Bucket=machines.bucket, Key=key)


def test_a_job_that_fails_ends_the_execution_with_the_job_s_reason(machines: Machines) -> None:
    ended = machines.run(
        "diabetes", "TrainingStateMachineArn", machines.train_on("diabetes", "text", ["a,b,c", "d,e,f"])
    )
    assert (ended["status"], ended["error"]) == ("FAILED", "States.TaskFailed")
    job = json.loads(ended["cause"])
    assert job["TrainingJobStatus"] == "Failed"
    assert job["FailureReason"]


def test_what_sagemaker_refuses_is_told_in_its_words(machines: Machines) -> None:
    nowhere = {"train": "s3://no-such-bucket-here/train/", "validation": "s3://no-such-bucket-here/v/"}
    ended = machines.run("diabetes", "TrainingStateMachineArn", nowhere)
    assert ended["status"] == "FAILED"
    assert ended["error"] in ("SageMaker.AmazonSageMakerException", "States.TaskFailed")
    assert "no-such-bucket-here" in ended["cause"]


def test_a_stopped_execution_stops_its_job(machines: Machines) -> None:
    rows = machines.channels["diabetes"]["train"].splitlines()
    given = machines.train_on("diabetes", "long", rows * 2000)
    client, sagemaker = machines.aws.client("stepfunctions"), machines.aws.client("sagemaker")
    execution = machines.start("diabetes", "TrainingStateMachineArn", given)
    running = []
    deadline = time.monotonic() + 30
    while not running and time.monotonic() < deadline:
        running = sagemaker.list_training_jobs(StatusEquals="InProgress")["TrainingJobSummaries"]
    name = running[0]["TrainingJobName"]

    client.stop_execution(executionArn=execution, cause="enough")

    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60}
    )
    assert sagemaker.describe_training_job(TrainingJobName=name)["TrainingJobStatus"] == "Stopped"
    ended = machines.end(execution)
    assert (ended["status"], ended.get("cause")) == ("ABORTED", "enough")


def test_files_are_transformed_as_the_endpoint_answers(machines: Machines) -> None:
    rows = [line.partition(",")[2] for line in machines.channels["diabetes"]["validation"].splitlines()[:20]]
    machines.put(batch_input("diabetes", CURRENT) + "rows.csv", "\n".join(rows) + "\n")

    ended = machines.run("diabetes", "BatchStateMachineArn", {}, name="by-hand")

    assert ended["status"] == "SUCCEEDED", ended
    key = batch_output("diabetes", "by-hand") + "rows.csv.out"
    assert json.loads(ended["output"])["output"] == uri(machines.bucket, key.rpartition("/")[0] + "/")
    written = machines.aws.client("s3").get_object(Bucket=machines.bucket, Key=key)["Body"].read().decode()
    answered = machines.aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=machines.outputs["diabetes"]["EndpointName"],
        ContentType="text/csv",
        Body="\n".join(rows).encode(),
    )["Body"].read().decode()  # fmt: skip
    assert written.splitlines() == answered.splitlines()
    assert len(written.splitlines()) == len(rows)


def test_without_a_right_of_its_role_a_machine_is_refused(machines: Machines) -> None:
    iam, client = machines.aws.client("iam"), machines.aws.client("stepfunctions")
    arn = machines.outputs["diabetes"]["BatchStateMachineArn"]
    role = client.describe_state_machine(stateMachineArn=arn)["roleArn"].rpartition("/")[2]
    kept = iam.get_role_policy(RoleName=role, PolicyName="Transform")["PolicyDocument"]
    iam.delete_role_policy(RoleName=role, PolicyName="Transform")
    try:
        ended = machines.run("diabetes", "BatchStateMachineArn", {})
    finally:
        iam.put_role_policy(RoleName=role, PolicyName="Transform", PolicyDocument=json.dumps(kept))
    assert (ended["status"], ended["error"]) == ("FAILED", "SageMaker.AmazonSageMakerException")
    assert "not authorized to perform: sagemaker:CreateTransformJob" in ended["cause"]


def test_a_schedule_starts_its_machine(machines: Machines) -> None:
    client = machines.aws.client("stepfunctions")
    arn = machines.outputs["iris"]["BatchStateMachineArn"]
    started: list[dict[str, Any]] = []
    deadline = time.monotonic() + _FIRST_RUN_S
    while not started and time.monotonic() < deadline:
        started = client.list_executions(stateMachineArn=arn)["executions"]
        time.sleep(0.5)
    assert started, "no execution within the first minutes"
    assert client.describe_execution(executionArn=started[-1]["executionArn"])["input"] == "{}"
    # Nobody has put rows there.
    assert machines.end(started[-1]["executionArn"])["status"] == "FAILED"
