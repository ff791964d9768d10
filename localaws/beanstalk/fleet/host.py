"""What all environments of one embedded AWS share."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from localaws.beanstalk.fleet.targets import Targets
from localaws.images import Registries
from localaws.images.container_image import LoadedImages
from localaws.ports import Ports, Scope
from localaws.sagemaker.logs import LogShipper


class LogGroups(Protocol):
    """Log groups, made and removed by the service itself; instances only write to them."""

    def ensure(self, group: str, retention_days: int | None, scope: Scope) -> None:
        """Make a group where it is missing, and set how long it keeps its events; None is for ever."""

    def delete(self, group: str, scope: Scope) -> None:
        """Remove a group with its streams, where it exists."""


@dataclass(frozen=True)
class Host:
    """`url` is where the embedded AWS listens; `fleets` takes what instances need while they run."""

    ports: Ports
    images: Registries
    loaded: LoadedImages
    shipper: LogShipper
    log_groups: LogGroups
    targets: Targets
    fleets: Path
    envs: Path
    url: str
