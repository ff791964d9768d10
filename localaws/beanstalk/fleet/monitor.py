"""Watches the instances in service: a dead one is out of the load balancer at once, a sick one soon."""

import threading
from collections.abc import Callable

from localaws.beanstalk.fleet import timing
from localaws.beanstalk.fleet.instance import Instance
from localaws.beanstalk.fleet.members import Members

_CALM_S = 1.0  # between checks while all are well; each is a request to every instance


class Monitor:
    """One thread. `on_change` is called when an instance goes out of service or comes back."""

    def __init__(self, members: Members, name: str, on_change: Callable[[], None]) -> None:
        self._members = members
        self._on_change = on_change
        self._wake = threading.Event()
        self._ended = False
        self._thread = threading.Thread(target=self._run, name=f"monitor-{name}", daemon=True)
        self._thread.start()

    def wake(self) -> None:
        """Look now: something ended."""
        self._wake.set()

    def close(self) -> None:
        """End the thread."""
        self._ended = True
        self._wake.set()
        self._thread.join(timeout=5)

    def _run(self) -> None:
        while not self._ended:
            self._wake.wait(self._pause_s())
            self._wake.clear()
            if self._ended:
                return
            changed = [self._look(instance) for instance in self._members.instances]
            if any(changed):
                self._members.refresh()
                self._on_change()

    def _pause_s(self) -> float:
        running = [
            instance.application for instance in self._members.instances if instance.application is not None
        ]
        if all(application.passed for application in running):
            return _CALM_S
        return min([_CALM_S, *(timing.interval_s(application.deployment) for application in running)])

    def _look(self, instance: Instance) -> bool:
        """Check one instance, and return whether it went out of service or came back."""
        application = instance.application
        if application is None:
            return False
        application.healthy()
        deployment = application.deployment
        if instance.unhealthy_since is None:
            ill = not application.alive() or application.failed >= deployment.unhealthy_threshold
            cause = f"The health check {deployment.health_path} does not pass."
            return ill and instance.failing(application, cause)
        return application.passed >= deployment.healthy_threshold and instance.passing(application)
