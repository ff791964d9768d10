"""A function's image run by the container engine of this machine."""

from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from localaws.errors import ImageError
from localaws.images.container_image import LoadedImages
from localaws.images.engine import Engine, command_line, on_host_network
from localaws.images.prebuilt import Launch
from localaws.images.registry_client import RefusedError, RegistryClient
from localaws.images.store import Manifest
from localaws.lambda_functions.function import Function, Image

_HOST = "host.docker.internal"  # this machine, where the engine runs in a virtual one


@dataclass(frozen=True)
class ContainerForm:
    """The image, in the engine for as long as this form is in use."""

    engine: Engine
    loaded: LoadedImages
    image: str
    settings: Image
    memory_mb: int

    @classmethod
    def prepare(
        cls, function: Function, loaded: LoadedImages, client: RegistryClient, repository: str,
        manifest: Manifest,
    ) -> "ContainerForm":  # fmt: skip
        """Put the image into the engine. Raises LocalAwsError."""
        settings = function.image or Image("")
        engine = loaded.require_engine(settings.uri)
        try:
            image = loaded.acquire(client, repository, manifest)
        except RefusedError as error:
            raise ImageError(f"the image {settings.uri} cannot be fetched", why=str(error)) from error
        return cls(engine, loaded, image, settings, function.memory_mb)

    @property
    def working_directory(self) -> Path:
        """Of the engine's program; the container has its own."""
        return Path("/")

    @property
    def limits_memory(self) -> bool:
        """The engine does, where it can."""
        return True

    def launch(self, folder: Path, given: dict[str, str]) -> Launch:
        """Return the engine's command. Values go through its environment: `ps` shows a command line."""
        inside = given if on_host_network() else _reaching_out(given)
        of_engine = dict(self.engine.environment)
        options = ["--network", "host"] if on_host_network() else []
        if self.engine.limits_memory:
            options += ["--memory", f"{self.memory_mb}m"]
        if self.settings.working_directory:
            options += ["--workdir", self.settings.working_directory]
        entry_point, *first = self.settings.entry_point or ("",)
        if entry_point:
            options += ["--entrypoint", entry_point]
        for name, value in inside.items():
            options += ["--env", f"{name}={value}" if name in of_engine else name]
        container = f"slipway-{self.loaded.owner}-{folder.name}"
        command = [*first, *self.settings.command]
        return Launch(
            command_line(self.engine, self.loaded.owner, container, self.image, options, command),
            {**inside, **of_engine},
            cleanup=self.engine.removal(container),
        )

    def release(self) -> None:
        """Give the image back."""
        self.loaded.release(self.image)


def _reaching_out(given: dict[str, str]) -> dict[str, str]:
    runtime, aws = given["AWS_LAMBDA_RUNTIME_API"], urlsplit(given["AWS_ENDPOINT_URL"])
    return {
        **given,
        "AWS_LAMBDA_RUNTIME_API": f"{_HOST}:{runtime.rpartition(':')[2]}",
        "AWS_ENDPOINT_URL": f"http://{_HOST}:{aws.port}",
    }
