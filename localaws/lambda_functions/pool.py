"""The execution environments of one version of a function: started, taken, kept warm, ended."""

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from localaws.lambda_functions.environment import ExecutionEnvironment, Form
from localaws.lambda_functions.errors import FailedError, ThrottledError
from localaws.lambda_functions.function import Function, Invocation, Outcome
from localaws.lambda_functions.host import Host

_AHEAD = "provisioned-concurrency"
_AHEAD_S = 130.0  # what a start ahead of events may take, as on AWS
_AT_ONCE = max(2, os.cpu_count() or 1)  # more starts at once would all be slow


class Pool:
    """At most `size` environments. An event for which none is free waits up to `queue_s` seconds.

    AWS would start one for every event, up to the account's limit; this machine cannot.
    """

    def __init__(
        self, function: Function, form: Form, host: Host, *, size: int, queue_s: float,
        background: Callable[[Callable[[], None]], object], init_s: float = 10.0,
    ) -> None:  # fmt: skip
        """`init_s` is what a start for an event may take; Lambda's is 10 s."""
        self.function = function
        self._form = form
        self._host = host
        self._size = size
        self._queue_s = queue_s
        self._init_s = init_s
        self._background = background
        self._changed = threading.Condition()
        self._idle: list[ExecutionEnvironment] = []
        self._busy: set[ExecutionEnvironment] = set()
        self._slots = 0  # environments, from before they start until they are removed
        self._starting = 0
        self._waiting = 0
        self._ahead = 0  # how many provisioned concurrency asks for
        self._closed = False
        self._released = False

    @property
    def _kind(self) -> str:
        return "snap-start" if self.function.snap_start else "on-demand"

    @property
    def busy(self) -> tuple[ExecutionEnvironment, ...]:
        """Those that start or have an event."""
        with self._changed:
            return tuple(self._busy)

    @property
    def ports(self) -> tuple[int, ...]:
        """Where the Runtime APIs listen."""
        with self._changed:
            return tuple(environment.port for environment in (*self._idle, *self._busy))

    def invoke(self, invocation: Invocation) -> Outcome:
        """Have an event handled. Raises ThrottledError."""
        while True:
            environment = self._taken()
            if environment is None:
                environment, error = self._started(self._kind)
                if error is not None:
                    outcome = environment.refuse(invocation, error)
                    self._drop(environment)
                    return outcome
            try:
                if handled := environment.invoke(invocation):
                    return handled
            finally:
                self._give_back(environment)

    def warm(self) -> None:
        """Have one environment ready. Raises FailedError."""
        environment = self._taken()
        if environment is None:
            environment, error = self._started(self._kind)
            if error is not None:
                self._drop(environment)
                raise error
        self._give_back(environment)

    def provision(self, count: int) -> None:
        """Keep `count` environments started ahead of events. Raises FailedError where one does not start.

        No more than this machine's share are started.
        """
        with self._changed:
            self._ahead = min(count, self._size)
            missing = min(self._ahead - self._count_ahead(), self._size - self._slots)
            missing = 0 if self._closed else max(0, missing)
            self._slots += missing
            self._starting += missing
        if missing:
            with ThreadPoolExecutor(_AT_ONCE) as threads:
                errors = list(threads.map(lambda _: self._start_ahead(), range(missing)))
            if failed := next((error for error in errors if error), None):
                raise failed
        self.reap(float("inf"))

    def reap(self, max_idle_s: float) -> None:
        """End the environments that were idle for longer, and what provisioned concurrency has too many."""
        with self._changed:
            oldest = time.monotonic() - max_idle_s
            spare = max(0, self._count_ahead() - self._ahead)
            ending = [e for e in self._idle if e.initialization == _AHEAD][:spare]
            ending += [e for e in self._idle if e.initialization != _AHEAD and e.last_used < oldest]
            self._idle = [e for e in self._idle if e not in ending]
        self._end(ending)

    def close(self, *, wait: bool = False) -> None:
        """Take no new function's events: those inside and those that wait are handled, then all end."""
        with self._changed:
            self._closed = True
            ending = self._swept()
        self._end(ending, wait=wait)
        self._release()

    def kill(self) -> None:
        """End every process at once."""
        with self._changed:
            self._closed = True
            everything = (*self._idle, *self._busy)
        for environment in everything:
            environment.kill("Runtime.ExitError")

    def _taken(self) -> ExecutionEnvironment | None:
        """Return an environment, or None for the right to start one."""
        deadline = time.monotonic() + self._queue_s
        with self._changed:
            self._waiting += 1
            try:
                while True:
                    self._drop_dead()
                    if self._idle:
                        environment = self._idle.pop()
                        self._busy.add(environment)
                        return environment
                    if self._slots < self._size and self._starting < _AT_ONCE:
                        self._slots += 1
                        self._starting += 1
                        return None
                    if not self._changed.wait(deadline - time.monotonic()):
                        raise ThrottledError
            finally:
                self._waiting -= 1

    def _started(self, kind: str) -> tuple[ExecutionEnvironment, FailedError | None]:
        """Start an environment, as Lambda does for an event.

        A start that takes too long is ended and made once more, within the function's own time limit. AWS
        makes one that failed once more as well; here its error is final.
        """
        try:
            environment = self._made(kind)
            error = environment.started(self._init_s if kind == "on-demand" else _AHEAD_S)
            if error and error.error_type == "Sandbox.Timedout" and kind == "on-demand":
                with self._changed:
                    self._busy.discard(environment)
                environment.remove()
                environment = self._made(kind)
                error = environment.started(self.function.timeout_s)
        except BaseException:
            with self._changed:
                self._slots -= 1
            raise
        finally:
            with self._changed:
                self._starting -= 1
                self._changed.notify_all()
        return environment, error

    def _start_ahead(self) -> FailedError | None:
        environment, error = self._started(_AHEAD)
        if error is None:
            self._give_back(environment)
        else:
            self._drop(environment)
        return error

    def _made(self, kind: str) -> ExecutionEnvironment:
        environment = ExecutionEnvironment(self.function, self._form, self._host, kind)
        with self._changed:
            self._busy.add(environment)
        return environment

    def _give_back(self, environment: ExecutionEnvironment) -> None:
        with self._changed:
            self._busy.discard(environment)
            self._idle.append(environment)
            self._drop_dead()
            ending = self._swept()
            self._changed.notify()
        self._end(ending)

    def _drop(self, environment: ExecutionEnvironment) -> None:
        with self._changed:
            self._busy.discard(environment)
        self._end([environment])

    def _drop_dead(self) -> None:
        dead = [environment for environment in self._idle if not environment.alive]
        self._idle = [environment for environment in self._idle if environment not in dead]
        self._end(dead)

    def _swept(self) -> list[ExecutionEnvironment]:
        """Take out what nobody needs of a closed pool."""
        if not self._closed or self._waiting:
            return []
        ending, self._idle = self._idle, []
        return ending

    def _count_ahead(self) -> int:
        everything = (*self._idle, *self._busy)
        return len([e for e in everything if e.initialization == _AHEAD])

    def _end(self, environments: list[ExecutionEnvironment], *, wait: bool = False) -> None:
        """Remove environments, away from the caller's thread: that waits for the log's last lines."""

        def end() -> None:
            for environment in environments:
                environment.remove()
                with self._changed:
                    self._slots -= 1
                    self._changed.notify_all()
            self._release()

        if environments:
            if wait:
                end()
            else:
                self._background(end)

    def _release(self) -> None:
        with self._changed:
            over = self._closed and not (self._slots or self._waiting or self._released)
            self._released = self._released or over
        if over:
            self._form.release()
