"""The metrics of one job: values found in the lines that its hosts print."""

import math
import re
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from localaws.images.prebuilt import MetricDefinition
from localaws.ports import Metric, MetricSink, Scope

NAMESPACE = "/aws/sagemaker/TrainingJobs"
_MAX_LINE = 10_000  # characters that are searched: an expression may take long on more


class MetricWatch:
    """Searches lines, on the thread of each host, and publishes what it found when asked to."""

    def __init__(
        self, definitions: Sequence[MetricDefinition], job: str, sink: MetricSink, scope: Scope
    ) -> None:
        self._patterns = [(entry.name, re.compile(entry.regex)) for entry in definitions]
        self._dimensions = (("TrainingJobName", job),)
        self._sink = sink
        self._scope = scope
        self._last: dict[str, tuple[float, float]] = {}
        self._waiting: list[Metric] = []
        self._lock = threading.Lock()

    def search(self, line: tuple[int, str]) -> None:
        """Look for every metric in one line: (milliseconds since 1970, text)."""
        moment, text = line
        for name, pattern in self._patterns:
            if match := pattern.search(text[:_MAX_LINE]):
                with suppress(TypeError, ValueError):  # text, or a group that took no part
                    self._add(name, float(match[1]), moment / 1000)

    def _add(self, name: str, value: float, moment: float) -> None:
        if math.isfinite(value):  # CloudWatch takes no others
            with self._lock:
                self._last[name] = (value, moment)
                self._waiting.append(Metric(name, value, "None", self._dimensions))

    def publish(self) -> None:
        """Send what was found since the last time."""
        with self._lock:
            waiting, self._waiting = self._waiting, []
        if waiting:
            self._sink.record(NAMESPACE, waiting, self._scope)
            self._sink.evaluate_alarms(self._scope)

    def final(self) -> list[dict[str, Any]]:
        """Return FinalMetricDataList: the last value of each metric that was seen."""
        with self._lock:
            return [
                {"MetricName": name, "Value": value, "Timestamp": moment}
                for name, (value, moment) in self._last.items()
            ]
