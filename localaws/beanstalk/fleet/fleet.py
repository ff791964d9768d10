"""What runs in one environment."""

import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

from localaws.beanstalk.fleet.health import health_of
from localaws.beanstalk.fleet.host import Host
from localaws.beanstalk.fleet.instance import Instance
from localaws.beanstalk.fleet.instance_log import FILES
from localaws.beanstalk.fleet.members import Members
from localaws.beanstalk.fleet.monitor import Monitor
from localaws.beanstalk.fleet.rollout import Rollout
from localaws.beanstalk.running import Deployment, FleetError, Health, Say
from localaws.ports import Scope


class Fleet:
    """The instances of one environment. One deployment at a time.

    `on_change` is called when an instance goes out of service by itself or comes back; it must not block.
    """

    def __init__(
        self, host: Host, scope: Scope, environment_name: str, environment_id: str, say: Say
    ) -> None:
        self.target_group = environment_id
        self.on_change: Callable[[], None] = lambda: None
        self._host = host
        self._scope = scope
        self._name = environment_name
        self.say = say
        self._members = Members(host.targets, self.target_group)
        self._monitor = Monitor(self._members, environment_name, lambda: self.on_change())
        self._launched: list[Instance] = []
        self._last: Deployment | None = None
        self._deployed: Deployment | None = None
        self._busy: Deployment | None = None
        self._deploying = threading.Lock()
        self._aborted = ""
        self._closed = False
        self._deployments = 0

    def deploy(self, deployment: Deployment) -> None:
        """Bring every instance to a deployment, and return once all answer. Raises FleetError.

        The next deployment id is its own: what the given one says is not looked at.
        """
        with self._deploying:
            self._check_open()
            self._deployments += 1
            self._last = self._busy = replace(deployment, deployment_id=self._deployments)
            try:
                self._make_log_groups(self._busy)
                self._rollout(self._busy).run()
                self._deployed = self._busy
            finally:
                self._busy = None
                self._forget_launched()

    def resize(self, instances: int) -> None:
        """Launch or terminate instances of what is deployed. Raises FleetError."""
        with self._deploying:
            self._check_open()
            if self._deployed:
                self._deployed = replace(self._deployed, instances=instances)
                try:
                    self._rollout(self._deployed).resize()
                finally:
                    self._forget_launched()

    def restart(self) -> None:
        """Start the application again on every instance, one after the other. Raises FleetError."""
        if self._deployed:
            self.deploy(replace(self._deployed, policy="Rolling", batch=1))

    def abort(self) -> None:
        """End the deployment that is under way: it fails, and what it started goes."""
        self._stop_starting("The update was aborted.")

    def health(self) -> Health:
        """Return how the instances are now."""
        return health_of(self._members.instances, self._deployed, self._busy)

    def logs(self) -> Mapping[str, str]:
        """Return the last 100 lines of each file of each instance's log, by its id."""
        return {instance.id: instance.log.tail() for instance in self._members.instances}

    @property
    def ports(self) -> tuple[int, ...]:
        """The ports of 127.0.0.1 that instances listen on."""
        return tuple(
            instance.application.port for instance in self._members.instances if instance.application
        )

    @property
    def processes(self) -> tuple[int, ...]:
        """The process groups of the instances."""
        running = (instance.application for instance in self._members.instances)
        return tuple(found.pid for found in running if found and found.pid)

    def terminate(self) -> None:
        """Let requests end, end every instance, and remove the log groups where the option says so."""
        self._closed = True
        self._stop_starting("The environment is being terminated.")
        with self._deploying:
            self._monitor.close()
            instances = self._members.instances
            self._members.drain(self._members.remove(instances))
            _end(instances, None)
            last = self._last
            if last and last.log_group_prefix and last.delete_logs_on_terminate:
                for file in FILES:
                    self._host.log_groups.delete(f"{last.log_group_prefix}{file}", self._scope)

    def kill(self) -> None:
        """End every instance at once; for when the server itself stops."""
        self._closed = True
        self._stop_starting("The embedded AWS is stopping.")
        self._monitor.close()
        _end(tuple({*self._members.instances, *self._launched}), 1.0)

    def _rollout(self, deployment: Deployment) -> Rollout:
        self._aborted = ""
        return Rollout(self._members, deployment, self._launch, self.say, self._check)

    def _forget_launched(self) -> None:
        kept = set(self._members.instances)
        self._launched = [instance for instance in self._launched if instance in kept]

    def _launch(self) -> Instance:
        instance = Instance(self._host, self._scope, self._name, self._instance_failed)
        self._launched.append(instance)
        return instance

    def _instance_failed(self) -> None:
        self._members.refresh()
        self.on_change()
        self._monitor.wake()

    def _make_log_groups(self, deployment: Deployment) -> None:
        if deployment.log_group_prefix:
            for file in FILES:
                self._host.log_groups.ensure(
                    f"{deployment.log_group_prefix}{file}", deployment.log_retention_days, self._scope
                )

    def _stop_starting(self, why: str) -> None:
        self._aborted = why
        for instance in tuple(self._launched):
            if starting := instance.starting:
                starting.stop(1.0)

    def _check(self) -> None:
        self._check_open()
        if self._aborted:
            raise FleetError(self._aborted)

    def _check_open(self) -> None:
        if self._closed:
            raise FleetError("The environment is being terminated.")


def _end(instances: tuple[Instance, ...], grace_s: float | None) -> None:
    if instances:
        with ThreadPoolExecutor(len(instances)) as pool:
            list(pool.map(lambda instance: instance.stop(grace_s), instances))
