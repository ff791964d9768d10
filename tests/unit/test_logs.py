"""Lines of log groups: each once, in order, and shown so that a person can read them."""

from __future__ import annotations

import io
import itertools
import json
from dataclasses import dataclass, field
from typing import Any

import pytest
from botocore.exceptions import ClientError
from rich.console import Console

from slipway.log_reader import LATE_MS, Line, LogReader
from slipway.log_text import shown

NOW_S = 1_800_000_000
NOW_MS = NOW_S * 1000
PAGE = 3


@dataclass
class FakeLogs:
    """CloudWatch Logs as FilterLogEvents behaves: pages in the order of times, with tokens in between."""

    groups: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    requests: list[dict[str, Any]] = field(default_factory=list)
    _ids: itertools.count = field(default_factory=itertools.count)

    def add(self, text: str, time_ms: int, group: str = "g", stream: str = "s") -> None:
        event = {"timestamp": time_ms, "message": text + "\n", "logStreamName": stream}
        self.groups.setdefault(group, []).append({**event, "eventId": str(next(self._ids))})

    def filter_log_events(self, **request: Any) -> dict[str, Any]:
        self.requests.append(request)
        if request["logGroupName"] not in self.groups:
            raise ClientError({"Error": {"Code": "ResourceNotFoundException"}}, "FilterLogEvents")
        end = request.get("endTime", float("inf"))
        found = [
            event
            for event in sorted(self.groups[request["logGroupName"]], key=lambda event: event["timestamp"])
            if request["startTime"] <= event["timestamp"] <= end
        ]
        at = int(request.get("nextToken", 0))
        page = {"events": found[at : at + PAGE]}
        return {**page, "nextToken": str(at + PAGE)} if len(found) > at + PAGE else page


class Clock:
    """Time that passes while the reader pauses; what is due then happens."""

    def __init__(self) -> None:
        self.now = float(NOW_S)
        self.due: list[Any] = []

    def __call__(self) -> float:
        return self.now

    def pause(self, seconds: float) -> None:
        self.now += seconds
        if not self.due:
            raise KeyboardInterrupt
        self.due.pop(0)()


def reader_of(logs: FakeLogs, clock: Clock, *groups: str) -> LogReader:
    return LogReader(logs, lambda: groups or ("g",), now=clock, pause=clock.pause)


def texts(lines: Any) -> list[str]:
    found = []
    try:
        for line in lines:
            found.append(line.message)
    except KeyboardInterrupt:
        pass
    return found


def test_the_last_lines_are_the_newest_ones_in_order_from_as_far_back_as_needed():
    logs, clock = FakeLogs(), Clock()
    for hours in (300, 20, 2):
        logs.add(f"{hours} hours ago", NOW_MS - hours * 3_600_000)
    for second in range(7):
        logs.add(f"line {second}", NOW_MS - 10_000 + second * 1000)

    assert texts(reader_of(logs, clock).last(2)) == ["line 5", "line 6"]
    assert len(logs.requests) == 3  # three pages of the last ten minutes, and no look further back
    assert texts(reader_of(logs, clock).last(9)) == [
        *("20 hours ago", "2 hours ago"),
        *(f"line {second}" for second in range(7)),
    ]
    assert texts(reader_of(logs, clock).last(0)) == []


def test_lines_on_the_border_of_two_looks_come_once():
    logs, clock = FakeLogs(), Clock()
    for place in range(3):
        logs.add(f"tie {place}", NOW_MS - 600_000)

    assert texts(reader_of(logs, clock).last(10)) == ["tie 0", "tie 1", "tie 2"]


def test_all_lines_since_a_time_come_however_many_pages_they_take():
    logs, clock = FakeLogs(), Clock()
    for place in range(10):
        logs.add(str(place), NOW_MS - 60_000 + place)
    logs.add("older", NOW_MS - 61_000)

    assert texts(reader_of(logs, clock).since(60)) == [str(place) for place in range(10)]


def test_groups_are_read_as_one_in_the_order_of_times():
    logs, clock = FakeLogs(), Clock()
    for place in range(6):
        logs.add(str(place), NOW_MS - 1000 + place, group="gh"[place % 2])

    assert texts(reader_of(logs, clock, "g", "h", "missing").since(60)) == ["0", "1", "2", "3", "4", "5"]


