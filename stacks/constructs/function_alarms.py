"""What wakes somebody: errors and refusals of a function."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import ERROR_SHARE, PERIOD, alarm_above


@dataclass(frozen=True, kw_only=True)
class FunctionAlarmsProps:
    """What FunctionAlarms needs to know."""

    model: str
    """Whose function it is, for people."""
    function_name: str


class FunctionAlarms(Construct):
    """Alarms on the share of runs that fail, and on requests that Lambda takes no function for."""

    def __init__(self, scope: Construct, construct_id: str, *, props: FunctionAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        self._dimensions = {"FunctionName": props.function_name}
        alarm_above(
            self,
            "Errors",
            # One value of 0 or 1 a run.
            metric=self._metric("Errors", cloudwatch.Stats.AVERAGE),
            threshold=ERROR_SHARE,
            description=f"{props.model}: more than {ERROR_SHARE:.0%} of the function's runs fail",
        )
        alarm_above(
            self,
            "Throttles",
            metric=self._metric("Throttles", cloudwatch.Stats.SUM),
            threshold=0,
            description=f"{props.model}: Lambda refuses runs of the function, for want of concurrency",
        )

    def _metric(self, name: str, statistic: str) -> cloudwatch.Metric:
        return cloudwatch.Metric(
            namespace="AWS/Lambda",
            metric_name=name,
            dimensions_map=self._dimensions,
            statistic=statistic,
            period=PERIOD,
        )
