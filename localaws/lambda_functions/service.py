"""All functions that run here: from a version and an event to an outcome."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress

from localaws.errors import LocalAwsError
from localaws.lambda_functions.environment import Form
from localaws.lambda_functions.errors import FailedError
from localaws.lambda_functions.function import Function, Invocation, Outcome
from localaws.lambda_functions.host import Host
from localaws.lambda_functions.memory import INTERVAL_S
from localaws.lambda_functions.pool import Pool
from localaws.ports import Scope

PROCESSES = 8  # of one version at once
CONTAINERS = 3
QUEUE_S = 20.0
MAX_IDLE_S = 300.0  # AWS says nothing of it; five to fifteen minutes are seen
_REAP_S = 5.0

Key = tuple[Scope, str, str]


class Functions:
    """`form_of` prepares a version: its environment, its code, or its image. Raises LocalAwsError."""

    def __init__(self, host: Host, form_of: Callable[[Function], Form]) -> None:
        self._host = host
        self._form_of = form_of
        self._pools: dict[Key, Pool] = {}
        self._preparing: dict[Key, threading.Lock] = {}
        self._lock = threading.Lock()
        self._background = ThreadPoolExecutor(4, "lambda-ends")
        self._wake = threading.Event()
        self._stopped = False
        threading.Thread(target=self._keep_house, name="lambda-keeper", daemon=True).start()

    @property
    def ports(self) -> tuple[int, ...]:
        """Where Runtime APIs listen."""
        return tuple(port for pool in self._all() for port in pool.ports)

    def prepare(self, function: Function) -> None:
        """Make what the first start would have to wait for. Raises LocalAwsError.

        What is wrong with the function itself, its first event is told.
        """
        with suppress(FailedError):
            self._pool(function)

    def prepare_soon(self, function: Function) -> None:
        """As `prepare`, beside the caller; what fails is said by the first invocation."""

        def prepare() -> None:
            with suppress(LocalAwsError, FailedError):
                self._pool(function)

        self._background.submit(prepare)

    def invoke(self, function: Function, invocation: Invocation) -> Outcome:
        """Have an event handled. Raises ThrottledError."""
        try:
            pool = self._pool(function)
        except FailedError as error:
            return Outcome(error.answer(invocation.request_id), failed=True)
        except LocalAwsError as error:
            failure = FailedError("Sandbox.Failed", str(error))
            return Outcome(failure.answer(invocation.request_id), failed=True)
        self._wake.set()
        return pool.invoke(invocation)

    def provision(self, function: Function, count: int) -> None:
        """Keep environments started ahead of events. Raises FailedError, LocalAwsError."""
        if count or _key(function) in self._pools:
            self._wake.set()
            self._pool(function).provision(count)

    def warm(self, function: Function) -> None:
        """Start one environment before its first event. Raises FailedError, LocalAwsError."""
        self._wake.set()
        self._pool(function).warm()

    def forget(self, scope: Scope, name: str, version: str | None = None, *, wait: bool = False) -> None:
        """End the environments of a function, or of one version of it; those with an event end after it."""
        with self._lock:
            keys = [key for key in self._pools if key[:2] == (scope, name) and version in (None, key[2])]
            pools = [self._pools.pop(key) for key in keys]
        for pool in pools:
            if wait:
                pool.close(wait=True)
            else:
                self._background.submit(pool.close, wait=True)

    def stop(self) -> None:
        """End every process at once."""
        self._stopped = True
        for pool in self._all():
            pool.kill()

    def _pool(self, function: Function) -> Pool:
        key = _key(function)
        if (pool := self._pools.get(key)) and pool.function == function:
            return pool
        with self._lock:
            preparing = self._preparing.setdefault(key, threading.Lock())
        with preparing:
            before = self._pools.get(key)
            if before and before.function == function:
                return before
            form = self._form_of(function)
            size = CONTAINERS if form.limits_memory else PROCESSES
            pool = Pool(
                function, form, self._host, size=size, queue_s=QUEUE_S, background=self._background.submit
            )
            with self._lock:
                self._pools[key] = pool
        if before:
            self._background.submit(before.close, wait=True)
        return pool

    def _all(self) -> list[Pool]:
        with self._lock:
            return list(self._pools.values())

    def _keep_house(self) -> None:
        """Watch memory while anything runs, and end what nobody uses."""
        reaped = busy_at = 0.0
        while not self._stopped:
            now = time.monotonic()
            for pool in self._all():
                for environment in pool.busy:
                    environment.look()
                    busy_at = now
            if now - reaped > _REAP_S:
                reaped = now
                for pool in self._all():
                    pool.reap(MAX_IDLE_S)
            if self._wake.is_set():
                self._wake.clear()
                busy_at = now
            if now - busy_at < 1:
                time.sleep(INTERVAL_S)
            else:
                self._wake.wait(_REAP_S)


def _key(function: Function) -> Key:
    return function.scope, function.name, function.version
