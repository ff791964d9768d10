"""The package for AWS, with AWS's Python and runtime client, as nothing else of this machine has it."""

from __future__ import annotations

import json
import shutil
import zipfile
from pathlib import Path

import pytest

from stacks.serve_settings import ServeSection
from tests.container.functions import ARCHITECTURE, MEMORY_MB, PLATFORM, artifact_of, event, mounts, run
from tests.server.models import model
from training.lambda_layer import install
from training.lambda_package import build_package

ROOT = Path(__file__).parents[2]
SERVING = ROOT / "model_code" / "serving"
BASE = "public.ecr.aws/docker/library/python:3.13-slim"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """AWS's runtime interface client, which /var/runtime has there."""
    folder = tmp_path_factory.mktemp("runtime")
    install(folder, (SERVING / "requirements-lambda-runtime.txt").read_bytes(), None, ARCHITECTURE, None)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project that has this one's serving code."""
    root = tmp_path_factory.mktemp("project")
    shutil.copytree(SERVING, root / "model_code" / "serving", ignore=shutil.ignore_patterns("__pycache__"))
    return root


@pytest.mark.parametrize(
    ("kind", "engine_name"), [("logistic", "onnx"), ("regression", "onnx"), ("forest", "sklearn")]
)
def test_the_package_answers_golden_rows_on_the_python_of_aws(
    engine, runtime, project, tmp_path, kind, engine_name
):
    found = model(kind)
    artifact = artifact_of(project, found)
    package = build_package(project, artifact, ServeSection(target="lambda", architecture=ARCHITECTURE))
    for archive, folder in ((package.code, tmp_path / "task"), (package.layer, tmp_path / "opt")):
        with zipfile.ZipFile(archive) as zipped:
            zipped.extractall(folder)
    places = {"/var/task": tmp_path / "task", "/opt": tmp_path / "opt", "/var/runtime": runtime}
    rows, expected = found.manifest["golden"]["rows"], found.manifest["golden"]["predictions"]

    ran = run(
        engine,
        BASE,
        ["python3", "-m", "awslambdaric", "serving.aws_lambda.handler.handler"],
        [{"slipway": "try"}, event("/predict", rows), event("/predict", [["x"] * 4])],
        memory_mb=MEMORY_MB[engine_name],
        options=[*mounts(places), "--workdir", "/var/task"],
        variables={
            "LAMBDA_TASK_ROOT": "/var/task",
            "PYTHONPATH": "/var/task:/opt/python:/var/runtime",
            "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
            "SLIPWAY_MODEL_VERSION": artifact.version,
        },
    )

    assert len(ran.answers) == 3, ran.log
    tried, answered, refused = ran.answers
    assert "version" in tried, tried
    assert (tried["version"], tried["expected"]) == (artifact.version, expected), ran.log
    same = [pytest.approx(e, abs=1e-5) if isinstance(e, float) else e for e in expected]
    assert tried["answers"] == same
    assert answered["statusCode"] == 200
    assert json.loads(answered["body"]) == same
    assert (refused["statusCode"], json.loads(refused["body"])["error"]["row"]) == (400, 1)
    assert "telemetry" not in ran.log  # ONNX Runtime says so where it cannot keep an id of this machine
    assert ran.writable == ["/tmp"]
    assert ran.held_mb < MEMORY_MB[engine_name] * 0.75


def test_a_python_of_another_version_is_not_what_ran(engine):
    told = engine.run("run", "--rm", "--platform", PLATFORM, BASE, "python3", "--version").stdout

    assert told.startswith("Python 3.13.")
