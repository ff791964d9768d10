"""The metrics that every invocation of a function leaves.

Source: "Types of metrics for Lambda functions" and "Viewing CloudWatch metrics" in the Lambda developer
guide: one observation a dimension set, and a throttled request is no invocation and no error.
"""

from dataclasses import dataclass

from localaws.ports import Metric, Scope


@dataclass(frozen=True)
class FunctionInvocation:
    """One request. `qualifier` is the alias or version that was asked for, "" for none."""

    scope: Scope
    function: str
    qualifier: str
    duration_ms: float
    failed: bool = False
    throttled: bool = False
    namespace: str = "AWS/Lambda"

    def metrics(self) -> tuple[Metric, ...]:
        """Return the observations."""
        by_name = (("FunctionName", self.function),)
        resource = f"{self.function}:{self.qualifier}" if self.qualifier else self.function
        return tuple(
            metric
            for dimensions in (by_name, (*by_name, ("Resource", resource)))
            for metric in self._observed(dimensions)
        )

    def _observed(self, dimensions: tuple[tuple[str, str], ...]) -> tuple[Metric, ...]:
        throttles = Metric("Throttles", float(self.throttled), "Count", dimensions)
        if self.throttled:
            return (throttles,)
        return (
            Metric("Invocations", 1, "Count", dimensions),
            Metric("Errors", float(self.failed), "Count", dimensions),
            Metric("Duration", self.duration_ms, "Milliseconds", dimensions),
            throttles,
        )
