"""What a function is made of: complete, small, the same bytes every time, and never half of it."""

from __future__ import annotations

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from model_code.serving.model import verified_manifest
from slipway.errors import PackageMissing, PackageTooLarge
from stacks.serve_settings import ServeSection
from tests.server.models import model
from training.artifact import Artifact, write_artifact
from training.lambda_layer import find_python
from training.lambda_package import LambdaPackage, build_package, find_package
from training.packages import packages_of
from training.zip_files import unpacked_bytes

ROOT = Path(__file__).parents[2]
SERVING = ROOT / "model_code" / "serving"
SERVE = ServeSection(target="lambda")
MB = 1024 * 1024


def artifact_in(root: Path, **more: bytes) -> Artifact:
    """An artifact of a logistic regression, in a project that has the serving code."""
    found = model("logistic")
    shutil.copytree(
        SERVING,
        root / "model_code" / "serving",
        ignore=shutil.ignore_patterns("__pycache__"),
        dirs_exist_ok=True,
    )
    files = {name: (found.path / name).read_bytes() for name in found.manifest["files"]}
    return write_artifact(root, "irises", {**files, **more}, found.manifest)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("project")


@pytest.fixture(scope="module")
def artifact(root: Path) -> Artifact:
    return artifact_in(root)


@pytest.fixture(scope="module")
def package(root: Path, artifact: Artifact) -> LambdaPackage:
    return build_package(root, artifact, SERVE)


@pytest.fixture
def copy(root: Path, package: LambdaPackage, tmp_path: Path) -> Path:
    """The project with its package, to be changed."""
    return Path(shutil.copytree(root, tmp_path / "copy"))


@pytest.fixture
def no_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    """A uv that fails whatever it is asked, so that nothing can be installed."""
    monkeypatch.setenv("UV", "/bin/false")


