"""What wakes somebody: errors and slowness of an API."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import ERROR_SHARE, PERIOD, alarm_above


@dataclass(frozen=True, kw_only=True)
class ApiAlarmsProps:
    """What ApiAlarms needs to know."""

    api_name: str
    """Its metrics go by its name, and not by its id."""
    stage_name: str
    latency_ms: int
    """Alarm when the p99 of whole requests is above this."""


class ApiAlarms(Construct):
    """Alarms on the share of 5xx answers, and on the p99 of the time until the answer."""

    def __init__(self, scope: Construct, construct_id: str, *, props: ApiAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {"ApiName": props.api_name, "Stage": props.stage_name}
        alarm_above(
            self,
            "Errors",
            # One value of 0 or 1 a request, so the average is the share of requests that failed.
            metric=self._metric("5XXError", cloudwatch.Stats.AVERAGE),
            threshold=ERROR_SHARE,
            description=f"{props.api_name}: more than {ERROR_SHARE:.0%} of requests end in a 5xx",
        )
        alarm_above(
            self,
            "Latency",
            metric=self._metric("Latency", "p99"),
            threshold=props.latency_ms,
            description=f"{props.api_name}: an answer takes longer than {props.latency_ms} ms (p99)",
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/ApiGateway",
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=PERIOD,
        )
