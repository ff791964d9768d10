"""All that an embedded AWS has in its log groups, as text."""

from __future__ import annotations

import time
from collections.abc import Callable

from slipway.aws import Aws

_LATE_S = 10.0


def everything_logged(aws: Aws, since: float, until: Callable[[str], bool] = lambda _text: True) -> str:
    """Return every event of every group, once what is waited for is among them or 10 s are over.

    Args:
        aws: where.
        since: a time of the day, in seconds; what is older is left out.
        until: what is waited for.
    """
    deadline = time.monotonic() + _LATE_S
    while True:
        text = _read(aws, int(since * 1000))
        if until(text) or time.monotonic() > deadline:
            return text
        time.sleep(0.2)


def _read(aws: Aws, since_ms: int) -> str:
    logs = aws.client("logs")
    lines = []
    for page in logs.get_paginator("describe_log_groups").paginate():
        for group in page["logGroups"]:
            events = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group["logGroupName"], startTime=since_ms
            )
            lines += [event["message"] for part in events for event in part["events"]]
    return "\n".join(lines)
