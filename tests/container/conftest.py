"""The image of our own server, built by this machine's engine and run as shut off as it can be."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from localaws.images.engine import Engine, find_engine
from slipway.local_server import build_image
from slipway.story import Story
from stacks.settings import load_settings
from tests.server.models import ModelFolder, model

ROOT = Path(__file__).parents[2]
MEMORY_MB = 512
INSIDE = Path(__file__).with_name("inside")


@dataclass(frozen=True)
class Container:
    """A container that runs."""

    engine: Engine
    name: str
    image: str

    def run(self, program: str, *arguments: str, given: str = "") -> str:
        """Run a program of inside/ as the image's user, and return what it prints."""
        code = (INSIDE / f"{program}.py").read_text()
        command = [self.engine.program, "exec", "--interactive", self.name, "python", "-c", code, *arguments]
        done = subprocess.run(command, input=given, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def ask(self, method: str, path: str, row: str = "", times: int = 1) -> tuple[int, Any, str, int]:
        """Send a request from inside: status, headers, the first of the answer, and how long it is."""
        return tuple(json.loads(self.run("ask", method, path, "2000", str(times), given=row)))

    def beside(self, program: str) -> subprocess.Popen[str]:
        """Run a program of inside/ in a container that shares nothing but the loopback device."""
        tests = f"type=bind,source={ROOT / 'tests'},target=/opt/project/tests,readonly"
        return subprocess.Popen(
            [self.engine.program, "run", "--rm", "--network", f"container:{self.name}", "--mount", tests,
             "--env", "PYTHONPATH=/opt/project", "--name", f"{self.name}-clients",
             "--entrypoint", "python", self.image, "-c", (INSIDE / f"{program}.py").read_text()],
            stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True,
        )  # fmt: skip

    def told(self, *arguments: str) -> str:
        """Ask the engine about this container."""
        return self.engine.run(*arguments, self.name).stdout.strip()


@pytest.fixture(scope="session")
def engine() -> Engine:
    found = find_engine()
    if found is None:
        pytest.skip("no podman and no docker answers on this machine")
    return found


@pytest.fixture(scope="session")
def images(engine: Engine, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The images of two engines, from nothing but model.toml."""
    scratch = tmp_path_factory.mktemp("build")
    digits = next(m for m in load_settings(ROOT, {"models": "digits"}).models if m.name == "digits")
    tags = {kind: f"localhost/slipway-test-{os.getpid()}/{kind}" for kind in ("onnx", "sklearn")}
    try:
        for kind, tag in tags.items():
            build_image(digits, kind, engine, scratch, tag, Story())
        yield tags
    finally:
        engine.run("rmi", "--force", *tags.values(), check=False)


@contextmanager
def running(engine: Engine, image: str, found: ModelFolder, workers: int = 2) -> Iterator[Container]:
    """Start the image as SageMaker does, without a network, with nothing to write and with little memory."""
    container = Container(engine, f"slipway-test-{os.getpid()}", image)
    # podman puts file systems in memory over /tmp and others when the real one is read-only; docker does not.
    nowhere = ["--read-only-tmpfs=false"] if engine.name == "podman" else []
    memory = f"{MEMORY_MB}m"
    engine.run(
        "run", "--detach", "--name", container.name, "--network", "none", "--read-only", *nowhere,
        *(("--memory", memory, "--memory-swap", memory) if engine.limits_memory else ()),
        "--cap-drop", "ALL", "--security-opt", "no-new-privileges",
        "--mount", f"type=bind,source={found.path},target=/opt/ml/model,readonly",
        "--env", f"SLIPWAY_MANIFEST_SHA256={found.sha256}", "--env", "SLIPWAY_MODEL_VERSION=0123456789ab",
        "--env", f"SAGEMAKER_MODEL_SERVER_WORKERS={workers}", image, "serve",
    )  # fmt: skip
    try:
        yield container
    finally:
        engine.run("rm", "--force", f"{container.name}-clients", check=False)
        engine.run(*engine.removal(container.name)[1:], check=False)


@pytest.fixture
def container(engine: Engine, images: dict[str, str]) -> Iterator[Container]:
    with running(engine, images["onnx"], model("logistic")) as found:
        yield found
