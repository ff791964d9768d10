"""The verbs and the plain CDK CLI, on a deployed project."""

import json
import shutil
import signal
import socket
import subprocess
import sys
import time

import pytest

from localaws.control import LocalAws
from slipway.ports import free_port
from stacks.settings import load_model
from tests.local.stacks.conftest import add_models_of_ones_own, make_project
from training.train import train


def run(deployed, *command, **options):
    return subprocess.run(
        command,
        cwd=deployed.project.root,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        **options,
    )


def slipway(deployed, *arguments, **options):
    return run(deployed, sys.executable, "-m", "slipway.main", *arguments, **options)


def cdk(deployed, *arguments):
    """Run the CDK CLI in a shell that has only what `slipway env` prints."""
    variables = slipway(deployed, "env").stdout
    home = str(deployed.project.root)
    return run(
        deployed,
        "bash",
        "-ec",
        f'eval "$ENV"; cdk {" ".join(arguments)}',
        env={"ENV": variables, "HOME": home},
    )


def test_status_outputs_and_predict_print_json_on_stdout_alone(deployed):
    status = json.loads(slipway(deployed, "status", "--json").stdout)
    outputs = json.loads(slipway(deployed, "outputs", "iris", "--json").stdout)
    predicted = json.loads(slipway(deployed, "predict", "iris", "6.5,3.0,5.2,2.0", "--json").stdout)

    assert {
        model["model"]: model["endpoint"] for model in status["models"] if model["target"] == "endpoint"
    } == dict.fromkeys(("breast_cancer", "flats", "iris"), "InService")
    assert outputs["EndpointName"] == "slipway-local-iris"
    assert predicted["predictions"] == ["virginica"]
    assert predicted["version"] == outputs["ModelVersion"]


def test_predict_reads_standard_input_and_a_file_with_its_header_in_any_order(deployed, tmp_path):
    file = tmp_path / "rows.csv"
    file.write_text("petal_width,petal_length,sepal_width,sepal_length\n2.0,5.2,3.0,6.5\n0.2,1.4,3.5,5.1\n")

    from_file = slipway(deployed, "predict", "iris", str(file))
    from_input = slipway(deployed, "predict", "iris", input="6.5,3.0,5.2,2.0\n5.1,3.5,1.4,0.2\n")

    assert from_file.stdout == from_input.stdout == "virginica\nsetosa\n"


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ("1,2,nan,4", ["petal_length", "not a finite number", "E-PREDICT"]),
        ("1,2", ["2 columns", "4 columns", "5 with a leading id"]),
    ],
)
def test_a_refused_row_is_told_with_row_and_column(deployed, row, words):
    ended = slipway(deployed, "predict", "iris", row)

    assert ended.returncode == 1
    assert not [word for word in words if word not in " ".join(ended.stderr.split())]


def test_doctor_finds_everything_well_after_training(tmp_path, default_port):
    project = make_project(tmp_path)
    train(project.root, load_model(project.root, "iris"))
    ended = subprocess.run(
        [sys.executable, "-m", "slipway.main", "doctor", "--json"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    checks = json.loads(ended.stdout)

    assert [check for check in checks if not check["ok"]] == []


def test_doctor_sees_a_model_whose_settings_changed_since_training(deployed):
    path = deployed.project.root / "model_code" / "flats" / "model.toml"
    before = path.read_text()
    path.write_text(before.replace("n_estimators = 5", "n_estimators = 6"))
    try:
        ended = slipway(deployed, "doctor")
    finally:
        path.write_text(before)

    assert ended.returncode == 3
    assert "model.toml changed since" in ended.stdout


def test_the_plain_cdk_cli_sees_no_difference_after_a_deploy(deployed):
    ended = cdk(deployed, "diff", "--all", "--no-notices")

    assert ended.returncode == 0, ended.stderr
    assert "Number of stacks with differences: 0" in ended.stdout + ended.stderr


def test_an_account_is_not_mixed_up_with_the_embedded_aws(deployed):
    ended = slipway(
        deployed, "deploy", "iris", "--stage", "dev", env={"AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    )

    assert ended.returncode == 2
    assert "this shell points at http://127.0.0.1:1" in " ".join(ended.stderr.split())


def test_a_verb_that_needs_the_embedded_aws_says_that_it_is_not_running(project, tmp_path):
    make_project(tmp_path)
    ended = subprocess.run(
        [sys.executable, "-m", "slipway.main", "predict", "iris", "1,2,3,4"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )

    assert ended.returncode == 1
    assert "E-LOCAL-NOT-RUNNING" in ended.stderr
    assert "slipway deploy" in ended.stderr


def test_destroy_needs_neither_artifacts_nor_model_folders(tmp_path):
    project = make_project(tmp_path)
    train(project.root, load_model(project.root, "iris"))

    def run_here(*arguments):
        command = [sys.executable, "-m", "slipway.main", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)

    try:
        assert run_here("deploy", "iris", "--port", str(free_port())).returncode == 0
        shutil.rmtree(tmp_path / "artifacts")
        shutil.rmtree(tmp_path / "model_code" / "iris")
        add_models_of_ones_own(tmp_path)  # never trained

        ended = run_here("destroy")
    finally:
        LocalAws(tmp_path).stop()

    assert ended.returncode == 0, ended.stderr
    assert "nothing left" in ended.stderr


def test_a_port_in_use_is_named_with_the_way_out(tmp_path):
    project = make_project(tmp_path)
    train(project.root, load_model(project.root, "iris"))
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        ended = subprocess.run(
            [sys.executable, "-m", "slipway.main", "deploy", "iris", "--port", str(port)],
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    assert ended.returncode == 1
    assert "E-PORT-IN-USE" in ended.stderr
    assert f"port {port}" in ended.stderr
    assert "--port" in ended.stderr


def test_logs_prints_what_the_containers_said_and_follows_until_it_is_interrupted(deployed):
    told = [json.loads(line) for line in slipway(deployed, "logs", "iris", "--json").stdout.splitlines()]
    shown = slipway(deployed, "logs", "iris", "-n", "1").stdout
    following = subprocess.Popen(
        [sys.executable, "-u", "-m", "slipway.main", "logs", "iris", "-f", "-n", "1", "--json"],
        cwd=deployed.project.root,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    event = {"timestamp": int(time.time() * 1000), "message": "a late line"}
    group, stream = told[-1]["group"], told[-1]["stream"]
    past = following.stdout.readline()
    deployed.aws.client("logs").put_log_events(logGroupName=group, logStreamName=stream, logEvents=[event])
    line = following.stdout.readline()
    following.send_signal(signal.SIGINT)
    rest, errors = following.communicate(timeout=30)

    assert [line["time_ms"] for line in told] == sorted(line["time_ms"] for line in told)
    assert group == "/aws/sagemaker/Endpoints/slipway-local-iris"
    assert told[-1]["message"] in shown
    assert json.loads(past) == told[-1]
    assert json.loads(line)["message"] == "a late line"
    assert (rest, errors, following.returncode) == ("", "", 0)


def test_a_log_that_a_target_does_not_have_is_refused(deployed):
    ended = slipway(deployed, "logs", "flats", "--log", "access")

    assert ended.returncode == 2
    assert "What serves flats has no access log" in ended.stderr


def test_an_endpoint_has_no_versions_to_go_back_to_and_says_how_to(deployed):
    ended = slipway(deployed, "rollback", "iris")

    assert ended.returncode == 2
    told = " ".join(ended.stderr.split())
    assert "SageMaker endpoint" in told and "--set serve.version=previous" in told
