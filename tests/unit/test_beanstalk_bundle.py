"""What an environment of Elastic Beanstalk runs: complete, the same bytes every time, never half of it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import yaml

from model_code.serving.model import verified_manifest
from slipway.errors import PackageMissing, PackageTooLarge
from stacks.settings import ModelSettings, load_model
from tests.server.models import ModelFolder, model
from tests.server.more_models import boosted
from training.artifact import Artifact, write_artifact
from training.beanstalk_bundle import build_bundle, find_bundle
from training.packages import packages_of
from training.target_build import build_for_target

ROOT = Path(__file__).parents[2]
TOML = """
[model]
task = "classification"
data = "sklearn:iris"
label = "species"
[serve]
target = "beanstalk"
"""
HOOKS = [f".platform/{kind}/prebuild/01-registry-login.sh" for kind in ("confighooks", "hooks")]


def settings_of(root: Path, more: str = "") -> ModelSettings:
    (root / "model_code" / "irises" / "model.toml").write_text(TOML + more)
    return load_model(root, "irises")


def artifact_in(root: Path, found: ModelFolder | None = None, **more: bytes) -> Artifact:
    """A model in a project that has the serving code."""
    shutil.copy(ROOT / "stages.toml", root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "model_code" / "serving", root / "model_code" / "serving", ignore=ignored)
    (root / "model_code" / "irises").mkdir()
    found = found or model("logistic")
    files = {name: (found.path / name).read_bytes() for name in found.manifest["files"]}
    return write_artifact(root, "irises", {**files, **more}, found.manifest)


@pytest.fixture
def artifact(tmp_path: Path) -> Artifact:
    return artifact_in(tmp_path)


def compose_of(bundle: Path) -> dict[str, Any]:
    with zipfile.ZipFile(bundle) as zipped:
        return yaml.safe_load(zipped.read("docker-compose.yml"))


def unpacked(bundle: Path, folder: Path) -> Path:
    """A bundle as a machine unpacks it, with the modes that it names."""
    with zipfile.ZipFile(bundle) as zipped:
        for entry in zipped.infolist():
            Path(zipped.extract(entry, folder)).chmod(entry.external_attr >> 16)
    return folder


@pytest.mark.parametrize("found", [model("logistic"), model("forest"), boosted()], ids=lambda m: m.path.name)
def test_a_bundle_is_the_compose_file_the_hooks_and_the_verified_model(found, tmp_path):
    artifact = artifact_in(tmp_path, found)

    folder = unpacked(build_bundle(tmp_path, artifact, settings_of(tmp_path)), tmp_path / "unpacked")

    inside = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert {name for name in inside if not name.startswith("model/")} == {*HOOKS, "docker-compose.yml"}
    assert verified_manifest(folder / "model", artifact.manifest_sha256) == artifact.manifest


def test_the_one_container_can_write_nothing_and_become_nobody(artifact, tmp_path):
    services = compose_of(build_bundle(tmp_path, artifact, settings_of(tmp_path)))["services"]

    assert list(services) == ["model"]
    service = services["model"]
    assert service["image"] == "${SLIPWAY_IMAGE}"
    assert service["environment"] == {
        "SLIPWAY_MANIFEST_SHA256": artifact.manifest_sha256,
        "SLIPWAY_MODEL_VERSION": artifact.version,
    }
    assert (service["read_only"], service["tmpfs"], service["cap_drop"]) == (True, ["/tmp"], ["ALL"])
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["volumes"] == ["./model:/opt/ml/model:ro"]
    assert (service["ports"], service["env_file"], service["restart"]) == (["80:8080"], [".env"], "always")


def test_two_builds_give_equal_bytes_and_say_no_time(artifact, tmp_path):
    other = tmp_path / "another" / "folder"
    other.mkdir(parents=True)
    first = build_bundle(tmp_path, artifact, settings_of(tmp_path))

    again = build_bundle(other, artifact_in(other), settings_of(other))

    assert (first.name, first.read_bytes()) == (again.name, again.read_bytes())
    with zipfile.ZipFile(first) as zipped:
        entries = zipped.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {entry.date_time for entry in entries} == {(1980, 1, 1, 0, 0, 0)}
    executable = [entry.filename for entry in entries if entry.external_attr >> 16 == 0o100755]
    assert executable == HOOKS
    assert {entry.external_attr >> 16 for entry in entries} == {0o100755, 0o100644}


def test_synth_finds_what_was_built_and_nothing_is_built_twice(artifact, tmp_path):
    settings, told = settings_of(tmp_path), []

    built = build_bundle(tmp_path, artifact, settings, progress=told.append)

    assert told == [f"the source bundle {built.name} is 0.0 MB"]
    assert find_bundle(tmp_path, artifact, settings) == built
    assert build_bundle(tmp_path, artifact, settings, progress=told.append) == built
    assert len(told) == 1


def test_a_bundle_that_was_never_built_names_what_builds_it(artifact, tmp_path):
    with pytest.raises(PackageMissing) as error:
        find_bundle(tmp_path, artifact, settings_of(tmp_path))

    assert error.value.fix == "Run: slipway train irises"
    assert not packages_of(tmp_path).exists()


def test_training_builds_it_for_its_target_alone(artifact, tmp_path):
    elsewhere = TOML.replace("beanstalk", "sagemaker")
    (tmp_path / "model_code" / "irises" / "model.toml").write_text(elsewhere)
    build_for_target(tmp_path, load_model(tmp_path, "irises"), artifact)
    assert not packages_of(tmp_path).exists()

    build_for_target(tmp_path, settings_of(tmp_path), artifact)
    assert find_bundle(tmp_path, artifact, settings_of(tmp_path)).is_file()


def test_serving_code_is_in_the_image_and_another_model_is_another_bundle(artifact, tmp_path):
    settings = settings_of(tmp_path)
    built = build_bundle(tmp_path, artifact, settings)
    changed = tmp_path / "model_code" / "serving" / "model.py"
    changed.write_text(f"{changed.read_text()}\n# changed\n")
    assert find_bundle(tmp_path, artifact, settings) == built

    hooks = {"code/inference.py": b"def model_fn(d): ...\n"}
    own = write_artifact(tmp_path, "irises", hooks, artifact.manifest)
    with pytest.raises(PackageMissing):
        find_bundle(tmp_path, own, settings)
    with zipfile.ZipFile(build_bundle(tmp_path, own, settings)) as zipped:
        assert zipped.read("model/code/inference.py") == hooks["code/inference.py"]


def test_a_bundle_too_large_is_refused_with_the_figures_and_leaves_nothing(tmp_path):
    large = artifact_in(tmp_path, **{"large.bin": os.urandom(3 * 1024 * 1024)})

    with pytest.raises(PackageTooLarge) as error:
        build_bundle(tmp_path, large, settings_of(tmp_path), at_most=2 * 1024 * 1024)

    assert "3.0 MB; at most 2.0 MB is taken" in error.value.what
    assert [path.name for path in packages_of(tmp_path).iterdir()] == [".lock"]


def test_two_builders_at_once_make_one_whole_bundle(artifact, tmp_path):
    settings_of(tmp_path)
    code = (
        "import sys; from pathlib import Path\n"
        "from stacks.settings import load_model; from training.artifact import load_artifact\n"
        "from training.beanstalk_bundle import build_bundle\n"
        "root = Path(sys.argv[1])\n"
        "print(build_bundle(root, load_artifact(root, 'irises'), load_model(root, 'irises')).name)\n"
    )

    def build(_number: int) -> str:
        command = [sys.executable, "-c", code, str(tmp_path)]
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stdout

    with ThreadPoolExecutor(2) as pool:
        (name,) = set(pool.map(build, range(2)))

    assert {path.name for path in packages_of(tmp_path).iterdir()} == {name.strip(), ".lock"}
    with zipfile.ZipFile(packages_of(tmp_path) / name.strip()) as zipped:
        assert zipped.testzip() is None


def test_a_source_bundle_holds_the_build_context_instead_of_an_image(artifact, tmp_path):
    settings = settings_of(tmp_path, 'package = "source"\n')

    bundle = build_bundle(tmp_path, artifact, settings)

    service = compose_of(bundle)["services"]["model"]
    assert service.pop("build") == {
        "context": "image",
        "dockerfile": "serving/Dockerfile",
        "target": "server",
        "args": {"BASE_IMAGE": settings.serve.base_image, "ENGINE": "onnx"},
    }
    ready = compose_of(build_bundle(tmp_path, artifact, settings_of(tmp_path)))["services"]["model"]
    assert ready.pop("image") == "${SLIPWAY_IMAGE}"
    assert service == ready
    with zipfile.ZipFile(bundle) as zipped:
        names = zipped.namelist()
    assert {"image/serving/Dockerfile", "image/serving/server/app.py", "model/model.onnx"} <= set(names)
    assert not [name for name in names if "aws_lambda" in name or name.startswith(".platform")]


def test_what_a_source_bundle_builds_from_names_it(artifact, tmp_path):
    settings = settings_of(tmp_path, 'package = "source"\n')
    found = {build_bundle(tmp_path, artifact, settings).name}
    folder = tmp_path / "model_code" / "irises"
    (folder / "notes.txt").write_text("in no image")
    assert {find_bundle(tmp_path, artifact, settings).name} == found

    changed = tmp_path / "model_code" / "serving" / "model.py"
    changed.write_text(f"{changed.read_text()}\n# changed\n")
    found.add(build_bundle(tmp_path, artifact, settings).name)
    (folder / "requirements.txt").write_text("holidays==0.60\n")
    bundle = build_bundle(tmp_path, artifact, settings)
    found.add(bundle.name)

    assert len(found) == 3
    arguments = compose_of(bundle)["services"]["model"]["build"]["args"]
    assert arguments["EXTRA_REQUIREMENTS"] == "irises/requirements.txt"


def test_a_dockerfile_of_ones_own_is_built_to_its_end_with_programs_that_run(artifact, tmp_path):
    folder = tmp_path / "model_code" / "irises"
    (folder / "Dockerfile").write_text("FROM scratch\nCOPY irises/start.sh /\n")
    (folder / "start.sh").write_text("#!/bin/sh\n")
    settings = settings_of(tmp_path, 'package = "source"\n')
    plain = build_bundle(tmp_path, artifact, settings)
    (folder / "start.sh").chmod(0o755)

    bundle = build_bundle(tmp_path, artifact, settings)

    assert bundle.name != plain.name
    assert compose_of(bundle)["services"]["model"]["build"]["dockerfile"] == "irises/Dockerfile"
    assert "target" not in compose_of(bundle)["services"]["model"]["build"]
    image = unpacked(bundle, tmp_path / "unpacked") / "image"
    assert os.access(image / "irises" / "start.sh", os.X_OK)
    assert not (image / "irises" / "model.toml").exists()


@pytest.mark.parametrize(
    ("image", "logged_in"),
    [
        (
            "012345678901.dkr.ecr.eu-west-1.amazonaws.com/slipway-prod:0a1b",
            "ecr get-login-password --region eu-west-1\n"
            "login --username AWS --password-stdin 012345678901.dkr.ecr.eu-west-1.amazonaws.com secret\n",
        ),
        ("public.ecr.aws/docker/library/python:3.13-slim", ""),
        ("127.0.0.1:5000/slipway-local:0a1b", ""),
    ],
)
def test_a_hook_logs_docker_in_to_the_registry_of_the_image(artifact, tmp_path, image, logged_in):
    """With stand-ins for AWS's programs, which write down what they are called with."""
    folder = unpacked(build_bundle(tmp_path, artifact, settings_of(tmp_path)), tmp_path / "unpacked")
    programs, log = tmp_path / "programs", tmp_path / "log"
    programs.mkdir()
    log.touch()
    for name, lines in {
        "get-config": f"test \"$*\" = 'environment -k SLIPWAY_IMAGE' && echo {image}",
        "aws": f'echo "$*" >> {log}; echo secret',
        "docker": f'echo "$* $(cat)" >> {log}',
    }.items():
        (programs / name).write_text(f"#!/bin/sh\n{lines}\n")
        (programs / name).chmod(0o755)
    other, hook = (folder / name for name in HOOKS)
    assert hook.read_bytes() == other.read_bytes()
    hook.write_text(hook.read_text().replace("/opt/elasticbeanstalk/bin/get-config", "get-config"))

    path = f"{programs}:{os.environ['PATH']}"
    ended = subprocess.run([hook], env={"PATH": path}, capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (0, "")
    assert sorted(log.read_text().splitlines()) == sorted(logged_in.splitlines())
