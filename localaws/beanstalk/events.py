"""What happened, in the order it happened: the events of one account and region."""

import threading
import time
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

from localaws.beanstalk.errors import invalid_value
from localaws.beanstalk.listing import page

SEVERITIES = ("TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL")
REQUEST: ContextVar[str] = ContextVar("beanstalk_request", default="")
"""The id of the request at hand: clients follow a change by the events that carry it."""
_KEPT = 10_000  # AWS keeps six weeks of them
_MAX_PAGE = 1000


@dataclass(frozen=True)
class Event:
    """One event. `at` is in seconds since 1970; `severity` is one of SEVERITIES."""

    severity: str
    message: str
    application: str
    environment: str = ""
    version_label: str = ""
    platform_arn: str = ""
    request_id: str = field(default_factory=REQUEST.get)
    at: float = field(default_factory=time.time)
    environment_id: str = ""

    def describe(self) -> dict[str, Any]:
        """Return the event as DescribeEvents shows it."""
        told = {
            "EventDate": self.at,
            "Message": self.message,
            "ApplicationName": self.application,
            "VersionLabel": self.version_label,
            "EnvironmentName": self.environment,
            "PlatformArn": self.platform_arn,
            "RequestId": self.request_id,
            "Severity": self.severity,
        }
        return {name: value for name, value in told.items() if value}


class Events:
    """The events, newest first."""

    def __init__(self) -> None:
        self._events: list[Event] = []
        self._lock = threading.Lock()

    def add(self, event: Event) -> None:
        """Add an event; the oldest goes where there are too many."""
        with self._lock:
            self._events.append(event)
            del self._events[:-_KEPT]

    def describe(self, request: Mapping[str, Any]) -> dict[str, Any]:
        """Answer DescribeEvents: a page, newest first. Raises ApiError."""
        severity = request.get("Severity") or SEVERITIES[0]
        if severity not in SEVERITIES:
            raise invalid_value(f"Severity {severity} is not one of {', '.join(SEVERITIES)}.")
        with self._lock:
            found = [event for event in reversed(self._events) if _matches(event, request, severity)]
        shown, token = page(found, request, _MAX_PAGE)
        return {"Events": [event.describe() for event in shown], "NextToken": token}

    def of(self, environment_id: str, since: float = 0.0) -> Iterable[Event]:
        """Return an environment's events from a moment on, oldest first."""
        with self._lock:
            return [
                event
                for event in self._events
                if event.environment_id == environment_id and event.at >= since
            ]


def _matches(event: Event, request: Mapping[str, Any], severity: str) -> bool:
    members = {
        "ApplicationName": event.application,
        "EnvironmentName": event.environment,
        "EnvironmentId": event.environment_id,
        "VersionLabel": event.version_label,
        "PlatformArn": event.platform_arn,
        "RequestId": event.request_id,
    }
    asked = {name: request[name] for name in members if request.get(name)}
    return (
        all(members[name] == value for name, value in asked.items())
        and SEVERITIES.index(event.severity) >= SEVERITIES.index(severity)
        and request.get("StartTime", 0.0) <= event.at < request.get("EndTime", float("inf"))
    )
