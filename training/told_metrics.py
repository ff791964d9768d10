"""The metrics that a training tells in its log, found as SageMaker finds them."""

from __future__ import annotations

import re

from stacks.settings import ModelSettings

# How AWS's image for XGBoost tells them: [12]  train-rmse:1.5  validation-rmse:2.5
_BUILTIN_LINE = re.compile(r"\[\d+\]\s")
_BUILTIN_METRIC = re.compile(r"\s(train|validation)-([\w@.-]+):(\S+)")
# SageMaker keeps metrics as 32-bit floats, which hold so many digits.
_DIGITS = 6


class ToldMetrics:
    """Reads a log line by line and keeps the last value of each metric.

    The built-in algorithm's are called `validation:rmse`; a script's have the names of `[train] metrics`.
    """

    def __init__(self, settings: ModelSettings) -> None:
        self._builtin = settings.model.framework == "xgboost"
        self._patterns = {name: re.compile(text) for name, text in settings.train.metrics.items()}
        self._last: dict[str, float] = {}

    def read(self, line: str) -> None:
        """Take one line; what an expression finds and is no number is dropped, as on SageMaker."""
        for name, text in self._found(line):
            try:
                self._last[name] = as_metric(float(text))
            except ValueError:
                continue

    @property
    def last(self) -> dict[str, float]:
        """The last value of each metric, by name."""
        return dict(sorted(self._last.items()))

    def _found(self, line: str) -> list[tuple[str, str]]:
        if self._builtin:
            if not _BUILTIN_LINE.match(line):
                return []
            return [(f"{part}:{name}", value) for part, name, value in _BUILTIN_METRIC.findall(line)]
        matches = ((name, pattern.search(line)) for name, pattern in self._patterns.items())
        return [(name, match[1]) for name, match in matches if match]


def as_metric(value: float) -> float:
    """Return a metric with the digits that SageMaker keeps."""
    return float(f"{value:.{_DIGITS}g}")
