"""The image of a function: the stage `lambda` of the Dockerfile, built from nothing but its context."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.images.engine import Engine
from stacks.image_build import build_of
from stacks.settings import load_settings
from tests.container.functions import MEMORY_MB, PLATFORM, artifact_of, event, run
from tests.server.models import model
from training.artifact import Artifact
from training.lambda_image import build_image_context

ROOT = Path(__file__).parents[2]
HANDLER = "serving.aws_lambda.handler.handler"


@pytest.fixture(scope="module")
def built(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, Artifact]]:
    """The image of a model, and its artifact."""
    root = tmp_path_factory.mktemp("project")
    for name in ("serving", "iris"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "model_code" / name, root / "model_code" / name, ignore=ignored)
    shutil.copy(ROOT / "stages.toml", root)
    toml = root / "model_code" / "iris" / "model.toml"
    before, _, _ = toml.read_text().partition("[serve]")
    toml.write_text(f'{before}[serve]\ntarget = "lambda"\npackage = "image"\n')
    (settings,) = load_settings(root, {"models": "iris"}).models
    artifact = artifact_of(root, model("logistic"))
    context = build_image_context(root, settings, artifact)
    build = build_of(settings, artifact.engine, "lambda")
    tag = f"localhost/slipway-test-{os.getpid()}/function"
    arguments = [f"--build-arg={name}={value}" for name, value in build.arguments.items()]
    try:
        engine.run(
            "build", "--platform", PLATFORM, "--tag", tag, "--target", build.target, *arguments,
            "--file", str(context / build.dockerfile), str(context), timeout_s=600,
        )  # fmt: skip
        yield tag, artifact
    finally:
        engine.run("rmi", "--force", tag, check=False)


def test_an_image_for_lambda_starts_the_runtime_client_with_our_handler(engine, built):
    told = json.loads(engine.run("image", "inspect", built[0]).stdout)[0]

    assert told["Config"]["Entrypoint"] == ["python", "-m", "awslambdaric"]
    assert told["Config"]["Cmd"] == [HANDLER]


def test_an_image_for_lambda_answers_golden_rows_shut_off_from_everything(engine, built):
    tag, artifact = built
    golden = artifact.manifest["golden"]

    ran = run(
        engine,
        tag,
        ["python", "-m", "awslambdaric", HANDLER],
        [{"slipway": "try"}, event("/predict", golden["rows"]), event("/predict", [[1, 2]])],
        memory_mb=MEMORY_MB["onnx"],
        options=[],
        variables={
            "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
            "SLIPWAY_MODEL_VERSION": artifact.version,
        },
    )

    assert len(ran.answers) == 3, ran.log
    tried, answered, refused = ran.answers
    assert tried["answers"] == golden["predictions"]
    assert json.loads(answered["body"]) == golden["predictions"]
    assert refused["statusCode"] == 400
    assert ran.writable == ["/tmp"]
    assert "telemetry" not in ran.log
