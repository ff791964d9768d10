"""The metrics every endpoint and every function publishes.

Requests only append to a list; one thread does the rest.
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Protocol

from localaws.ports import Metric, MetricSink, Scope

_INTERVAL_S = 1.0


class Observed(Protocol):
    """Something that leaves metrics: where, in which of AWS's namespaces, and which."""

    @property
    def scope(self) -> Scope:
        """The account and region."""

    @property
    def namespace(self) -> str:
        """As in "AWS/SageMaker"."""

    def metrics(self) -> tuple[Metric, ...]:
        """Return the observations."""


@dataclass(frozen=True)
class Invocation:
    """One request that reached a variant. Times are microseconds; `status` is the model server's."""

    scope: Scope
    endpoint: str
    variant: str
    status: int
    model_latency_us: float
    overhead_latency_us: float
    namespace: str = "AWS/SageMaker"

    def metrics(self) -> tuple[Metric, ...]:
        """Return the observations, as SageMaker names and counts them: an error metric is 0 for a success."""
        where = (("EndpointName", self.endpoint), ("VariantName", self.variant))
        return (
            Metric("Invocations", 1, "None", where),
            Metric("ModelLatency", self.model_latency_us, "Microseconds", where),
            Metric("OverheadLatency", self.overhead_latency_us, "Microseconds", where),
            Metric("Invocation4XXErrors", float(400 <= self.status < 500), "None", where),
            Metric("Invocation5XXErrors", float(not 200 <= self.status < 500), "None", where),
        )


class InvocationMeter:
    """Collects invocations and publishes them every second, then lets alarms see them."""

    def __init__(self, sink: MetricSink) -> None:
        self._sink = sink
        # Appending to a deque is atomic: no lock on the request path.
        self._pending: deque[Observed] = deque()
        self._scopes: set[Scope] = set()
        self._wake = threading.Event()
        threading.Thread(target=self._run, name="invocation-meter", daemon=True).start()

    def add(self, invocation: Observed) -> None:
        """Take one invocation; returns at once."""
        self._pending.append(invocation)

    def flush(self) -> None:
        """Publish what is waiting."""
        batches: dict[tuple[str, Scope], list[Metric]] = {}
        while self._pending:
            invocation = self._pending.popleft()
            batches.setdefault((invocation.namespace, invocation.scope), []).extend(invocation.metrics())
        for (namespace, scope), metrics in batches.items():
            self._sink.record(namespace, metrics, scope)
            self._scopes.add(scope)
        for scope in self._scopes:  # also without new data: an alarm's window moves on
            self._sink.evaluate_alarms(scope)

    def _run(self) -> None:
        while not self._wake.wait(_INTERVAL_S):
            self.flush()
