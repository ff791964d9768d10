"""A definition of an image, run as a process: the environment, the variables and the command it defines."""

import os
import re
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from localaws.environments import ensure_environment
from localaws.errors import ImageError
from localaws.images.definition import HOME, VENV, Definition
from localaws.images.prebuilt import STOP_GRACE_S, Launch, Place
from localaws.images.registry_client import RefusedError, RegistryClient
from localaws.images.store import Manifest


@dataclass
class Contexts:
    """Build contexts, unpacked once a run: a folder each, by digest, below `folder`."""

    folder: Path
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, client: RegistryClient, repository: str, digest: str) -> Path:
        """Return the folder of a context, fetching it where it is not there yet."""
        target = self.folder / digest.removeprefix("sha256:")[:16]
        with self._lock:
            if not target.is_dir():
                staging = target.with_suffix(".part")
                shutil.rmtree(staging, ignore_errors=True)
                with client.blob(repository, digest) as blob, tarfile.open(fileobj=blob, mode="r|") as tar:
                    tar.extractall(staging, filter="data")
                staging.rename(target)
        return target


@dataclass(frozen=True)
class DefinedImage:
    """Fetches the definition under the role's rights and starts what it describes."""

    client: Callable[[], RegistryClient]
    repository: str
    manifest: Manifest
    contexts: Contexts

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the command of the Dockerfile's last stage, in the environment that it installs."""
        return launch(self._definition(), place, envs, variables)

    def _definition(self) -> Definition:
        client = self.client()
        try:
            with client.blob(self.repository, self.manifest.config) as blob:
                config = blob.read()
            folder = self.contexts.get(client, self.repository, self.manifest.layers[0])
        except RefusedError as error:
            raise ImageError("the image cannot be fetched", why=str(error)) from error
        image = Definition.read(config, folder)
        image.check()
        return image


def launch(image: Definition, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
    """Return the command of an image's server, in the environment that its Dockerfile installs."""
    venv = ensure_environment(image.recipe(), envs)
    compile_context(venv, image.folder)
    here = {VENV: str(venv), HOME: str(image.folder), "/tmp": str(place.folder / "tmp")}  # noqa: S108
    environment = {
        **place.process_environment(variables, localized(image.variables(), here)),
        "SLIPWAY_BIND_HOST": "127.0.0.1",
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
    }
    shown = {path: name for name, path in here.items()}
    command = (str(venv / "bin" / "python"), "-m", "serving.server", "serve")
    return Launch(command, environment, shown, grace_s=STOP_GRACE_S)


def localized(variables: Mapping[str, str], here: Mapping[str, str]) -> dict[str, str]:
    """Return the image's variables with this machine's paths, which may contain the image's in turn."""
    inside = re.compile("|".join(rf"(?<![\w./-]){re.escape(path)}(?![\w.-])" for path in here))
    return {
        name: re.sub(r"\$(PATH\b|{PATH})", os.defpath, inside.sub(lambda match: here[match[0]], value))
        for name, value in variables.items()
    }


def compile_context(venv: Path, context: Path) -> None:
    """Compile the context once, as the image does: a start without it takes twice as long."""
    if not any(context.rglob("__pycache__")):
        options = ["-m", "compileall", "-q", "--invalidation-mode", "unchecked-hash"]
        subprocess.run(
            [venv / "bin" / "python", *options, context],
            capture_output=True, timeout=120, check=False,
        )  # fmt: skip
