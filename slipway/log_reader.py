"""Lines of CloudWatch log groups by their times: the last ones, those since a time, and new ones."""

from __future__ import annotations

import heapq
import itertools
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from botocore.exceptions import ClientError

# How far back the last lines are looked for: CloudWatch gives the oldest first, never the newest.
_BACK_S = (600, 3600, 86_400, 14 * 86_400)
# A line may be sent this long after one with a later time, of another instance or another machine's clock.
LATE_MS = 60_000
_POLL_S = 2.0
_FIND_EACH = 5
_PRUNE_AT = 20_000


class LogsClient(Protocol):
    """What is needed of boto3's client of `logs`."""

    def filter_log_events(self, **request: Any) -> Mapping[str, Any]:
        """Return a page of a group's events in the order of their times."""


@dataclass(frozen=True)
class Line:
    """One event.

    Args:
        time_ms: milliseconds since 1970, as the writer gave it.
        group: the log group.
        stream: the log stream: which instance.
        message: its text, without the newline at its end.
    """

    time_ms: int
    group: str
    stream: str
    message: str


class LogReader:
    """Reads some log groups as one, each event once.

    Args:
        client: a boto3 client of `logs`.
        groups: finds their names, which may change while they are followed.
        now: seconds since 1970.
        pause: waits for some seconds.
    """

    def __init__(
        self,
        client: LogsClient,
        groups: Callable[[], Sequence[str]],
        *,
        now: Callable[[], float] = time.time,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        self._client, self._find = client, groups
        self._now, self._pause = now, pause
        self.groups = tuple(groups())
        self.existing = set(self.groups)
        """Those that were there when they were last asked."""
        self._seen: dict[str, int] = {}
        self._prune_at = _PRUNE_AT
        self._newest_ms = 0
        self._first_ms = 0

    def last(self, count: int) -> list[Line]:
        """Return the last lines of the last 14 days, the oldest first."""
        now, end_ms = self._now(), None
        found: list[Line] = []
        for back_s in _BACK_S:
            start_ms = int((now - back_s) * 1000)
            found = [*deque(self._read(start_ms, end_ms), count - len(found)), *found]
            self._first_ms = self._first_ms or start_ms
            if len(found) >= count or not self.existing:
                break
            end_ms = start_ms - 1  # FilterLogEvents takes its end in
        return found

    def since(self, seconds: float) -> Iterator[Line]:
        """Yield the lines of the last seconds, the oldest first."""
        self._first_ms = int((self._now() - seconds) * 1000)
        yield from self._read(self._first_ms)

    def follow(self) -> Iterator[Line]:
        """Yield new lines for ever, those with late times too."""
        for poll in itertools.count(1):
            self._pause(_POLL_S)
            if poll % _FIND_EACH == 0:
                self.groups = tuple(self._find())
            self._forget()
            yield from self._read(self._next_ms())

    def _next_ms(self) -> int:
        """Return from when on lines may still come."""
        return max(self._first_ms, min(self._newest_ms, int(self._now() * 1000)) - LATE_MS)

    def _read(self, start_ms: int, end_ms: int | None = None) -> Iterator[Line]:
        self.existing = set(self.groups)
        parts = [self._events(group, start_ms, end_ms) for group in self.groups]
        for event_id, line in heapq.merge(*parts, key=lambda part: part[1].time_ms):
            if event_id in self._seen:
                continue  # each poll begins before the one before it ended
            self._newest_ms = max(self._newest_ms, line.time_ms)
            self._seen[event_id] = line.time_ms
            if len(self._seen) >= self._prune_at:
                self._forget()
                self._prune_at = max(_PRUNE_AT, 2 * len(self._seen))
            yield line

    def _forget(self) -> None:
        oldest = self._next_ms()
        self._seen = {event_id: time_ms for event_id, time_ms in self._seen.items() if time_ms >= oldest}

    def _events(self, group: str, start_ms: int, end_ms: int | None) -> Iterator[tuple[str, Line]]:
        request: dict[str, Any] = {"logGroupName": group, "startTime": max(0, start_ms)}
        if end_ms is not None:
            request["endTime"] = end_ms
        while True:
            try:
                page = self._client.filter_log_events(**request)
            except ClientError as error:
                if error.response["Error"]["Code"] != "ResourceNotFoundException":
                    raise
                self.existing.discard(group)
                return
            for event in page["events"]:
                stream, message = str(event["logStreamName"]), str(event["message"]).rstrip()
                yield str(event["eventId"]), Line(int(event["timestamp"]), group, stream, message)
            if not page.get("nextToken"):
                return
            request["nextToken"] = page["nextToken"]
