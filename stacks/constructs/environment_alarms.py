"""What wakes somebody: an environment that Beanstalk finds unhealthy."""

from __future__ import annotations

from dataclasses import dataclass

from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

from stacks.alarms import PERIOD, alarm_above

# EnvironmentHealth is a number: 0 Ok, 1 Info, 5 Unknown, 10 No data, 15 Warning, 20 Degraded, 25 Severe.
_WARNING = 15


@dataclass(frozen=True, kw_only=True)
class EnvironmentAlarmsProps:
    """What EnvironmentAlarms needs to know."""

    model: str
    """Whose environment it is, for people."""
    environment_name: str


class EnvironmentAlarms(Construct):
    """An alarm on enhanced health, the one metric of Beanstalk that costs nothing.

    Rates of errors and latency are none of it: a compose application has no proxy of Beanstalk whose log
    they would be counted from. Machines out of service and failing /ping show in the health.
    """

    def __init__(self, scope: Construct, construct_id: str, *, props: EnvironmentAlarmsProps) -> None:
        super().__init__(scope, construct_id)
        alarm_above(
            self,
            "Health",
            metric=cloudwatch.Metric(
                namespace="AWS/ElasticBeanstalk",
                metric_name="EnvironmentHealth",
                dimensions_map={"EnvironmentName": props.environment_name},
                statistic=cloudwatch.Stats.MAXIMUM,
                period=PERIOD,
            ),
            threshold=_WARNING,
            description=f"{props.model}: Beanstalk finds the environment degraded",
        )
