"""Which engine is taken, what a definition says, and what stands without an engine."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from localaws.control import DOCKER
from localaws.errors import EngineMissingError, ImageError
from localaws.images.definition import DOCKERFILE, Definition
from localaws.images.engine import VARIABLE, find_engine
from localaws.images.registry_client import ImageUri
from localaws.images.registry_paths import claims, parse
from localaws.images.store import CONFIG, ImageStore
from tests.local.conftest import ROOT
from tests.local.published import context

PODMAN = {"host": {"cgroupControllers": ["memory"]}, "version": {"Version": "5.1.0"}}
SERVER = {"ServerVersion": "28.0.1", "MemoryLimit": False}
CLIENT_ALONE = {"ServerVersion": "", "ServerErrors": ["Cannot connect to the Docker daemon"]}


@pytest.fixture
def programs(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A PATH without any engine, and room for some: `install` writes one."""
    (tmp_path / "bin").mkdir()
    yield {"PATH": str(tmp_path / "bin")}


def install(programs: dict[str, str], name: str, info: object, code: int = 0) -> None:
    path = Path(programs["PATH"]) / name
    path.write_text(f"#!/bin/sh\necho '{json.dumps(info)}'\nexit {code}\n")
    path.chmod(0o755)


def test_podman_comes_before_docker(programs: dict[str, str]) -> None:
    install(programs, "docker", SERVER)
    install(programs, "podman", PODMAN)

    engine = find_engine(programs)

    assert engine is not None
    assert (engine.name, engine.version, engine.limits_memory) == ("podman", "5.1.0", True)


def test_a_client_without_its_engine_is_none(programs: dict[str, str]) -> None:
    install(programs, "docker", CLIENT_ALONE, code=1)
    assert find_engine(programs) is None

    other = {**programs, "ASKED": "again"}
    install(other, "docker", CLIENT_ALONE)  # older clients end with 0
    assert find_engine(other) is None


def test_the_variable_decides_and_one_that_does_not_answer_is_said(programs: dict[str, str]) -> None:
    install(programs, "docker", SERVER)

    assert find_engine({**programs, VARIABLE: "none"}) is None
    assert (engine := find_engine({**programs, VARIABLE: "docker"})) is not None
    assert (engine.version, engine.limits_memory) == ("28.0.1", False)
    with pytest.raises(EngineMissingError, match="no podman engine answers"):
        find_engine({**programs, VARIABLE: "podman"})
    with pytest.raises(EngineMissingError, match="not one of docker, podman, none"):
        find_engine({**programs, VARIABLE: "lxc"})


def test_the_projects_dockerfile_is_understood(tmp_path: Path) -> None:
    image = Definition(ROOT / "model_code", DOCKERFILE, {"ENGINE": "xgboost", "S3": "true"}, "server")

    image.check()

    assert [path.name for path in (image.recipe().requirements, *image.recipe().more)] == [
        "requirements-xgboost.txt",
        "requirements-s3.txt",
    ]
    assert image.variables()["PATH"] == "/opt/venv/bin:$PATH"
    assert image.variables()["OMP_NUM_THREADS"] == "1"
    assert "SM_MODEL_DIR" not in image.variables()


def test_the_stage_of_a_function_is_understood_as_well() -> None:
    image = Definition(ROOT / "model_code", DOCKERFILE, {"ENGINE": "onnx"}, "lambda")

    image.check()

    assert [path.name for path in image.recipe().more] == ["requirements-lambda-runtime.txt"]
    assert image.variables()["SM_MODEL_DIR"] == "/opt/ml/model"
    assert Definition.read(image.config(), image.folder) == image


@pytest.mark.parametrize("stage", ["", "function", "absent"])
def test_no_other_stage_of_the_projects_dockerfile_runs_as_a_process(stage: str) -> None:
    with pytest.raises(EngineMissingError):
        Definition(ROOT / "model_code", DOCKERFILE, {}, stage).check()


def test_a_dockerfile_of_ones_own_needs_an_engine(tmp_path: Path) -> None:
    folder = context(tmp_path / "context")
    (folder / "mine").mkdir()
    (folder / "mine" / "Dockerfile").write_text("FROM scratch\n")
    (folder / DOCKERFILE).write_text("FROM scratch\n")

    for name in ("mine/Dockerfile", DOCKERFILE):
        with pytest.raises(EngineMissingError) as error:
            Definition(folder, name, {}).check()
        assert error.value.what.startswith(f"{name} cannot be built: no container engine answers")
        assert "docker or podman" in error.value.fix


@pytest.mark.parametrize("name", ["../outside.txt", "mine/absent.txt"])
def test_requirements_outside_the_context_or_missing_are_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "outside.txt").write_text("six\n")
    folder = context(tmp_path / "context")

    with pytest.raises(ImageError, match="the build context has no"):
        Definition(folder, DOCKERFILE, {"EXTRA_REQUIREMENTS": name}).recipe()


