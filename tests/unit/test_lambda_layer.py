"""Wheels for AWS's machine, by hash, whatever this machine is; and the build context of an image."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from slipway.errors import PackageFailed, PackageMissing
from stacks.settings import ModelSettings, load_model
from tests.server.models import model
from training.artifact import Artifact, write_artifact
from training.lambda_image import build_image_context, find_image_context
from training.lambda_layer import install
from training.target_build import build_for_target

ROOT = Path(__file__).parents[2]
SMALL = (ROOT / "model_code" / "serving" / "requirements-lambda-runtime.txt").read_bytes()
OWN = b"six>=1.16\n"


def settings_of(root: Path, serve: str) -> ModelSettings:
    toml = root / "model_code" / "iris" / "model.toml"
    before, _, _ = toml.read_text().partition("[serve]")
    toml.write_text(f"{before}[serve]\n{serve}\n")
    return load_model(root, "iris")


def artifact_in(root: Path) -> Artifact:
    found = model("logistic")
    files = {name: (found.path / name).read_bytes() for name in found.manifest["files"]}
    return write_artifact(root, "iris", files, found.manifest)


@pytest.mark.parametrize(("architecture", "machine"), [("x86_64", "x86_64"), ("arm64", "aarch64")])
def test_wheels_are_those_of_the_functions_processor_and_python(tmp_path, architecture, machine):
    install(tmp_path, SMALL, None, architecture, None)

    compiled = {path.name for path in tmp_path.rglob("*.so")}
    assert f"runtime_client.cpython-313-{machine}-linux-gnu.so" in compiled
    assert all(f"cpython-313-{machine}-linux-gnu" in name for name in compiled)


def test_a_persons_requirements_are_pinned_with_what_they_need_and_added(tmp_path):
    install(tmp_path, SMALL, OWN, "x86_64", None)

    told = (tmp_path / "slipway-requirements.txt").read_text()
    assert (tmp_path / "six.py").is_file()
    assert told.startswith(SMALL.decode())
    assert "six==" in told.removeprefix(SMALL.decode())
    assert "http" not in told
    assert not list(tmp_path.glob("*extra*"))


@pytest.mark.parametrize(
    ("pinned", "extra", "says"),
    [
        (b"six==1.17.0 --hash=sha256:" + b"0" * 64, None, "hash"),
        (SMALL, b"simplejson==1.0\n", "simplejson"),
        (SMALL, b"./a-folder-of-ones-own\n", "a-folder-of-ones-own"),
    ],
)
def test_what_cannot_be_had_is_refused_with_the_reason(tmp_path, pinned, extra, says):
    with pytest.raises(PackageFailed) as error:
        install(tmp_path, pinned, extra, "x86_64", None)

    assert says in error.value.why.lower()


def test_without_a_package_index_the_network_is_named(tmp_path, monkeypatch):
    monkeypatch.setenv("UV_OFFLINE", "1")
    monkeypatch.setenv("UV_CACHE_DIR", str(tmp_path / "cache"))
    (tmp_path / "layer").mkdir()

    with pytest.raises(PackageFailed) as error:
        install(tmp_path / "layer", SMALL, None, "x86_64", None)

    assert "package index can be reached" in error.value.fix


def test_a_build_context_is_the_serving_code_the_model_and_what_the_dockerfile_installs(project):
    artifact, settings = artifact_in(project), settings_of(project, 'target = "lambda"\npackage = "image"')
    with pytest.raises(PackageMissing, match="slipway train iris"):
        find_image_context(project, settings, artifact)

    context = build_image_context(project, settings, artifact)

    assert find_image_context(project, settings, artifact) == context
    files = {path.relative_to(context).as_posix() for path in context.rglob("*") if path.is_file()}
    assert {
        "serving/Dockerfile",
        "serving/requirements-onnx.txt",
        "serving/requirements-s3.txt",
        "serving/requirements-lambda-runtime.txt",
        "serving/server/app.py",
        "serving/aws_lambda/handler.py",
        "model/model.onnx",
        "model/code/manifest.json",
    } <= files
    assert not [name for name in files if name.startswith("iris/") or "sklearn" in name]


def test_a_model_folders_own_files_are_in_the_context_where_the_image_takes_them(project):
    artifact, settings = artifact_in(project), settings_of(project, 'target = "lambda"\npackage = "image"')
    plain = build_image_context(project, settings, artifact)
    (settings.folder / "requirements.txt").write_bytes(OWN)

    context = build_image_context(project, settings, artifact)

    assert context != plain
    assert (context / "iris" / "requirements.txt").read_bytes() == OWN
    assert not (context / "iris" / "train.py").exists()
    (settings.folder / "Dockerfile").write_text("FROM scratch\n")
    own = build_image_context(project, settings, artifact)
    assert (own / "iris" / "train.py").is_file()
    assert not (own / "iris" / "model.toml").exists()


def test_only_a_function_needs_a_package(project, monkeypatch):
    monkeypatch.setenv("UV", "/bin/false")
    artifact = artifact_in(project)
    shutil.rmtree(project / ".slipway", ignore_errors=True)

    build_for_target(project, settings_of(project, 'target = "sagemaker"'), artifact)
    assert not (project / ".slipway").exists()

    with pytest.raises(PackageFailed):
        build_for_target(project, settings_of(project, 'target = "lambda"'), artifact)
    assert not [path for path in (project / ".slipway" / "packages").iterdir() if path.name != ".lock"]
