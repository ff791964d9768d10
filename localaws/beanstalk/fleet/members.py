"""The instances of one environment, and which of them the load balancer sends requests to."""

import threading
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from localaws.beanstalk.fleet.application import Application
from localaws.beanstalk.fleet.instance import Instance
from localaws.beanstalk.fleet.targets import Targets


class Members:
    """A target group. Every change reaches the load balancer before the call returns."""

    def __init__(self, targets: Targets, group: str) -> None:
        self._targets = targets
        self._group = group
        self._instances: list[Instance] = []
        self._lock = threading.Lock()

    @property
    def instances(self) -> tuple[Instance, ...]:
        """All of them, the oldest first."""
        return tuple(self._instances)

    def switch(self, prepared: Iterable[tuple[Instance, Application]]) -> list[Application]:
        """Send requests to prepared applications at once, and return those that they replace."""
        with self._lock:
            replaced = []
            for instance, application in prepared:
                if before := instance.run(application):
                    replaced.append(before)
                if instance not in self._instances:
                    self._instances.append(instance)
            self._publish()
        return replaced

    def remove(self, instances: Iterable[Instance]) -> list[Application]:
        """Send no more requests to some instances, forget them, and return what runs on them."""
        with self._lock:
            gone = set(instances)
            self._instances = [instance for instance in self._instances if instance not in gone]
            self._publish()
        return [instance.application for instance in gone if instance.application]

    def refresh(self) -> None:
        """Tell the load balancer again which instances are healthy."""
        with self._lock:
            self._publish()

    def drain(self, applications: Iterable[Application]) -> None:
        """Return once no request is inside any of them."""
        draining = list(applications)
        if draining:
            with ThreadPoolExecutor(len(draining)) as pool:
                list(pool.map(self._drain, draining))

    def _drain(self, application: Application) -> None:
        self._targets.drain(self._group, application.port, application.deployment.drain_s)

    def _publish(self) -> None:
        """Name the healthy ones, and where none is healthy all that run.

        "If a target group contains only unhealthy registered targets, the load balancer routes requests to
        all those targets, regardless of their health status" (guide for Application Load Balancers).
        """
        running = {
            instance: instance.application
            for instance in self._instances
            if instance.application and instance.application.alive()
        }
        healthy = [instance for instance in running if instance.unhealthy_since is None]
        self._targets.set_targets(self._group, [running[instance].port for instance in healthy or running])
