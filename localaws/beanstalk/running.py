"""What an environment needs from the instances behind it and the load balancer before them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from localaws.beanstalk.fleet.deployment import Deployment
from localaws.ports import Scope

Say = Callable[[str, str], None]
"""Writes an event of the environment: severity and message."""


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
    """An environment's health: `color` is Green, Yellow, Red or Grey; `status` is Ok, Info, Severe and so on."""

    color: str
    status: str
    causes: tuple[str, ...] = ()
    instances: tuple[InstanceHealth, ...] = field(default=())


class Fleet(Protocol):
    """The instances of one environment."""

    target_group: str

    def deploy(self, deployment: Deployment) -> None:
        """Bring every instance to a deployment, and return once it answers. Raises FleetError.

        What answered before goes on answering where it cannot.
        """

    def abort(self) -> None:
        """Give up the deployment that is under way: its `deploy` raises FleetError."""

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

    def listen(self, port: int) -> None:
        """Accept connections."""

    def route(self, port: int, group: str) -> None:
        """Send all requests from now on to a group."""

    def close(self, port: int) -> None:
        """Accept no more connections."""


FleetFactory = Callable[[Scope, str, str, Say], Fleet]
"""Makes the fleet of an environment: scope, the environment's name and id, and where its events go."""
