"""How alarms are set: three bad minutes out of five, and no traffic is no alarm."""

from __future__ import annotations

from typing import Final

import aws_cdk as cdk
from aws_cdk import aws_cloudwatch as cloudwatch
from constructs import Construct

PERIOD: Final = cdk.Duration.minutes(1)
ERROR_SHARE: Final = 0.01
_DATAPOINTS, _PERIODS = 3, 5


def alarm_above(
    scope: Construct, construct_id: str, *, metric: cloudwatch.IMetric, threshold: float, description: str
) -> cloudwatch.Alarm:
    """Make an alarm on a metric that stays above a threshold.

    Args:
        scope: what the alarm is a part of.
        construct_id: its id there.
        metric: in periods of PERIOD.
        threshold: in the metric's unit.
        description: what is wrong when it rings.
    """
    alarm = cloudwatch.Alarm(
        scope,
        construct_id,
        metric=metric,
        threshold=threshold,
        comparison_operator=cloudwatch.ComparisonOperator.GREATER_THAN_THRESHOLD,
        datapoints_to_alarm=_DATAPOINTS,
        evaluation_periods=_PERIODS,
        treat_missing_data=cloudwatch.TreatMissingData.NOT_BREACHING,
        alarm_description=description,
    )
    alarm.apply_removal_policy(cdk.RemovalPolicy.DESTROY)
    return alarm
