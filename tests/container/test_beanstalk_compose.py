"""A source bundle of Elastic Beanstalk: its compose file as it stands, run by this machine's engine."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import subprocess
import time
import zipfile
from collections.abc import Iterator
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from localaws.beanstalk.fleet import compose, container_form
from localaws.beanstalk.fleet.service import Service
from localaws.images.engine import Engine
from localaws.images.prebuilt import Place
from slipway.ports import free_port
from stacks.settings import load_model, load_settings
from tests.container.conftest import Container
from training.artifact import load_artifact
from training.beanstalk_bundle import build_bundle
from training.train import train

ROOT = Path(__file__).parents[2]
OWNER = f"test-{os.getpid()}"
ROW = b"[[5.1, 3.5, 1.4, 0.2]]"


@dataclass(frozen=True)
class Running:
    """A container of a bundle's compose file."""

    container: Container
    process: subprocess.Popen[bytes]
    port: int

    def connected(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A project with iris_forest, trained."""
    root = tmp_path_factory.mktemp("project")
    for name in ("serving", "iris_forest"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / "model_code" / name, root / "model_code" / name, ignore=ignored)
    shutil.copy(ROOT / "stages.toml", root)
    train(root, load_model(root, "iris_forest"))
    return root


def service_of(root: Path, folder: Path, package: str, image: str) -> Service:
    """The one service of a bundle, unpacked as on an instance and read with the environment's properties."""
    artifact = load_artifact(root, "iris_forest")
    given = {"models": "iris_forest", "iris_forest.serve.package": package}
    (model,) = load_settings(root, given).models
    with zipfile.ZipFile(build_bundle(root, artifact, model)) as zipped:
        zipped.extractall(folder)
    return compose.read(folder / "docker-compose.yml", {"SLIPWAY_IMAGE": image}, 80)


@pytest.fixture(scope="module")
def image(engine: Engine, root: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """What an instance builds of a source bundle."""
    build = service_of(root, tmp_path_factory.mktemp("source"), "source", "").build
    assert build is not None
    tag = f"localhost/slipway-test-{os.getpid()}/bundle"
    arguments = [f"--build-arg={name}={value}" for name, value in build.args.items()]
    try:
        engine.run(
            "build", "--platform", "linux/amd64", "--tag", tag, "--target", build.target, *arguments,
            "--file", str(build.context / build.dockerfile), str(build.context), timeout_s=600,
        )  # fmt: skip
        yield tag
    finally:
        engine.run("rmi", "--force", tag, check=False)


@pytest.fixture
def running(engine: Engine, image: str, root: Path, tmp_path: Path) -> Iterator[Running]:
    service = service_of(root, tmp_path / "bundle", "image", image)
    place = Place(tmp_path / "instance", free_port(), 2)
    assert service.image == image
    variables = {**service.environment, "AWS_ENDPOINT_URL": "http://127.0.0.1:1"}
    launch = container_form.launch(
        engine, OWNER, service.image, service, place, variables, own_server=True, release=lambda: None
    )
    arguments = list(launch.arguments)
    if engine.name == "podman":  # it puts file systems in memory over more than /tmp; docker does not
        arguments.insert(arguments.index("--read-only"), "--read-only-tmpfs=false")
    process = subprocess.Popen(arguments, env=dict(launch.environment))
    container = Container(engine, arguments[arguments.index("--name") + 1], image)
    try:
        deadline = time.monotonic() + 30
        while not answers(place.port):
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield Running(container, process, place.port)
    finally:
        subprocess.run(launch.cleanup, capture_output=True, check=False)
        process.wait(timeout=20)


def answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    with closing(connection), suppress(OSError):
        connection.request("GET", "/ping")
        return connection.getresponse().status == 200
    return False


def test_a_bundle_answers_shut_off_from_everything(running: Running):
    connection = running.connected()
    connection.request("POST", "/predict", ROW, {"Content-Type": "application/json"})
    answer = connection.getresponse()
    assert (answer.status, answer.read()) == (200, b"[0]")
    connection.request("GET", "/", headers={"Accept": "text/html"})
    page = connection.getresponse()
    assert (page.status, page.headers.get_content_type()) == (200, "text/html")
    assert b"iris_forest" in page.read()

    rights = json.loads(running.container.run("rights"))
    assert (rights["users"], rights["capabilities"]) == (["10001"], ["0000000000000000"])
    assert rights["writable"] == ["/tmp"]


def test_a_request_on_its_way_is_answered_as_the_container_is_stopped(running: Running):
    half = running.connected()
    half.putrequest("POST", "/predict")
    half.putheader("Content-Type", "application/json")
    half.putheader("Content-Length", str(len(ROW)))
    half.endheaders(ROW[:9])
    running.container.told("kill", "--signal", "TERM")
    half.send(ROW[9:])
    answer = half.getresponse()
    assert (answer.status, answer.read()) == (200, b"[0]")
    assert running.process.wait(timeout=20) == 0


def test_an_instance_builds_the_server_and_nothing_of_functions(engine: Engine, image: str):
    command = ["find", "/opt/slipway/serving", "-name", "*.py"]
    listed = engine.run("run", "--rm", "--network", "none", "--entrypoint", command[0], image, *command[1:])

    serving = ROOT / "model_code" / "serving"
    ours = {path.relative_to(serving).as_posix() for path in serving.rglob("*.py")}
    assert {line.removeprefix("/opt/slipway/serving/") for line in listed.stdout.split()} == {
        name for name in ours if not name.startswith("aws_lambda/")
    }
