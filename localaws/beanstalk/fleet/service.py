"""The one container that a bundle describes."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


class BadServiceError(Exception):
    """The bundle does not say what to run, or says what cannot run; the text tells which."""


@dataclass(frozen=True)
class Mount:
    """A folder or file of the bundle, and where the container sees it."""

    source: Path
    target: str
    read_only: bool


@dataclass(frozen=True)
class Build:
    """An image that is built on the instance. `context` is a folder of the bundle."""

    context: Path
    dockerfile: str = "Dockerfile"
    args: Mapping[str, str] = field(default_factory=dict)
    target: str = ""


@dataclass(frozen=True)
class Service:
    """`port` is the container's behind the port of the instance that the load balancer asks.

    `name` is the compose file's, "" without one. `grace_s` is the time between SIGTERM and SIGKILL, in
    seconds, by default Docker's.

    `restart` is Docker's policy: no, always, unless-stopped or on-failure. None leaves the image's own
    command, entry point and user.
    """

    image: str | None
    build: Build | None
    port: int | None
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: tuple[Mount, ...] = ()
    command: tuple[str, ...] | None = None
    entrypoint: tuple[str, ...] | None = None
    restart: str = "no"
    user: str | None = None
    working_directory: str | None = None
    read_only: bool = False
    tmpfs: tuple[str, ...] = ()
    cap_drop: tuple[str, ...] = ()
    cap_add: tuple[str, ...] = ()
    security_opt: tuple[str, ...] = ()
    init: bool = False
    name: str = ""
    grace_s: float = 10.0
