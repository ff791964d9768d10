"""`slipway jobs`, and jobs that are left alone, stopped, cut off or two at once, as a person types it."""

from __future__ import annotations

import signal
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from localaws.control import LocalAws
from slipway.aws import Aws
from slipway.shared import place_of
from stacks.settings import load_stage
from tests.local.network import Network
from tests.local.own_project import OwnProject
from training.sagemaker.follow import Pace, follow
from training.sagemaker.jobs import FollowedTraining
from training.sagemaker.logs import TRAINING_GROUP, JobLogs
from training.sagemaker.sdk import training_job


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    made = OwnProject(tmp_path_factory.mktemp("own"))
    made.run("deploy", "--shared", "--port", str(made.port))
    yield made
    made.remove()


def running(project: OwnProject, model: str) -> str:
    """The name of the newest job of a model, once it runs and has printed a line."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        for row in project.jobs(model)[:1] if LocalAws(project.root).server() else []:
            lines = JobLogs(project.client("logs"), TRAINING_GROUP, row["name"]).new_lines()
            if lines and row["status"] == "InProgress":
                return str(row["name"])
        time.sleep(0.2)
    raise TimeoutError(model)


def test_ctrl_c_leaves_the_job_and_attaching_takes_what_it_leaves(project: OwnProject) -> None:
    slow = ("--set", "model.hyperparameters={seconds=5}")
    process = project.start("train", "slow", *slow, "--on", "sagemaker")
    job = running(project, "slow")
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=30)

    assert process.returncode == 130
    assert f"slipway jobs slow --attach {job}" in said
    assert f"slipway jobs slow --stop {job}" in said
    differs = project.run("jobs", "slow", "--attach", job, code=3)
    assert "the hyperparameters changed" in " ".join(differs.stderr.split())
    attached = project.run("jobs", "slow", "--attach", job, *slow)
    assert "slow" in attached.stdout
    assert project.manifest("slow")["settings"]["hyperparameters"] == {"seconds": 5}
    assert project.jobs("slow")[0]["status"] == "Completed"


def test_a_job_of_other_data_or_code_is_not_packaged(project: OwnProject) -> None:
    project.train("slow")
    job = project.jobs("slow")[0]["name"]

    other = project.run("jobs", "slow", "--attach", job, "--set", "split.seed=5", code=3)
    script = project.root / "model_code" / "slow" / "train.py"
    before = script.read_text()
    script.write_text(before + "# changed\n")
    changed = project.run("jobs", "slow", "--attach", job, code=3)
    script.write_text(before)

    assert "the data or its split changed" in " ".join(other.stderr.split())
    assert "train.py" in changed.stderr
    unknown = project.run("jobs", "slow", "--attach", "slipway-local-slow-none", code=2)
    assert "E-JOB-UNKNOWN" in unknown.stderr


def test_a_model_that_somebody_wrote_again_after_the_job_is_not_loaded(project: OwnProject) -> None:
    project.train("slow")
    job = project.jobs("slow")[0]["name"]
    left = project.client("sagemaker").describe_training_job(TrainingJobName=job)["ModelArtifacts"]
    bucket, _, key = left["S3ModelArtifacts"].removeprefix("s3://").partition("/")
    project.client("s3").put_object(Bucket=bucket, Key=key, Body=b"another model")

    refused = project.run("jobs", "slow", "--attach", job, code=1)

    assert f"The model of {job} was written again" in " ".join(refused.stderr.split())


def test_a_network_that_goes_while_following_and_comes_back_is_survived(project: OwnProject) -> None:
    process = project.start(
        "train", "slow", "--on", "sagemaker", "--set", "model.hyperparameters={seconds=8}"
    )
    job = running(project, "slow")
    server = LocalAws(project.root).server()
    assert server is not None
    network, told = Network(project.port), list[str]()
    aws = replace(Aws.local(load_stage(project.root, "local"), server), endpoint_url=network.url)
    place = place_of(aws)
    resource = training_job().get(job, session=place.session, region=place.region)
    followed = FollowedTraining(resource, place)
    timer = threading.Timer(4, network.mend)
    network.cut()
    timer.start()

    ended = follow(
        followed, told.append, pace=Pace(poll_s=0.2, first_pause_s=0.5), again="again", stop="stop"
    )

    timer.join()
    network.cut()
    process.communicate(timeout=60)
    assert ended.state.status == "Completed"
    assert told[0].startswith("no answer (EndpointConnectionError)")
    assert [line for line in told if line == "Completed: Training job completed"]
    assert process.returncode == 0


def test_a_job_can_be_stopped_and_its_follower_says_so(project: OwnProject) -> None:
    process = project.start(
        "train", "slow", "--on", "sagemaker", "--set", "model.hyperparameters={seconds=60}"
    )
    job = running(project, "slow")

    project.run("jobs", "slow", "--stop", job)
    _, said = process.communicate(timeout=60)

    assert process.returncode == 1
    assert f"The job {job} was stopped" in said
    assert project.jobs("slow")[0]["status"] == "Stopped"
    assert f"{job} is Stopped already" in project.run("jobs", "slow", "--stop", job).stderr


def test_two_trainings_at_once_do_not_meet(project: OwnProject) -> None:
    before = {row["name"] for row in project.jobs("slow")}
    both = [project.start("train", "slow", "--on", "sagemaker") for _ in range(2)]

    codes = [process.wait(timeout=120) for process in both]

    said = [process.communicate()[1] for process in both]
    assert codes == [0, 0], said
    new = [row for row in project.jobs("slow") if row["name"] not in before]
    assert [row["status"] for row in new] == ["Completed", "Completed"]


def test_destroy_stops_what_runs_and_leaves_no_line_of_it(project: OwnProject) -> None:
    process = project.start(
        "train", "slow", "--on", "sagemaker", "--set", "model.hyperparameters={seconds=60}"
    )
    job = running(project, "slow")

    ended = project.run("destroy")
    process.communicate(timeout=60)

    said = " ".join(ended.stderr.split())
    assert f"stopping the training job {job}" in said
    assert "log streams of jobs" in said
    assert "nothing left" in said
    assert LocalAws(project.root).server() is None
