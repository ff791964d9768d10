"""Finds out what a bundle describes, in the order in which the Docker platform looks."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from localaws.beanstalk.fleet import compose
from localaws.beanstalk.fleet.service import BadServiceError, Build, Service

_DOCKERRUN = "Dockerrun.aws.json"
_DEFAULT_PORT = 80
# The platform's own unit starts a container again that ended; a compose file has `restart` for it.
_RESTART = "always"


def read_service(folder: Path, properties: Mapping[str, str], process_port: int) -> Service:
    """Return the container that an unpacked bundle describes. Raises BadServiceError."""
    for name in compose.NAMES:
        if (folder / name).is_file():
            return compose.read(folder / name, properties, process_port)
    described = _dockerrun(folder / _DOCKERRUN) if (folder / _DOCKERRUN).is_file() else {}
    if (folder / "Dockerfile").is_file():
        port = _exposed(folder / "Dockerfile")
        build = Build(folder)
        return Service(None, build, port, environment=dict(properties), restart=_RESTART)
    if not described:
        raise BadServiceError(
            f"the source bundle has none of {compose.NAMES[0]}, Dockerfile and {_DOCKERRUN} at its root"
        )
    image = described.get("Image")
    wanted = image.get("Name") if isinstance(image, dict) else None
    if not isinstance(wanted, str) or not wanted:
        raise BadServiceError(f"{_DOCKERRUN} has no Image with a Name, and there is no Dockerfile")
    return Service(
        wanted, None, _port(described), environment=dict(properties), restart=_RESTART,
        command=_words(described, "Command"), entrypoint=_words(described, "Entrypoint"),
    )  # fmt: skip


def _dockerrun(file: Path) -> dict[str, Any]:
    try:
        described = json.loads(file.read_text(encoding="utf-8"))
    except (ValueError, OSError) as error:
        raise BadServiceError(f"{_DOCKERRUN} is no JSON: {error}") from error
    if not isinstance(described, dict) or str(described.get("AWSEBDockerrunVersion")) != "1":
        raise BadServiceError(f"{_DOCKERRUN}: without a docker-compose.yml, AWSEBDockerrunVersion must be 1")
    unknown = set(described) - {"AWSEBDockerrunVersion", "Image", "Ports", "Command", "Entrypoint", "Logging"}
    if unknown:
        raise BadServiceError(f"{_DOCKERRUN}: the embedded AWS does not know the key {sorted(unknown)[0]}")
    return described


def _port(described: Mapping[str, Any]) -> int:
    """Return the first port: the platform's proxy sends all requests to it."""
    try:
        return int(described["Ports"][0]["ContainerPort"])
    except (KeyError, IndexError, TypeError, ValueError):
        raise BadServiceError(f"{_DOCKERRUN} has no Ports with a ContainerPort") from None


def _words(described: Mapping[str, Any], key: str) -> tuple[str, ...] | None:
    return tuple(str(described[key]).split()) if described.get(key) else None


def _exposed(dockerfile: Path) -> int:
    found = re.findall(r"(?mi)^\s*EXPOSE\s+(\d+)", dockerfile.read_text(encoding="utf-8", errors="replace"))
    return int(found[0]) if found else _DEFAULT_PORT
