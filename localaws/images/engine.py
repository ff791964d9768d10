"""Which container engine this machine has, and what is asked of it. Standard library only.

`$SLIPWAY_ENGINE` (docker, podman or none) decides; without it podman comes first, then docker. A client
alone is no engine: only one whose engine answers counts.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from localaws.errors import EngineMissingError

VARIABLE = "SLIPWAY_ENGINE"
LABEL = "slipway.state"
_NAMES = ("podman", "docker")
_MEMORY = "engine.json"
_ASKED_S = 20  # for the engine's answer; a daemon that hangs is none


@dataclass(frozen=True)
class Engine:
    """A container engine that answers. `environment` is what its client needs: a path, a home, a host."""

    name: str
    version: str
    program: str
    limits_memory: bool
    environment: tuple[tuple[str, str], ...]

    def run(
        self, *arguments: str, timeout_s: float = 120, check: bool = True
    ) -> subprocess.CompletedProcess[str]:
        """Run one command of the client and return what it printed."""
        return subprocess.run(
            [self.program, *arguments], env=dict(self.environment), stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=timeout_s, check=check,
        )  # fmt: skip

    def containers(self, owner: str) -> list[str]:
        """Return the names of the containers of one embedded AWS, ended ones included."""
        listed = self.run("ps", "--all", "--filter", f"label={LABEL}={owner}", "--format", "{{.Names}}")
        return listed.stdout.split()

    def images(self, owner: str) -> list[str]:
        """Return the images of one embedded AWS as `repository:tag`."""
        command = ("images", "--format", "{{.Repository}}:{{.Tag}}")
        listed = self.run(*command, check=False)
        if listed.returncode:
            listed = self.run(*command)  # podman's fails where an image is removed while it reads
        # Not by --filter: podman lists all names of an image that one of them matches, a base image's too.
        return [name for name in listed.stdout.split() if name.startswith(f"{repository(owner)}:")]

    def removal(self, *names: str) -> tuple[str, ...]:
        """Return the command that ends containers at once and removes them."""
        at_once = ("--time", "0") if self.name == "podman" else ()  # docker's does not wait
        return (self.program, "rm", "--force", *at_once, *names)

    def held(self, owner: str) -> list[str]:
        """Return all containers and images of one embedded AWS."""
        try:
            return [*self.containers(owner), *self.images(owner)]
        except (OSError, subprocess.SubprocessError) as error:
            return [f"{self.name} does not answer: {error}"]

    def remove_all(self, owner: str) -> list[str]:
        """Remove the containers and images of one embedded AWS, and nothing else; return what is left."""
        with suppress(OSError, subprocess.SubprocessError):
            if names := self.containers(owner):
                self.run(*self.removal(*names)[1:])
            if images := self.images(owner):
                self.run("rmi", "--force", *images)
        return self.held(owner)


def owner_of(state: Path) -> str:
    """Return what marks the containers and images of the embedded AWS with this state folder."""
    return hashlib.sha256(str(state).encode()).hexdigest()[:12]


def repository(owner: str) -> str:
    """Return what one embedded AWS's images are called in the engine; their tags tell them apart."""
    return f"localhost/slipway-{owner}/image"


def find_engine(environment: Mapping[str, str] = os.environ) -> Engine | None:
    """Return the engine to use, or None where there is none. Asked once a process.

    Raises EngineMissingError where the variable names one that does not answer.
    """
    return _found(tuple(sorted(environment.items())))


@cache
def _found(variables: tuple[tuple[str, str], ...]) -> Engine | None:
    environment = dict(variables)
    wanted = environment.get(VARIABLE, "")
    if wanted == "none":
        return None
    if wanted and wanted not in _NAMES:
        raise EngineMissingError(f"{VARIABLE}={wanted} is not one of docker, podman, none")
    for name in (wanted,) if wanted else _NAMES:
        if (program := shutil.which(name, path=environment.get("PATH"))) and (
            engine := _asked(name, program, variables)
        ):
            return engine
    if wanted:
        raise EngineMissingError(f"{VARIABLE}={wanted}, and no {wanted} engine answers")
    return None


def _asked(name: str, program: str, variables: tuple[tuple[str, str], ...]) -> Engine | None:
    try:
        answer = subprocess.run(
            [program, "info", "--format", "json" if name == "podman" else "{{json .}}"],
            env=dict(variables), stdin=subprocess.DEVNULL, capture_output=True, timeout=_ASKED_S, check=True,
        )  # fmt: skip
        info = json.loads(answer.stdout)
    except (OSError, ValueError, subprocess.SubprocessError):
        return None
    if name == "podman" or "host" in info:  # a program called docker may be podman
        memory = "memory" in (info.get("host", {}).get("cgroupControllers") or ())
        return Engine("podman", str(info["version"]["Version"]), program, memory, variables)
    if not info.get("ServerVersion"):
        return None
    return Engine("docker", str(info["ServerVersion"]), program, bool(info.get("MemoryLimit")), variables)


def on_host_network() -> bool:
    """Whether a container can share this machine's network; elsewhere the engine runs in a virtual one."""
    return sys.platform == "linux"


def command_line(
    engine: Engine, owner: str, name: str, image: str, options: Sequence[str], command: Sequence[str]
) -> tuple[str, ...]:
    """Return the command that runs a container in the foreground and removes it when it ends."""
    return (
        engine.program, "run", "--rm", "--name", name, "--label", f"{LABEL}={owner}",
        "--platform", "linux/amd64", "--pull", "never",
        # What SageMaker's hosts do not need a container to do.
        "--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL", "--security-opt", "no-new-privileges",  # noqa: S108
        "--log-driver", "none", *options, image, *command,
    )  # fmt: skip


def remember(engine: Engine, state: Path) -> None:
    """Note, before anything is put into the engine, where a later start has to look for it."""
    (state / _MEMORY).write_text(json.dumps([engine.name, engine.program]))


def remembered(state: Path) -> Engine | None:
    """Return the engine that an embedded AWS of this folder has used, or None."""
    try:
        name, program = json.loads((state / _MEMORY).read_text())
    except (OSError, ValueError):
        return None
    return Engine(name, "", program, limits_memory=False, environment=tuple(os.environ.items()))


def forget(state: Path) -> None:
    """Remove what an embedded AWS of this folder has left in the engine, also where it was killed.

    What cannot be removed now is tried again by the next start.
    """
    if (engine := remembered(state)) and not engine.remove_all(owner_of(state)):
        (state / _MEMORY).unlink(missing_ok=True)


def left_behind(state: Path) -> list[str]:
    """Return the containers and images of an embedded AWS of this folder that are in the engine still."""
    engine = remembered(state)
    return engine.held(owner_of(state)) if engine else []
