"""`slipway train --on sagemaker` and `slipway jobs` on the embedded AWS, as a person types them."""

from __future__ import annotations

import io
import json
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import joblib
import pytest
from sklearn.datasets import load_iris

from localaws.control import LocalAws, client_environment
from tests.local.own_project import OwnProject


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OwnProject]:
    made = OwnProject(tmp_path_factory.mktemp("own"))
    yield made
    made.remove()


def member(project: OwnProject, model: str, name: str) -> bytes:
    version = project.manifest(model)["version"]
    with tarfile.open(project.root / "artifacts" / model / version / "model.tar.gz") as tar:
        file = tar.extractfile(name)
        assert file is not None
        return file.read()


def test_a_script_gives_the_same_model_here_and_as_a_job(project: OwnProject) -> None:
    project.run("train", "iris")
    here, model_here = (
        project.manifest("iris"),
        joblib.load(io.BytesIO(member(project, "iris", "model.joblib"))),
    )

    ended = project.train("iris")

    there = project.manifest("iris")
    model_there = joblib.load(io.BytesIO(member(project, "iris", "model.joblib")))
    rows = load_iris().data
    assert model_there.predict(rows).tolist() == model_here.predict(rows).tolist()
    assert model_there.predict_proba(rows) == pytest.approx(model_here.predict_proba(rows), abs=1e-12)
    for part in ("metrics", "golden", "signature", "split", "data", "gate", "validation"):
        assert there[part] == here[part], part
    assert "accuracy 0.9667" in ended.stderr
    assert ended.stderr.strip().endswith("next  slipway deploy iris")


@pytest.fixture(scope="module")
def diabetes(project: OwnProject) -> str:
    """The name of a training job of diabetes that went well."""
    project.train("diabetes")
    return str(project.jobs("diabetes")[0]["name"])


def test_the_job_is_written_down_beside_the_archive_and_not_into_it(
    project: OwnProject, diabetes: str
) -> None:
    first = project.manifest("diabetes")
    note = project.root / "artifacts" / "diabetes" / first["version"] / "training-job.json"
    assert json.loads(note.read_text())["name"] == diabetes
    assert diabetes not in json.dumps(first)

    project.run("train", "diabetes")

    assert project.manifest("diabetes") == first  # the same again, to the last byte, here


def test_two_machines_give_a_model_too(project: OwnProject) -> None:
    ended = project.train("diabetes", "--set", "train.instance_count=2")

    newest = project.jobs("diabetes")[0]
    assert (newest["status"], newest["machine"]) == ("Completed", "2 x ml.m5.large")
    assert newest["metrics"].keys() == {"train:rmse", "validation:rmse"}
    assert "[algo-2]" in ended.stderr
    assert project.manifest("diabetes")["metrics"]["rmse"] < 70


def test_other_peoples_clients_drive_the_same_jobs(
    project: OwnProject, diabetes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from sagemaker.core.resources import TrainingJob

    job = diabetes
    for name, value in project.variables().items():
        monkeypatch.setenv(name, value)
    session = project.session()

    session.client("sagemaker").get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=job, WaiterConfig={"Delay": 1, "MaxAttempts": 5}
    )
    resource = TrainingJob.get(job, session=session, region=session.region_name)
    resource.wait(poll=1, timeout=30)
    assert resource.refresh().training_job_status == "Completed"
    mine = TrainingJob.get_all(name_contains="slipway-local-", session=session, region=session.region_name)
    assert job in [each.training_job_name for each in mine]
    command = [str(Path(sys.executable).parent / "aws"), "sagemaker", "describe-training-job",
               "--training-job-name", job]  # fmt: skip
    server = LocalAws(project.root).server()
    assert server is not None
    told = subprocess.run(command, env=client_environment(server), capture_output=True, check=True)
    told_of = json.loads(told.stdout)
    assert told_of["TrainingJobStatus"] == "Completed"
    assert [channel["ChannelName"] for channel in told_of["InputDataConfig"]] == ["train", "validation"]
    tags = session.client("sagemaker").list_tags(ResourceArn=told_of["TrainingJobArn"])["Tags"]
    assert {tag["Key"]: tag["Value"] for tag in tags} == {
        "Project": "slipway", "Stage": "local", "Model": "diabetes",
    }  # fmt: skip


def test_a_script_that_raises_is_told_with_its_last_lines(project: OwnProject) -> None:
    broken = ("--set", 'model.hyperparameters={broken="no such column"}')
    ended = project.train("slow", *broken, code=1)

    assert "E-TRAIN" in ended.stderr
    assert "ValueError: no such column" in ended.stderr
    assert not (project.root / "artifacts" / "slow").exists()


def test_a_wrong_hyperparameter_is_told_in_the_words_of_aws(project: OwnProject) -> None:
    ended = project.train("diabetes", "--set", "model.hyperparameters={num_round=5,eta=7}", code=1)

    why = ended.stderr.partition("failed   ")[2]
    assert why.count("UserError: Hyperparameter eta: 7.0 is not in [0, 1]") == 1  # once is enough
    assert project.jobs("diabetes")[0]["status"] == "Failed"


# Tells every address that anything in the process connects to.
LISTENING = """
import socket, sys
real = socket.socket.connect
def connect(self, address):
    print("CONNECTS", address[:2] if isinstance(address, tuple) else address, file=sys.stderr)
    return real(self, address)
socket.socket.connect = connect
from slipway.main import main
main(sys.argv[1:])
"""


def test_nobody_but_the_embedded_aws_is_spoken_to(project: OwnProject) -> None:
    ended = subprocess.run(
        [sys.executable, "-c", LISTENING, "train", "iris", "--on", "sagemaker"],
        cwd=project.root, env=project.environment(), capture_output=True, text=True, check=True,
    )  # fmt: skip

    said = {line for line in ended.stderr.splitlines() if line.startswith("CONNECTS")}
    assert said == {f"CONNECTS ('127.0.0.1', {project.port})"}
    assert "sagemaker" not in ended.stdout.lower()  # the SDK has loggers and panels of its own


WITHOUT_SDK = "import sys; sys.modules['sagemaker'] = None; from slipway.main import main; main(sys.argv[1:])"


@pytest.mark.parametrize("verb", [["train", "iris", "--on", "sagemaker"], ["batch", "iris", "rows.csv"]])
def test_without_the_sdk_the_way_to_it_is_told_and_the_rest_works(
    project: OwnProject, verb: list[str]
) -> None:
    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-c", WITHOUT_SDK, *arguments], cwd=project.root, env=project.environment(),
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    ended = run(*verb)

    assert ended.returncode == 1
    assert "E-TOOL-MISSING" in ended.stderr
    assert "make setup-sagemaker" in ended.stderr
    assert run("jobs").returncode == 0


def test_a_stage_is_for_jobs_alone(project: OwnProject) -> None:
    process = project.run("train", "iris", "--stage", "dev", code=2)

    assert "--on sagemaker" in process.stderr
