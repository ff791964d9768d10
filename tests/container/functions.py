"""Functions as AWS Lambda runs them: read-only but for /tmp, without a network, in their memory."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from localaws.images.engine import Engine
from tests.container.conftest import INSIDE
from tests.server.models import ModelFolder
from training.artifact import Artifact, write_artifact

ARCHITECTURE = "arm64" if platform.machine() in ("arm64", "aarch64") else "x86_64"
PLATFORM = {"arm64": "linux/arm64", "x86_64": "linux/amd64"}[ARCHITECTURE]
MEMORY_MB = {"onnx": 256, "sklearn": 512}


@dataclass(frozen=True)
class Ran:
    """What a function answered, what its process held, and where it could write."""

    answers: list[Any]
    held_mb: float
    writable: list[str]
    log: str


def artifact_of(root: Path, found: ModelFolder) -> Artifact:
    """Package a model folder of the tests."""
    files = {name: (found.path / name).read_bytes() for name in found.manifest["files"]}
    engine = {**found.manifest["engine"], "agreement": {"tolerance": 1e-5}}
    return write_artifact(root, "irises", files, {**found.manifest, "engine": engine})


def mounts(places: Mapping[str, Path]) -> list[str]:
    """Return what puts folders into a container, for any user there to read, by where they are there."""
    for folder in places.values():
        folder.chmod(0o755)
    return [f"--mount=type=bind,source={here},target={there},readonly" for there, here in places.items()]


def event(path: str, body: object, **headers: str) -> dict[str, Any]:
    """An event of a REST API's proxy integration."""
    return {
        "resource": path,
        "path": path,
        "httpMethod": "POST",
        "headers": {"Content-Type": "application/json", **headers},
        "multiValueHeaders": None,
        "queryStringParameters": None,
        "requestContext": {"requestId": "0a1b2c", "stage": "test"},
        "body": json.dumps(body),
        "isBase64Encoded": False,
    }


def run(
    engine: Engine,
    image: str,
    command: Sequence[str],
    events: Sequence[Any],
    *,
    memory_mb: int,
    options: Sequence[str],
    variables: dict[str, str],
) -> Ran:
    """Run a function in a container and give it events.

    Args:
        engine: docker or podman.
        image: the image; its entrypoint is replaced by a Runtime API that starts the command.
        command: what AWS would start.
        events: given one by one.
        memory_mb: the function's.
        options: more of `run`, such as mounts.
        variables: the function's environment.
    """
    nowhere = ["--read-only-tmpfs=false"] if engine.name == "podman" else []
    limit = ["--memory", f"{memory_mb}m", "--memory-swap", f"{memory_mb}m"] if engine.limits_memory else []
    done = subprocess.run(
        [engine.program, "run", "--rm", "--interactive", "--network", "none", "--read-only", *nowhere, *limit,
         "--platform", PLATFORM, "--name", f"slipway-function-{os.getpid()}", "--tmpfs", "/tmp",
         "--cap-drop", "ALL", "--security-opt", "no-new-privileges", "--user", "993:990", *options,
         *(part for name, value in variables.items() for part in ("--env", f"{name}={value}")),
         "--entrypoint", "python3", image, "-c", (INSIDE / "runtime_api.py").read_text(), *command],
        input=json.dumps(events), env=dict(engine.environment), capture_output=True, text=True,
        timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    return Ran(told["answers"], told["held_kb"] / 1024, told["writable"], done.stderr)
