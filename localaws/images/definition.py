"""The definition of an image: its build context, its Dockerfile and its build arguments.

Where no container engine is, a definition stands in the registry for the image, and what it defines runs as
a process: the environment that it installs, the variables that it sets, the command that it starts. Only the
project's own Dockerfile is understood so; a Dockerfile may do anything. Standard library only.
"""

import io
import json
import re
import shlex
import tarfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from localaws.environments import Recipe
from localaws.errors import EngineMissingError, ImageError

CONFIG = "application/vnd.slipway.image-definition.v1+json"
CONTEXT = "application/vnd.slipway.build-context.v1.tar"
DOCKERFILE = "serving/Dockerfile"
HOME = "/opt/slipway"  # where the image has the folder `serving`
VENV = "/opt/venv"
_PYTHONS = ("3.13", "3.12", "3.11")
# What each stage that can run as a process starts: the server of containers, a function on Lambda.
_ENTRYPOINTS = {"server": '["python", "-m", "serving.server"]', "lambda": '["python", "-m", "awslambdaric"]'}
LAMBDA = "lambda"


@dataclass(frozen=True)
class Definition:
    """What `docker build` was called with. `folder` is the build context."""

    folder: Path
    dockerfile: str
    build_args: Mapping[str, str]
    target: str = ""
    """The stage that is the image; "" is the last one."""

    def config(self) -> bytes:
        """Return all but the context, as the registry keeps it."""
        described = {
            "dockerfile": self.dockerfile,
            "build_args": dict(sorted(self.build_args.items())),
            "target": self.target,
        }
        return json.dumps({"architecture": "amd64", "os": "linux", "slipway": described}).encode()

    @classmethod
    def read(cls, config: bytes, folder: Path) -> "Definition":
        """Return the definition of a config whose context is unpacked in `folder`."""
        described = json.loads(config)["slipway"]
        return cls(folder, described["dockerfile"], described["build_args"], described["target"])

    def check(self) -> None:
        """Raise EngineMissingError for a Dockerfile that only an engine can build."""
        ours = PurePosixPath(self.dockerfile) == PurePosixPath(DOCKERFILE)
        entrypoint = _ENTRYPOINTS.get(self.target)
        if not ours or entrypoint is None or f"\nENTRYPOINT {entrypoint}\n" not in self._stage():
            raise EngineMissingError(
                f"{self.dockerfile} cannot be built: no container engine answers on this machine",
                why=f"without one, what {DOCKERFILE} of the project defines runs as a process, "
                "and a Dockerfile of your own may do anything",
                fix="install and start docker or podman (slipway doctor tells which is found), "
                "or remove the Dockerfile from the model folder",
            )

    def recipe(self) -> Recipe:
        """Return what the Dockerfile installs, as the recipe of an environment."""
        engine = self.build_args.get("ENGINE", "onnx")
        pinned = [self._file(f"serving/requirements-{engine}.txt")]
        if self.build_args.get("S3") == "true":
            pinned.append(self._file("serving/requirements-s3.txt"))
        if self.target == LAMBDA:
            pinned.append(self._file("serving/requirements-lambda-runtime.txt"))
        extra = self.build_args.get("EXTRA_REQUIREMENTS")
        return Recipe(
            f"image-{engine}",
            pinned[0],
            pythons=_PYTHONS,
            more=tuple(pinned[1:]),
            extra=self._file(extra) if extra else None,
        )

    def variables(self) -> dict[str, str]:
        """Return what ENV of the image's stage sets, `$PATH` and the like left as they are."""
        found: dict[str, str] = {}
        for line in re.findall(r"(?m)^ENV (.+)$", self._stage()):
            pairs = (pair.partition("=") for pair in shlex.split(line) if "=" in pair)
            found.update({name: value for name, _, value in pairs})
        return found

    def command(self) -> tuple[str, ...]:
        """Return CMD of the image's stage."""
        found = re.search(r"(?m)^CMD (\[.*\])$", self._stage())
        return tuple(json.loads(found[1])) if found else ()

    def packed(self) -> bytes:
        """Return the context as a tar file whose bytes depend on the files' names and contents alone."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT) as tar:
            for path in sorted(self.folder.rglob("*")):
                if path.is_file() and "__pycache__" not in path.parts:
                    entry = tarfile.TarInfo(path.relative_to(self.folder).as_posix())
                    entry.size, entry.mode = path.stat().st_size, 0o644
                    with path.open("rb") as content:
                        tar.addfile(entry, content)
        return buffer.getvalue()

    def _stage(self) -> str:
        """Return the image's stage of the Dockerfile: no comments, no instruction over more than one line."""
        text = (self.folder / self.dockerfile).read_text(encoding="utf-8")
        joined = re.sub(r"\\\n", " ", re.sub(r"(?m)^\s*#.*\n", "", text))
        stages = re.split(r"(?m)^FROM ", joined)[1:]
        named = (stage for stage in stages if stage.partition("\n")[0].endswith(f" AS {self.target}"))
        return next(named, "") if self.target else stages[-1]

    def _file(self, name: str) -> Path:
        path = self.folder / name
        if not path.resolve().is_relative_to(self.folder.resolve()) or not path.is_file():
            raise ImageError(
                f"the build context has no {name}",
                why=f"the build arguments {dict(self.build_args)} ask for it",
                fix="train the model again: slipway train",
            )
        return path
