"""One environment: its state machine, and what it tells of itself."""

import threading
import time
from collections.abc import Callable

from localaws.beanstalk import names
from localaws.beanstalk.configuration import Configuration
from localaws.beanstalk.errors import invalid_value
from localaws.beanstalk.events import REQUEST, Event, Events
from localaws.beanstalk.parts import Parts
from localaws.beanstalk.rollout import LaunchError, Rollout
from localaws.beanstalk.running import Fleet, Health
from localaws.ports import Scope

_SETTLED = ("Ready", "Terminated")
_CALM = ("Ok", "Info", "Pending")
_PENDING = Health("Grey", "Pending")
_UNKNOWN = Health("Grey", "Unknown")
_NOBODY = Health("Red", "Severe", ("There are no instances.",))  # the application did not start


class Environment:
    """A named environment. A change runs on a thread; one at a time, and events say how it went.

    `status` is Launching, Updating, Ready, Terminating or Terminated. Its own address and its CNAME are two
    ports of 127.0.0.1; a swap exchanges what the CNAMEs of two environments lead to.
    """

    def __init__(
        self, parts: Parts, scope: Scope, events: Events, application: str, name: str, wanted: Configuration
    ) -> None:
        self.name = name
        self.id = names.new_environment_id()
        self.application = application
        self.arn = names.arn(scope, "environment", application, name)
        self.description = ""
        self.scope = scope
        self.status = "Launching"
        self.created = self.updated = time.time()
        self.current = wanted
        self.port, self.cname_port = parts.routes.listen(), parts.routes.listen()
        self._parts = parts
        self._events = events
        self._changed = threading.Condition()
        self.aborted = False
        self._seen_status = _PENDING.status
        self._request_id = REQUEST.get()
        self._watched = threading.Lock()
        self.fleet = self._new_fleet()
        self._rollout = Rollout(parts, scope, self)

    @property
    def cname(self) -> str:
        """Where people ask it."""
        return f"127.0.0.1:{self.cname_port}"

    @property
    def endpoint(self) -> str:
        """The address of its own load balancer, or of its one instance."""
        return f"127.0.0.1:{self.port}"

    @property
    def ports(self) -> tuple[int, ...]:
        """What it listens on."""
        return () if self.status == "Terminated" else (self.port, self.cname_port)

    def say(self, severity: str, message: str) -> None:
        """Write an event, as one of the request at hand or else of the change under way."""
        request_id = REQUEST.get() or (self._request_id if self.status not in _SETTLED else "")
        event = Event(
            severity, message, self.application, self.name, request_id=request_id, environment_id=self.id
        )
        self._events.add(event)

    def errors(self) -> list[str]:
        """Return what went wrong so far, the oldest first."""
        return [event.message for event in self._events.of(self.id) if event.severity == "ERROR"]

    def launch(self) -> None:
        """Begin to start it; returns at once."""
        self.say("INFO", "createEnvironment is starting.")
        self._start(self._launch)

    def update(self, wanted: Configuration) -> None:
        """Begin to bring it to another configuration. Raises ApiError where it is not Ready."""
        self._claim("Updating")
        self.say("INFO", "Environment update is starting.")
        self._start(lambda: self._update(wanted))

    def rebuild(self) -> None:
        """Begin to replace every instance. Raises as `update` does."""
        self._claim("Updating")
        self.say("INFO", "rebuildEnvironment is starting.")
        self._start(self._rebuild)

    def restart(self) -> None:
        """Begin to restart the application on every instance. Raises as `update` does."""
        self._claim("Updating")
        self.say("INFO", "restartAppServer is starting.")
        self._start(self._rollout.restart)

    def terminate(self) -> None:
        """Begin to take it down. Raises as `update` does."""
        self._claim("Terminating")
        self.say("INFO", "terminateEnvironment is starting.")
        self._start(self._terminate)

    def abort(self) -> None:
        """Give up the update under way. Raises ApiError where there is none."""
        if self.status != "Updating":
            raise invalid_value(
                f"Environment named {self.name} is in an invalid state for this operation. "
                "Must be pending deployment."
            )
        self.say("INFO", "abortEnvironmentUpdate is starting.")
        self.aborted = True
        self.fleet.abort()

    def swap(self, other: "Environment") -> None:
        """Begin to exchange the CNAMEs of two environments. Raises as `update` does; then none changes."""
        self._claim("Updating")
        try:
            other._claim("Updating")
        except Exception:
            self._settle("Ready")
            raise
        both = (self, other)
        for environment in both:
            environment.say("INFO", "swapEnvironmentCNAMEs is starting.")
        self._start(lambda: _swap(*both))

    def wait(self, timeout_s: float) -> str:
        """Wait until no change is under way, and return the status."""
        with self._changed:
            self._changed.wait_for(lambda: self.status in _SETTLED, timeout_s)
            return self.status

    def kill(self) -> None:
        """End every process at once; for when the server itself stops."""
        self.fleet.kill()

    def health(self) -> Health:
        """Return how it is now."""
        if self.status in ("Ready", "Updating"):
            health = self.fleet.health()
            if health.instances:
                return health
        if self.status == "Ready":
            return _NOBODY
        return _UNKNOWN if self.status.startswith("Terminat") else _PENDING

    def watch(self) -> Health | None:
        """Write an event where the health has changed since the last look. None once it is on its way out."""
        if self.status not in ("Ready", "Updating"):
            return None
        with self._watched:
            health = self.health()
            before, self._seen_status = self._seen_status, health.status
        if before != health.status:
            causes = " ".join(health.causes)
            text = f"Environment health has transitioned from {before} to {health.status}. {causes}".rstrip()
            self.say("INFO" if health.status in _CALM else "WARN", text)
        return health

    def _new_fleet(self) -> Fleet:
        fleet = self._parts.fleet(self.scope, self.name, self.id, self.say)
        fleet.on_change = self._look
        return fleet

    def _look(self) -> None:
        self.watch()

    def _claim(self, status: str) -> None:
        with self._changed:
            if self.status != "Ready":
                raise invalid_value(
                    f"Environment named {self.name} is in an invalid state for this operation. Must be Ready."
                )
            self.status, self.aborted = status, False
            self.updated = time.time()
            self._request_id = REQUEST.get()

    def _settle(self, status: str) -> None:
        with self._changed:
            self.status, self.updated = status, time.time()
            self._changed.notify_all()

    def _start(self, work: Callable[[], str | None]) -> None:
        threading.Thread(target=self._run, args=(work,), name=f"change-{self.name}", daemon=True).start()

    def _run(self, work: Callable[[], str | None]) -> None:
        """Do one change; whatever happens, the environment is left in a state that allows the next."""
        status: str | None = None
        try:
            status = work()
        except Exception as error:
            self.say("ERROR", f"Internal failure: {type(error).__name__}: {error}")
            raise
        finally:
            self._settle(status or "Ready")
            self.watch()

    def _launch(self) -> str:
        for port in (self.port, self.cname_port):
            self._parts.routes.route(port, self.fleet.target_group)
        try:
            complete = self._rollout.first(self.current)
        except LaunchError as error:
            self.say("ERROR", str(error))
            self.say("ERROR", "Failed to launch environment.")
            self._take_down()
            return "Terminated"
        self.say("INFO", f"Application available at {self.cname}.")
        if complete:
            self.say("INFO", f"Successfully launched environment: {self.name}")
        else:
            self.say(
                "ERROR",
                "Create environment operation is complete, but with errors. For more information, see "
                "troubleshooting documentation.",
            )
        return "Ready"

    def _update(self, wanted: Configuration) -> str:
        old, self.current = self.current, wanted
        done = False
        try:
            done = self._rollout.to(wanted, old)
        finally:
            self.current = wanted if done else old
        return "Ready"

    def _rebuild(self) -> str:
        self.fleet.terminate()
        self.fleet = self._new_fleet()
        if self._rollout.first(self.current):
            self.say("INFO", "rebuildEnvironment completed successfully.")
        return "Ready"

    def _terminate(self) -> str:
        self._take_down()
        self.say("INFO", "terminateEnvironment completed successfully.")
        return "Terminated"

    def _take_down(self) -> None:
        for port in (self.port, self.cname_port):
            self._parts.routes.close(port)
        self.fleet.terminate()


def _swap(one: Environment, other: Environment) -> str:
    """Exchange what two CNAMEs lead to, and then who has which."""
    pair = f"'{one.name}' and '{other.name}'"
    one.say("INFO", f"Swapping CNAMEs for environments {pair}.")
    one._parts.routes.swap(one.cname_port, other.cname_port)
    one.cname_port, other.cname_port = other.cname_port, one.cname_port
    for environment in (one, other):
        environment.say("INFO", f"Completed swapping CNAMEs for environments {pair}.")
    other._settle("Ready")
    return "Ready"
