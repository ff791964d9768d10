"""Days of log retention as CDK's enumeration."""

from __future__ import annotations

from typing import Final

from aws_cdk.aws_logs import RetentionDays

_DAYS: Final = {
    1: RetentionDays.ONE_DAY,
    3: RetentionDays.THREE_DAYS,
    5: RetentionDays.FIVE_DAYS,
    7: RetentionDays.ONE_WEEK,
    14: RetentionDays.TWO_WEEKS,
    30: RetentionDays.ONE_MONTH,
    60: RetentionDays.TWO_MONTHS,
    90: RetentionDays.THREE_MONTHS,
    180: RetentionDays.SIX_MONTHS,
    365: RetentionDays.ONE_YEAR,
    731: RetentionDays.TWO_YEARS,
}


def log_retention(days: int) -> RetentionDays:
    """Return the enumeration's member for a number of days that the settings allow."""
    return _DAYS[days]