def test_a_follower_gets_ties_and_late_lines_once_and_loses_none():
    logs, clock = FakeLogs(), Clock()
    logs.add("before", NOW_MS - 500)
    reader = reader_of(logs, clock)
    clock.due = [
        lambda: logs.add("tie", NOW_MS - 500),
        lambda: logs.add("new", NOW_MS + 3000),
        lambda: logs.add("late", NOW_MS + 3000 - LATE_MS + 1000, stream="slow"),
        lambda: [logs.add(str(place), NOW_MS + 7000) for place in range(PAGE + 1)],
        lambda: None,
    ]

    assert texts(reader.since(60)) == ["before"]
    assert texts(reader.follow()) == ["tie", "new", "late", "0", "1", "2", "3"]


def test_what_the_last_lines_left_out_does_not_come_as_new():
    logs, clock = FakeLogs(), Clock()
    for place in range(5):
        logs.add(str(place), NOW_MS - 100 + place)
    reader = reader_of(logs, clock)
    clock.due = [lambda: logs.add("new", NOW_MS)]

    assert texts(reader.last(1)) == ["4"]
    assert texts(reader.follow()) == ["new"]


def test_a_clock_that_is_fast_does_not_hide_the_others():
    logs, clock = FakeLogs(), Clock()
    logs.add("from the future", NOW_MS + 3_600_000)
    reader = reader_of(logs, clock)
    clock.due = [lambda: logs.add("now", NOW_MS + 1000)]

    assert texts(reader.since(60)) == ["from the future"]
    assert texts(reader.follow()) == ["now"]


def test_a_follower_waits_for_a_group_and_goes_over_to_a_new_one():
    logs, clock = FakeLogs(), Clock()
    names = ["blue"]
    reader = LogReader(logs, lambda: names, now=clock, pause=clock.pause)
    clock.due = [
        lambda: logs.add("first", NOW_MS, group="blue"),
        lambda: names.__setitem__(0, "green"),
        *[lambda: None] * 3,
        lambda: logs.add("second", NOW_MS + 11_000, group="green"),
    ]

    assert reader.last(5) == []
    assert reader.existing == set()
    assert texts(reader.follow()) == ["first", "second"]


def as_text(message: str, group: str = "/aws/lambda/f", stream: str = "s", **console: Any) -> str:
    file = io.StringIO()
    line = Line(NOW_MS + 7, group, stream, message)
    Console(file=file, highlight=False, **console).print(shown(line), soft_wrap=True)
    return file.getvalue()


@pytest.mark.parametrize(
    ("message", "words"),
    [
        ("plain text [INFO] {", "plain text [INFO] {"),
        (
            '{"level": "INFO", "request_id": "r-1", "route": "/predict", "status": 200, "milliseconds": 0.5}',
            "INFO route=/predict status=200 milliseconds=0.5 request_id=r-1",
        ),
        (
            '{"timestamp": "t", "level": "ERROR", "errorMessage": "no", "errorType": "E", "stackTrace": [1]}',
            "ERROR no errorType=E\n    1",
        ),
        (
            '{"type": "platform.report", "record": {"requestId": "r", "metrics": {"durationMs": 2}}}',
            "report durationMs=2 requestId=r",
        ),
        ('{"status": "200", "error": "-"}', "status=200"),
        ('{"type": "platform.start", "record": "odd"}', "start"),
        ("[1, 2]", "[1, 2]"),
        ('{"a": {"b": [1]}}', 'a={"b": [1]}'),
        ("\x1b]0;title\x07 and \x1b[2J\r", "\ufffd]0;title\ufffd and \ufffd[2J\ufffd"),
    ],
)
def test_a_line_is_shown_in_words_and_steers_no_terminal(message, words):
    assert as_text(message) == f"2027-01-15 08:00:00.007Z  s  {words}\n"


def test_a_line_of_compose_is_shown_as_the_service_wrote_it():
    message = 'model-1  | {"level": "ERROR", "message": "not ready"}'

    text = as_text(message, "/aws/elasticbeanstalk/e/var/log/eb-docker/stdouterr.log", "i-0123456789")

    assert text.endswith("  i-0123456789 stdouterr.log  ERROR not ready\n")


def test_the_stream_of_a_function_is_its_version_and_the_start_of_its_environments_name():
    assert "  [3]01234567  x" in as_text("x", stream=f"2026/11/21/[3]{'01234567' * 4}")


def test_colours_are_for_terminals_that_want_them(monkeypatch):
    error = json.dumps({"level": "ERROR", "message": "no"})
    monkeypatch.delenv("NO_COLOR", raising=False)

    assert "\x1b[31m" in as_text(error, force_terminal=True, color_system="standard")
    assert "\x1b" not in as_text(error)
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[31m" not in as_text(error, force_terminal=True, color_system="standard")
