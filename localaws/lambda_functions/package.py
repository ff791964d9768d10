"""A function's zip files as a process: its own code, in the environment that its layer was made from.

A layer's wheels are built for Amazon Linux and one Python; this machine may have neither. So a layer brings
the hash-pinned requirements file that its wheels came from, and an environment is made here from exactly that
file, once for all functions that have the same.
"""

import hashlib
import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

from localaws.environments import Recipe, ensure_environment
from localaws.images.prebuilt import Launch
from localaws.lambda_functions.function import Archive, Function
from localaws.lambda_functions.unpacked import Unpacked
from localaws.lambda_functions.variables import process_variables

REQUIREMENTS = "python/slipway-requirements.txt"
_CLIENT = Path(__file__).resolve().parent / "requirements.txt"
_PYTHONS = ("3.13", "3.12", "3.11")
_known: dict[str, bytes | None] = {}  # by a layer's hash: looked up for every event


@dataclass(frozen=True)
class Package:
    """The unpacked code, the folders of layers that need no environment, and the environment."""

    code: Path
    layers: tuple[Path, ...]
    environment: Path
    unpacked: Unpacked

    @classmethod
    def prepare(cls, function: Function, envs: Path, unpacked: Unpacked) -> "Package":
        """Make what every process of the function needs. Raises EnvironmentBuildError."""
        if function.code is None:
            raise ValueError(f"{function.name} has no zip file")
        pinned = [layer for layer in function.layers if requirements_of(layer)]
        environment = ensure_environment(_recipe(pinned, envs), envs)
        python = environment / "bin" / "python"
        others = tuple(unpacked.get(layer, python) for layer in function.layers if layer not in pinned)
        return cls(unpacked.get(function.code, python), others, environment, unpacked)

    @property
    def working_directory(self) -> Path:
        """The code's folder: the first place where imports are looked for."""
        return self.code

    @property
    def limits_memory(self) -> bool:
        """A process takes what it wants; it has to be watched."""
        return False

    def launch(self, folder: Path, given: dict[str, str]) -> Launch:
        """Return the command of one process; `folder` is its own."""
        paths = (str(self.code), *(str(layer / "python") for layer in self.layers))
        environment = process_variables(folder, self.code, given, environment=self.environment, paths=paths)
        shown = {
            str(self.code): "/var/task",
            **{str(layer): "/opt" for layer in self.layers},
            str(self.environment): "/opt",
            str(folder / "tmp"): "/tmp",  # noqa: S108
        }
        command = (str(self.environment / "bin" / "python"), "-m", "awslambdaric", given["_HANDLER"])
        return Launch(command, environment, shown)

    def release(self) -> None:
        """Give the folders back."""
        for folder in (self.code, *self.layers):
            self.unpacked.release(folder)


def requirements_of(layer: Archive) -> bytes | None:
    """Return the requirements file that a layer was made from, or None for a layer without one."""
    if layer.sha256 not in _known:
        with zipfile.ZipFile(io.BytesIO(layer.content)) as content:
            _known[layer.sha256] = content.read(REQUIREMENTS) if REQUIREMENTS in content.namelist() else None
    return _known[layer.sha256]


def _recipe(layers: list[Archive], envs: Path) -> Recipe:
    """Return the environment of some layers; their files are kept beside the environments, by content."""
    files = [_kept(requirements_of(layer) or b"", envs) for layer in layers]
    return Recipe("lambda", files[0], pythons=_PYTHONS, more=(*files[1:], _CLIENT))


def _kept(content: bytes, envs: Path) -> Path:
    folder = envs / "lambda-requirements"
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{hashlib.sha256(content).hexdigest()[:16]}.txt"
    if not file.is_file():
        staging = file.with_suffix(f".{os.getpid()}")
        staging.write_bytes(content)
        staging.replace(file)
    return file
