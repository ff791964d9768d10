"""What wakes somebody: errors and slowness of an endpoint."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import ERROR_SHARE, PERIOD, alarm_above

_US_PER_MS = 1000


@dataclass(frozen=True, kw_only=True)
class EndpointAlarmsProps:
    """What EndpointAlarms needs to know."""

    endpoint_name: str
    """The name as text: a reference would make the alarms wait for the endpoint."""
    variant_name: str
    latency_ms: int
    """Alarm when the p99 of the model's own time is above this."""


class EndpointAlarms(Construct):
    """Alarms on a variant's share of 5xx answers and on its p99; no traffic is no alarm."""

    def __init__(self, scope: Construct, construct_id: str, *, props: EndpointAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {"EndpointName": props.endpoint_name, "VariantName": props.variant_name}
        self.errors = alarm_above(
            self,
            "Errors",
            # One value of 0 or 1 a request, so the average is the share of requests that failed.
            metric=self._metric("Invocation5XXErrors", cloudwatch.Stats.AVERAGE),
            threshold=ERROR_SHARE,
            description=f"{props.endpoint_name}: more than {ERROR_SHARE:.0%} of requests end in a 5xx",
        )
        self.latency = alarm_above(
            self,
            "Latency",
            # ModelLatency is in microseconds.
            metric=self._metric("ModelLatency", "p99"),
            threshold=props.latency_ms * _US_PER_MS,
            description=f"{props.endpoint_name}: the model takes longer than {props.latency_ms} ms (p99)",
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/SageMaker",
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=PERIOD,
        )
