"""What is kept of each request: a line in the stage's access log, and metrics. Requests only append; one
thread sends.

Sources: "Set up CloudWatch logging for REST APIs" and "Amazon API Gateway dimensions and metrics" in the
API Gateway developer guide.
"""

import hashlib
import threading
import time
from collections import deque
from contextlib import suppress
from dataclasses import dataclass
from typing import Protocol

from localaws.apigateway import access_log
from localaws.apigateway.exchange import Exchange
from localaws.ports import AccessDeniedError, Credentials, LogSink, Metric, MetricSink, NotFoundError, Scope

_NAMESPACE = "AWS/ApiGateway"
_INTERVAL_S = 0.5
_MAX_BATCH = 1000


@dataclass(frozen=True)
class _Line:
    destination: str
    """The ARN of a log group."""
    stream: str
    scope: Scope
    moment_ms: int
    text: str


class LogAccess(Protocol):
    """The right to write access logs, as API Gateway gets it: from the account's CloudWatch role."""

    def credentials(self, scope: Scope) -> Credentials:
        """Return a session that may write. Raises AccessDeniedError where the account has named no role."""


class Recorder:
    """Collects lines and observations, and sends them twice a second."""

    def __init__(self, logs: LogSink, access: LogAccess, metrics: MetricSink) -> None:
        self._logs, self._access, self._metrics = logs, access, metrics
        self._lines: deque[_Line] = deque()
        self._observed: deque[tuple[Scope, tuple[Metric, ...]]] = deque()
        self._scopes: set[Scope] = set()
        self._wake = threading.Event()
        threading.Thread(target=self._run, name="api-records", daemon=True).start()

    def add(self, exchange: Exchange) -> None:
        """Take one finished exchange; returns at once."""
        stage = exchange.stage
        if exchange.answer is None:
            return
        self._observed.append((stage.scope, _metrics(exchange, exchange.answer.status)))
        settings = stage.settings.get("accessLogSettings") or {}
        if settings.get("destinationArn") and settings.get("format"):
            text = access_log.line(settings["format"], exchange)
            stream = hashlib.md5(f"{stage.api_id}/{stage.name}".encode(), usedforsecurity=False).hexdigest()
            moment = int(exchange.request.received * 1000)
            self._lines.append(_Line(settings["destinationArn"], stream, stage.scope, moment, text))

    def flush(self) -> None:
        """Send what is waiting."""
        batches: dict[tuple[str, str, Scope], list[tuple[int, str]]] = {}
        while self._lines:
            line = self._lines.popleft()
            batches.setdefault((line.destination, line.stream, line.scope), []).append(
                (line.moment_ms, line.text)
            )
        for (destination, stream, scope), lines in batches.items():
            group = destination.partition(":log-group:")[2].removesuffix(":*")
            # A role without the right, or a group that is gone, gets no log, as on AWS.
            with suppress(AccessDeniedError, NotFoundError, OSError):
                credentials = self._access.credentials(scope)
                for start in range(0, len(lines), _MAX_BATCH):
                    self._logs.write(group, stream, sorted(lines[start : start + _MAX_BATCH]), credentials)
        observed: dict[Scope, list[Metric]] = {}
        while self._observed:
            scope, metrics = self._observed.popleft()
            observed.setdefault(scope, []).extend(metrics)
        for scope, found in observed.items():
            self._metrics.record(_NAMESPACE, found, scope)
        for scope in observed:
            self._metrics.evaluate_alarms(scope)

    def _run(self) -> None:
        while not self._wake.wait(_INTERVAL_S):
            self.flush()


def _metrics(exchange: Exchange, status: int) -> tuple[Metric, ...]:
    stage = exchange.stage
    name = ("ApiName", str(stage.deployment.api.get("name", "")))
    values = [
        ("Count", 1.0, "Count"),
        ("4XXError", float(400 <= status < 500), "Count"),
        ("5XXError", float(status >= 500), "Count"),
        ("Latency", (time.perf_counter() - exchange.request.started) * 1000, "Milliseconds"),
    ]
    if exchange.integration_ms is not None:
        values.append(("IntegrationLatency", exchange.integration_ms, "Milliseconds"))
    where = ((name,), (name, ("Stage", stage.name)))
    return tuple(Metric(*value, dimensions) for value in values for dimensions in where)