def test_a_context_packs_to_the_same_bytes_whatever_its_times(tmp_path: Path) -> None:
    first, second = context(tmp_path / "a"), context(tmp_path / "b")
    os.utime(second / DOCKERFILE, (1, 1))
    (second / "serving" / "__pycache__").mkdir()
    (second / "serving" / "__pycache__" / "x.pyc").write_bytes(b"x")

    assert Definition(first, DOCKERFILE, {}).packed() == Definition(second, DOCKERFILE, {}).packed()


def test_a_model_folders_requirements_are_part_of_the_environments_name(tmp_path: Path) -> None:
    from localaws.environments import EnvironmentBuilder

    folder = context(tmp_path / "context")
    (folder / "mine").mkdir()
    (folder / "mine" / "requirements.txt").write_text("six\n")
    plain = Definition(folder, DOCKERFILE, {}).recipe()
    extra = Definition(folder, DOCKERFILE, {"EXTRA_REQUIREMENTS": "mine/requirements.txt"}).recipe()

    builder = EnvironmentBuilder(tmp_path)
    assert builder.path(plain) != builder.path(extra)


def test_ecrs_addresses_are_read() -> None:
    host = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
    digest = "sha256:" + "a" * 64

    assert ImageUri.parse(f"{host}/a/b:tag") == ImageUri("000000000000", "us-east-1", "a/b", "tag")
    assert ImageUri.parse(f"{host}/a@{digest}") == ImageUri("000000000000", "us-east-1", "a", digest)
    assert ImageUri.parse("docker.io/library/python:3.13") is None


@pytest.mark.parametrize(
    ("method", "path", "action"),
    [
        ("GET", "/v2/", ""),
        ("HEAD", f"/v2/a/b/blobs/sha256:{'0' * 64}", "ecr:BatchCheckLayerAvailability"),
        ("GET", f"/v2/a/blobs/sha256:{'0' * 64}", "ecr:GetDownloadUrlForLayer"),
        ("POST", "/v2/a/blobs/uploads/", "ecr:InitiateLayerUpload"),
        ("PATCH", "/v2/a/blobs/uploads/0f", "ecr:UploadLayerPart"),
        ("PUT", "/v2/a/manifests/tag", "ecr:PutImage"),
        ("GET", "/v2/a/manifests/tag", "ecr:BatchGetImage"),
    ],
)
def test_each_address_of_the_registry_asks_for_a_right(method: str, path: str, action: str) -> None:
    target = parse(method, path)

    assert claims(path)
    assert target is not None
    assert target.action == action


@pytest.mark.parametrize(
    ("method", "path"),
    [("DELETE", "/v2/a/manifests/tag"), ("GET", "/v2/_catalog"), ("GET", "/v2/A/manifests/tag"),
     ("GET", "/v2/a/blobs/../../secret")],
)  # fmt: skip
def test_what_ecr_does_not_have_reaches_no_other_registry(method: str, path: str) -> None:
    assert claims(path)
    assert parse(method, path) is None


def test_an_api_of_another_service_below_v2_is_left_alone() -> None:
    assert not claims("/v2/apis/abc")
    assert not claims("/v2/email/identities")


def saved(config: bytes, layer: bytes) -> io.BytesIO:
    """What `docker save` writes of an image of one layer."""
    listing = [{"Config": "c.json", "RepoTags": [], "Layers": ["l.tar"]}]
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w") as tar:
        for name, data in (
            ("l.tar", layer),
            ("c.json", config),
            ("manifest.json", json.dumps(listing).encode()),
        ):
            entry = tarfile.TarInfo(name)
            entry.size = len(data)
            tar.addfile(entry, io.BytesIO(data))
    content.seek(0)
    return content


def test_a_saved_image_is_kept_as_a_manifest_that_sagemaker_takes(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)

    manifest = json.loads(store.add_image("tag", saved(b"{}", b"layer")))

    digest = "sha256:" + hashlib.sha256(b"layer").hexdigest()
    assert manifest["mediaType"] == "application/vnd.docker.distribution.manifest.v2+json"
    assert manifest["config"]["mediaType"] == CONFIG
    assert [(layer["digest"], layer["size"]) for layer in manifest["layers"]] == [(digest, 5)]
    assert store.blob(digest).read_bytes() == b"layer"


def test_the_newest_builds_are_kept_and_no_blob_of_older_ones(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    for number in range(6):
        store.add_image(f"tag-{number}", saved(b'{"n": %d}' % number, b"layer %d" % number))
        for path in (tmp_path / "blobs").iterdir():
            os.utime(path, (number, number))  # old enough to go
        os.utime(tmp_path / "built" / f"tag-{number}", (number, number))
    store.add_image("newest", saved(b"{}", b"layer"))

    assert store.find("tag-0") is None
    assert store.find("newest") is not None
    kept = len(list((tmp_path / "built").iterdir()))
    assert len(list((tmp_path / "blobs").iterdir())) == 2 * kept


def test_a_build_whose_blobs_are_gone_is_built_again(tmp_path: Path) -> None:
    store = ImageStore(tmp_path)
    manifest = json.loads(store.add_image("tag", saved(b"{}", b"layer")))

    store.blob(manifest["layers"][0]["digest"]).unlink()

    assert store.find("tag") is None


def test_the_program_for_cdk_is_executable() -> None:
    assert os.access(DOCKER, os.X_OK)
