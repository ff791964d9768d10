"""What exists in the embedded AWS at one moment. Standard library only."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Resource:
    """One AWS resource: `service` and `kind` as in "s3", "bucket"; `detail` where its state matters."""

    service: str
    kind: str
    name: str
    detail: str = ""


@dataclass(frozen=True)
class Process:
    """One process that serves or trains a model."""

    pid: int
    command: str


@dataclass(frozen=True)
class Inventory:
    """Everything that exists, split by whether a `destroy` has to remove it.

    `resources`, `processes`, `files` and `ports` are the project's own. `bootstrap` belongs to the stack
    CDKToolkit, which every deploy needs and `cdk destroy` leaves. `kept_by_aws` is what AWS itself keeps: KMS
    keys that wait out their deletion window, the records of jobs that have ended, and the bucket that Elastic
    Beanstalk makes, once it is empty.
    """

    resources: tuple[Resource, ...]
    bootstrap: tuple[Resource, ...]
    kept_by_aws: tuple[Resource, ...]
    processes: tuple[Process, ...]
    files: tuple[str, ...]
    ports: tuple[int, ...]

    @property
    def empty(self) -> bool:
        """Whether nothing is left but bootstrap and what AWS keeps."""
        return not (self.resources or self.processes or self.files or self.ports)

    @classmethod
    def from_json(cls, found: Mapping[str, Any]) -> "Inventory":
        """Read what the server's inventory address answers."""

        def resources(key: str) -> tuple[Resource, ...]:
            return tuple(Resource(**entry) for entry in found[key])

        return cls(
            resources=resources("resources"),
            bootstrap=resources("bootstrap"),
            kept_by_aws=resources("kept_by_aws"),
            processes=tuple(Process(**entry) for entry in found["processes"]),
            files=tuple(found["files"]),
            ports=tuple(found["ports"]),
        )
