"""An image run by the container engine of this machine, as SageMaker's hosts run it."""

import io
import json
import subprocess
import tarfile
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from localaws.errors import EngineMissingError, ImageError
from localaws.images.engine import Engine, command_line, on_host_network, remember, remembered, repository
from localaws.images.prebuilt import STOP_GRACE_S, Launch, Place
from localaws.images.registry_client import RefusedError, RegistryClient
from localaws.images.store import Manifest
from localaws.inventory import Resource

_PORT = 8080  # SageMaker's, where a container has a network of its own
_CONFIG_NAME = "config.json"
_LOAD_S = 600
_BLOCK = 1 << 20


class LoadedImages:
    """The images that are in the engine for as long as a container runs them."""

    def __init__(self, find: Callable[[], Engine | None], owner: str, state: Path) -> None:
        """`owner` marks what is this embedded AWS's own; `state` is its folder."""
        self.find_engine = find
        self.owner = owner
        self.state = state
        self._users: Counter[str] = Counter()
        self._lock = threading.Lock()

    def require_engine(self, image: str) -> Engine:
        """Return the engine. Raises EngineMissingError."""
        if engine := self.find_engine():
            return engine
        raise EngineMissingError(
            f"{image} cannot run: no container engine answers on this machine",
            why="it was built by one; without one, only images that were recorded without one can run",
            fix="start docker or podman, or destroy and deploy again without one (slipway doctor tells)",
        )

    def acquire(self, client: RegistryClient, source: str, manifest: Manifest) -> str:
        """Put an image into the engine where it is not, and return its name there."""
        engine = self.require_engine(source)
        with client.blob(source, manifest.config) as config:
            config.read()  # SageMaker's hosts pull every time: the rights are asked for every time
        name = f"{repository(self.owner)}:{manifest.config[7:19]}"
        with self._lock:
            if not self._users[name]:
                remember(engine, self.state)
                if engine.run("image", "inspect", name, check=False).returncode:
                    _load(engine, name, client, source, manifest)
            self._users[name] += 1
        return name

    def inventory(self) -> list[Resource]:
        """Return what is in the engine now; nothing is asked of it before it was used."""
        engine = remembered(self.state)
        if engine is None:
            return []
        containers, images = engine.containers(self.owner), engine.images(self.owner)
        return [
            *(Resource(engine.name, "container", name) for name in containers),
            *(Resource(engine.name, "image", name) for name in images),
        ]

    def release(self, name: str) -> None:
        """Take an image out of the engine once its last container is gone."""
        engine = self.find_engine()
        with self._lock:
            self._users[name] -= 1
            if engine and self._users[name] <= 0:
                engine.run("rmi", name, check=False)


@dataclass(frozen=True)
class ContainerImage:
    """Fetches the image under the role's rights and runs it."""

    client: Callable[[], RegistryClient]
    repository: str
    manifest: Manifest
    loaded: LoadedImages

    def prepare(self, place: Place, _envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return the engine's command. Keys go through its environment: `ps` shows a command line."""
        engine = self.loaded.require_engine(self.repository)
        try:
            image = self.loaded.acquire(self.client(), self.repository, self.manifest)
        except RefusedError as error:
            raise ImageError(f"the image of {self.repository} cannot be fetched", why=str(error)) from error
        inside = _inside(place, variables)
        of_engine = dict(engine.environment)
        options = ["--mount", f"type=bind,source={place.base / 'model'},target=/opt/ml/model,readonly"]
        options += ["--network", "host"] if on_host_network() else ["-p", f"127.0.0.1:{place.port}:{_PORT}"]
        if place.memory_mb and engine.limits_memory:
            options += ["--memory", f"{place.memory_mb}m"]
        for name, value in inside.items():
            options += ["--env", f"{name}={value}" if name in of_engine else name]
        name = f"slipway-{self.loaded.owner}-{place.folder.name}"
        return Launch(
            arguments=command_line(engine, self.loaded.owner, name, image, options, ["serve"]),
            environment={**inside, **of_engine},
            cleanup=engine.removal(name),
            release=lambda: self.loaded.release(image),
            grace_s=STOP_GRACE_S,
        )


def _inside(place: Place, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the container's variables: where it listens, and how it reaches the embedded AWS."""
    if on_host_network():
        listening = {"SAGEMAKER_BIND_TO_PORT": str(place.port), "SLIPWAY_BIND_HOST": "127.0.0.1"}
        return {**variables, **listening, "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers)}
    port = urlsplit(variables["AWS_ENDPOINT_URL"]).port
    return {
        **variables,
        "SAGEMAKER_BIND_TO_PORT": str(_PORT),
        "SAGEMAKER_MODEL_SERVER_WORKERS": str(place.workers),
        "AWS_ENDPOINT_URL": f"http://host.docker.internal:{port}",
    }


def _load(engine: Engine, name: str, client: RegistryClient, source: str, manifest: Manifest) -> None:
    """Stream the image into the engine, in the one form that `docker load` and `podman load` take."""
    command = [engine.program, "load"]
    with subprocess.Popen(
        command, env=dict(engine.environment), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    ) as loading:  # fmt: skip
        try:
            with tarfile.open(fileobj=loading.stdin, mode="w|", bufsize=_BLOCK) as tar:
                _write_archive(tar, name, client, source, manifest)
            output, _ = loading.communicate(timeout=_LOAD_S)
        except RefusedError:
            loading.kill()
            raise
        except OSError:
            output, _ = loading.communicate()
    if loading.returncode:
        raise ImageError(
            f"{engine.name} cannot load the image {source}",
            why=output.decode(errors="replace").strip()[-500:],
            fix=f"look whether the disk is full, and at: {engine.name} info",
        )


def _write_archive(
    tar: tarfile.TarFile, name: str, client: RegistryClient, source: str, manifest: Manifest
) -> None:
    sizes = dict(manifest.blobs)
    for digest in (*manifest.layers, manifest.config):
        entry = tarfile.TarInfo(_CONFIG_NAME if digest == manifest.config else f"{digest[7:]}.tar")
        entry.size = sizes[digest]
        with client.blob(source, digest) as blob:
            tar.addfile(entry, blob)
    listing = [
        {
            "Config": _CONFIG_NAME,
            "RepoTags": [name],
            "Layers": [f"{digest[7:]}.tar" for digest in manifest.layers],
        }
    ]
    content = json.dumps(listing).encode()
    entry = tarfile.TarInfo("manifest.json")
    entry.size = len(content)
    tar.addfile(entry, io.BytesIO(content))
