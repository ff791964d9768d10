"""The project's own image as a process: the compose file's mounts and variables, without an engine."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from localaws.beanstalk.fleet.service import BadServiceError, Build, Mount, Service
from localaws.images import defined_image
from localaws.images.defined_image import localized
from localaws.images.definition import Definition
from localaws.images.prebuilt import Launch, Place, Runner
from localaws.sagemaker.archive import read_only

_BASE = PurePosixPath("/opt/ml")
_PORT_VARIABLE, _PORT = "SAGEMAKER_BIND_TO_PORT", "8080"


@dataclass(frozen=True)
class BuiltDefinition:
    """A build context of the bundle that holds the project's own Dockerfile."""

    definition: Definition

    @classmethod
    def of(cls, build: Build) -> "BuiltDefinition":
        """Return what a Dockerfile defines. Raises EngineMissingError for any other than the project's."""
        definition = Definition(build.context, build.dockerfile, build.args, build.target)
        definition.check()
        return cls(definition)

    def prepare(self, place: Place, envs: Path, variables: Mapping[str, str]) -> Launch:
        """Return its command."""
        return defined_image.launch(self.definition, place, envs, variables)


def launch(
    runner: Runner, service: Service, place: Place, envs: Path, variables: Mapping[str, str]
) -> Launch:
    """Return the command of a server of ours. Raises BadServiceError for what a process cannot stand for."""
    if service.entrypoint or service.command not in (None, ("serve",)):
        raise BadServiceError(
            "this command or entry point needs a container engine, and none answers on this machine"
        )
    listens = variables.get(_PORT_VARIABLE, _PORT)
    if str(service.port) != listens:
        raise BadServiceError(f"port {service.port} is published, and the container listens on {listens}")
    shown = {str(mount.source): mount.target for mount in service.mounts}
    for mount in service.mounts:
        _attach(place, mount)
    elsewhere = {
        mount.target: str(mount.source)
        for mount in service.mounts
        if not PurePosixPath(mount.target).is_relative_to(_BASE)
    }
    given = {"SM_MODEL_DIR": "/opt/ml/model", **variables}
    prepared = runner.prepare(place, envs, localized(given, elsewhere) if elsewhere else given)
    return replace(prepared, shown={**shown, **prepared.shown}, grace_s=service.grace_s)


def _attach(place: Place, mount: Mount) -> None:
    """Put a folder of the bundle where the process looks for it."""
    if mount.read_only and mount.source.is_dir():
        read_only(mount.source)
    target = PurePosixPath(mount.target)
    if target.is_relative_to(_BASE) and target != _BASE:
        link = place.base / target.relative_to(_BASE)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(mount.source)
