"""What an environment needs from the instances behind it and the load balancer before them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from localaws.ports import Scope

Say = Callable[[str, str], None]
"""Writes an event of the environment: severity and message."""


class FleetError(Exception):
    """The instances cannot serve; the text says why, and `lines` are the last ones of the log."""

    def __init__(self, reason: str, lines: Sequence[str] = ()) -> None:
        super().__init__(reason)
        self.reason = reason
        self.lines = tuple(lines)


@dataclass(frozen=True)
class Deployment:
    """One version on all instances. Times are AWS's, in seconds; the fleet makes them shorter.

    `policy` is AllAtOnce, Rolling, RollingWithAdditionalBatch or Immutable. `batch` is how many instances go
    at a time. `role_arn` is the instance profile's role. `properties` are the environment properties.
    `process_port` is the port of an instance that the load balancer asks. `log_group_prefix` is None where
    logs are not streamed; `log_retention_days` is None where they stay for ever.
    """

    version_label: str
    bucket: str
    key: str
    properties: Mapping[str, str]
    instances: int
    policy: str
    health_path: str
    role_arn: str
    deployment_id: int = 1
    process_port: int = 80
    batch: int = 1
    health_interval_s: float = 15
    healthy_threshold: int = 3
    unhealthy_threshold: int = 5
    command_timeout_s: float = 600
    drain_s: float = 20
    ignore_health_check: bool = False
    log_group_prefix: str | None = None
    log_retention_days: int | None = None
    delete_logs_on_terminate: bool = False


@dataclass(frozen=True)
class InstanceHealth:
    """One instance: `status` is Ok, Warning, Severe and so on; times are in seconds since 1970.

    `deployment_status` is In Progress, Deployed or Failed.
    """

    instance_id: str
    version_label: str
    color: str
    status: str
    causes: tuple[str, ...] = ()
    launched_at: float = 0.0
    address: str = ""
    deployment_id: int = 0
    deployment_status: str = "Deployed"
    deployed_at: float = 0.0


@dataclass(frozen=True)
class Health:
    """An environment's health: `color` is Green, Yellow, Red or Grey; `status` is Ok, Info and so on."""

    color: str
    status: str
    causes: tuple[str, ...] = ()
    instances: tuple[InstanceHealth, ...] = field(default=())


class Fleet(Protocol):
    """The instances of one environment."""

    target_group: str
    on_change: Callable[[], None]
    """Called when an instance goes out of service by itself, or comes back."""

    def deploy(self, deployment: Deployment) -> None:
        """Bring every instance to a deployment, and return once it answers. Raises FleetError.

        What answered before goes on answering where it cannot.
        """

    def resize(self, instances: int) -> None:
        """Launch or end instances of what is deployed. Raises FleetError."""

    def abort(self) -> None:
        """Give up the deployment that is under way: its `deploy` raises FleetError."""

    def restart(self) -> None:
        """Start the application again on every instance. Raises FleetError."""

    def health(self) -> Health:
        """Return how the instances are now."""

    def logs(self) -> Mapping[str, str]:
        """Return the last 100 lines of each instance's log, by its id."""

    def terminate(self) -> None:
        """Let requests end, and end every instance."""

    def kill(self) -> None:
        """End every instance at once; for when the server itself stops."""


class Routes(Protocol):
    """The load balancer: ports of 127.0.0.1, and the target group that each sends requests to."""

    def listen(self) -> int:
        """Accept connections on a free port, and return it."""

    def route(self, port: int, group: str) -> None:
        """Send all requests from now on to a group."""

    def swap(self, port: int, other: int) -> None:
        """Exchange where two ports send their requests, at once."""

    def close(self, port: int) -> None:
        """Accept no more connections."""

    def stop(self) -> None:
        """Close every port, and end."""


FleetFactory = Callable[[Scope, str, str, Say], Fleet]
"""Makes the fleet of an environment: scope, the environment's name and id, and where its events go."""
