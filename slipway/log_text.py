"""A line of a log as a person reads it: when, which instance, and what JSON says in words."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from rich.text import Text

from slipway.log_reader import Line

_STYLES = {"WARN": "yellow", "WARNING": "yellow", "ERROR": "red", "FATAL": "bold red", "CRITICAL": "bold red"}
_SAID_ALREADY = ("time", "timestamp", "level")
_FIRST = ("message", "errorMessage")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")
# What Docker Compose puts before each line of a service.
_COMPOSE = re.compile(r"[\w.-]+-\d+ +\| ")
# 32 hex digits are how Lambda and API Gateway name their streams.
_LONG_HEX = re.compile(r"([0-9a-f]{8})[0-9a-f]{24}")


def shown(line: Line) -> Text:
    """Return a line as it is shown; no bytes of it can steer the terminal."""
    words, level = told(_COMPOSE.sub("", line.message, count=1) if _of_beanstalk(line) else line.message)
    time = datetime.fromtimestamp(line.time_ms / 1000, UTC).isoformat(sep=" ", timespec="milliseconds")
    return Text.assemble(
        (f"{time.removesuffix('+00:00')}Z", "dim"),
        "  ",
        (_plain(short_stream(line)), "cyan"),
        "  ",
        (_plain(words), _STYLES.get(level, "")),
    )


def short_stream(line: Line) -> str:
    """Return which instance wrote a line, and on Beanstalk into which file."""
    if _of_beanstalk(line):
        return f"{line.stream} {line.group.rpartition('/')[2]}"
    # A function's are YYYY/MM/DD/[version]environment.
    stream = line.stream[line.stream.index("/[") + 1 :] if "/[" in line.stream else line.stream
    return _LONG_HEX.sub(r"\1", stream)


def told(message: str) -> tuple[str, str]:
    """Return a message in words, and its level: JSON as its message and its other members."""
    try:
        about = json.loads(message)
    except ValueError:
        return message, ""
    if not isinstance(about, dict):
        return message, ""
    if str(about.get("type", "")).startswith("platform."):
        return _platform(about)
    level = str(about.get("level", "")).upper()
    first = [str(about[name]) for name in _FIRST if about.get(name)]
    trace = about.get("stackTrace")
    left_out = {*_SAID_ALREADY, *_FIRST, *(("stackTrace",) if isinstance(trace, list) else ())}
    rest = _pairs({name: value for name, value in about.items() if name not in left_out})
    lines = "".join(f"\n    {entry!s}".rstrip() for entry in trace) if isinstance(trace, list) else ""
    return " ".join([*([level] if level else []), *first, *rest]) + lines, level


def _platform(about: Mapping[str, Any]) -> tuple[str, str]:
    """Word what Lambda itself says; source: "Lambda JSON log format" in its developer guide."""
    record = about.get("record")
    if not isinstance(record, dict):
        record = {}
    kind = str(about["type"]).removeprefix("platform.")
    metrics = record.get("metrics")
    parts = {**{name: value for name, value in record.items() if name != "metrics"}, **(metrics or {})}
    failed = parts.get("status") not in (None, "success")
    return " ".join([kind, *_pairs(parts)]), "ERROR" if failed else ""


def _of_beanstalk(line: Line) -> bool:
    return line.group.startswith("/aws/elasticbeanstalk/")


def _pairs(members: Mapping[str, Any]) -> list[str]:
    """Return name=value of each member that says something, ids last."""
    said = [(name, value) for name, value in members.items() if value not in (None, "", "-")]
    return [
        f"{name}={value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)}"
        for name, value in sorted(said, key=lambda member: member[0].lower().endswith("id"))
    ]


def _plain(text: str) -> str:
    return _CONTROL.sub("\N{REPLACEMENT CHARACTER}", text.replace("\r\n", "\n"))