def names(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as zipped:
        return zipped.namelist()


def test_the_code_is_the_serving_runtime_without_servers_and_the_verified_model(package, artifact, tmp_path):
    with zipfile.ZipFile(package.code) as zipped:
        zipped.extractall(tmp_path)

    inside = names(package.code)
    assert {"serving/aws_lambda/handler.py", "serving/doors/served.py", "serving/model.py"} <= set(inside)
    assert not [name for name in inside if name.startswith("serving/server/") or "requirements" in name]
    manifest = verified_manifest(tmp_path / "model", artifact.manifest_sha256)
    assert manifest == artifact.manifest


def test_the_layer_says_which_pinned_file_it_came_from(package):
    with zipfile.ZipFile(package.layer) as zipped:
        told = zipped.read("python/slipway-requirements.txt")

    assert told == (SERVING / "requirements-lambda-onnx.txt").read_bytes()
    assert b"--hash=sha256:" in told
    assert b"http" not in told


def test_a_package_is_small_and_holds_nothing_that_no_function_needs(package):
    assert unpacked_bytes(package.code, package.layer) < 150 * MB
    assert package.code.stat().st_size + package.layer.stat().st_size < 50 * MB
    parts = [name.split("/") for name in names(package.layer)]
    assert not [p for p in parts if {"tests", "include", "bin"} & set(p[:-1]) or p[-1].endswith(".pyi")]
    found = {part[1] for part in parts if not part[1].endswith(".dist-info")}
    assert found == {"numpy", "numpy.libs", "onnxruntime", "slipway-requirements.txt"}


@pytest.mark.skipif(find_python() is None, reason="no interpreter of the function's Python on PATH")
def test_packages_are_bytecode_that_no_time_of_a_file_makes_stale(package):
    with zipfile.ZipFile(package.layer) as zipped:
        assert not [name for name in zipped.namelist() if name.endswith(".py")]
        header = zipped.read("python/numpy/__init__.pyc")[:8]
    with zipfile.ZipFile(package.code) as zipped:
        code = zipped.read("serving/__pycache__/model.cpython-313.pyc")

    for found in (header, code):
        assert int.from_bytes(found[4:8], "little") == 0b01  # by hash, and the source is not looked at
    assert b"/var/task/serving/model.py" in code


def test_two_builds_give_equal_bytes_and_say_no_time(package, artifact, tmp_path):
    other = tmp_path / "another" / "folder"
    again = build_package(other, artifact_in(other), SERVE)

    for first, second in ((package.code, again.code), (package.layer, again.layer)):
        assert first.name == second.name
        digests = {hashlib.sha256(path.read_bytes()).hexdigest() for path in (first, second)}
        assert len(digests) == 1
        with zipfile.ZipFile(first) as zipped:
            entries = zipped.infolist()
        assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
        seen = {(entry.date_time, entry.external_attr >> 16) for entry in entries}
        assert seen == {((1980, 1, 1, 0, 0, 0), 0o100644)}


def test_synth_finds_what_was_built_and_nothing_is_installed_twice(root, artifact, package, no_uv):
    told = []

    assert find_package(root, artifact, SERVE) == package
    assert build_package(root, artifact, SERVE, progress=told.append) == package
    assert told == []


def test_a_package_that_was_never_built_names_what_builds_it(tmp_path):
    artifact = artifact_in(tmp_path)

    with pytest.raises(PackageMissing) as error:
        find_package(tmp_path, artifact, SERVE)

    assert error.value.fix == "Run: slipway train irises"
    assert not packages_of(tmp_path).exists()


def test_another_processor_is_another_package(copy, artifact):
    with pytest.raises(PackageMissing):
        find_package(copy, artifact, ServeSection(target="lambda", architecture="arm64"))


def test_changed_serving_code_builds_the_code_anew_and_leaves_the_layer(copy, artifact, package, no_uv):
    changed = copy / "model_code" / "serving" / "model.py"
    changed.write_text(f"{changed.read_text()}\n# changed\n")
    with pytest.raises(PackageMissing):
        find_package(copy, artifact, SERVE)

    again = build_package(copy, artifact, SERVE)

    assert again.layer.name == package.layer.name
    assert again.code.name != package.code.name


def test_a_package_too_large_for_lambda_is_refused_with_the_way_out_and_leaves_nothing(copy, no_uv):
    large = artifact_in(copy, **{"large.bin": bytes(180 * MB)})
    before = sorted(packages_of(copy).iterdir())

    with pytest.raises(PackageTooLarge) as error:
        build_package(copy, large, SERVE)

    assert 'package = "image"' in error.value.fix
    assert sorted(packages_of(copy).iterdir()) == before
    with pytest.raises(PackageMissing):
        find_package(copy, large, SERVE)


def test_a_killed_build_leaves_nothing_that_looks_whole_and_the_next_one_cleans_up(copy, artifact, package):
    (packages_of(copy) / package.code.name).unlink()
    code = (
        "import os, signal, sys; from pathlib import Path\n"
        "from stacks.serve_settings import ServeSection; from training.artifact import load_artifact\n"
        "from training import lambda_package\n"
        "def told(line): os.kill(os.getpid(), signal.SIGKILL)\n"
        "root = Path(sys.argv[1]); serve = ServeSection(target='lambda')\n"
        "lambda_package.build_package(root, load_artifact(root, 'irises'), serve, progress=told)\n"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, str(copy)], env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert ended.returncode == -signal.SIGKILL
    assert list(packages_of(copy).glob(".new-*"))
    with pytest.raises(PackageMissing):
        find_package(copy, artifact, SERVE)

    built = build_package(copy, artifact, SERVE)

    assert built.code.read_bytes() == package.code.read_bytes()
    assert not list(packages_of(copy).glob(".new-*"))


def test_a_model_in_s3_is_not_in_the_package_and_without_the_functions_python_there_are_sources(
    root, artifact, package, monkeypatch
):
    monkeypatch.setenv("UV", str(Path(sys.executable).with_name("uv")))
    monkeypatch.setenv("PATH", "/nowhere")
    told = []

    built = build_package(
        root, artifact, ServeSection(target="lambda", model_source="s3"), progress=told.append
    )

    assert not [name for name in names(built.code) if name.startswith("model/")]
    services = {name.split("/")[3] for name in names(built.layer) if "/botocore/data/" in name}
    assert {name for name in services if "." not in name} == {"s3"}
    assert built.layer.name.endswith("-source.zip")
    assert "python/numpy/__init__.py" in names(built.layer)
    assert not [name for name in names(built.code) + names(built.layer) if name.endswith(".pyc")]
    assert any("no python3.13 on PATH" in line for line in told)
