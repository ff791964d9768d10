"""One instance: its id, its log, and the application that runs on it."""

import threading
import time
import uuid
from collections.abc import Callable

from localaws.beanstalk.fleet.application import Application
from localaws.beanstalk.fleet.host import Host
from localaws.beanstalk.fleet.instance_log import InstanceLog
from localaws.beanstalk.running import Deployment
from localaws.ports import Scope


class Instance:
    """A machine of its own on AWS, and here an id with a process."""

    def __init__(self, host: Host, scope: Scope, environment_name: str, on_exit: Callable[[], None]) -> None:
        self.id = f"i-{uuid.uuid4().hex[:17]}"
        self.launched_at = time.time()
        self.log = InstanceLog(host.shipper, self.id)
        self.application: Application | None = None
        self.starting: Application | None = None
        self.unhealthy_since: float | None = None
        self.cause = ""
        self._lock = threading.Lock()  # what is found out about an application must not hit its successor
        self._host = host
        self._scope = scope
        self._name = environment_name
        self._on_exit = on_exit

    def prepare(self, deployment: Deployment) -> Application:
        """Start a deployment beside what runs here, and return it once it is healthy. Raises FleetError.

        What ran goes on, whatever happens: on AWS, too, the Docker platform has the new image before it stops
        the old container; that the old one waits for the new one's health is of this machine alone.
        """
        folder = (
            self._host.fleets / f"{self._name}-{self.id}-{deployment.deployment_id}-{uuid.uuid4().hex[:4]}"
        )
        application = Application(
            self._host, self._scope, self.id, folder, deployment, self.log, self._exited
        )
        self.starting = application
        try:
            application.start()
            application.wait_until_healthy()
        except BaseException:
            application.stop(1.0)
            raise
        finally:
            self.starting = None
        return application

    def run(self, application: Application) -> Application | None:
        """Let a prepared application be what runs here, and return the one before."""
        with self._lock:
            before, self.application = self.application, application
            self.unhealthy_since, self.cause = None, ""
        return before

    def failing(self, application: Application, cause: str) -> bool:
        """Take no requests, and note why; False where something else runs here by now."""
        with self._lock:
            if application is not self.application:
                return False
            self.unhealthy_since, self.cause = self.unhealthy_since or time.time(), cause
        return True

    def passing(self, application: Application) -> bool:
        """Take requests again; False where something else runs here by now."""
        with self._lock:
            if application is not self.application:
                return False
            self.unhealthy_since, self.cause = None, ""
        return True

    def stop(self, grace_s: float | None = None) -> None:
        """End what runs here."""
        for application in (self.starting, self.application):
            if application:
                application.stop(grace_s)
        self.log.close()

    def _exited(self, application: Application, code: int) -> None:
        if self.failing(application, f"The container exited with code {code if code >= 0 else 128 - code}."):
            self._on_exit()
