"""slipway logs: what a model's containers, function or instances say."""

from __future__ import annotations

import json
import os
import re
import sys
from collections import deque
from collections.abc import Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING

import click

from slipway.errors import NoLogs, NotDeployed
from slipway.options import aws_of, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story

if TYPE_CHECKING:
    from slipway.log_groups import LogKind
    from slipway.log_reader import Line, LogReader

_LINES = 100
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


class Span(click.ParamType[float]):
    """A length of time such as 90s, 10m, 2h or 7d, in seconds."""

    name = "span"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        match = re.fullmatch(r"(\d{1,6})([smhd])", value)
        if match is None:
            self.fail(f"{value!r} is not a length of time, such as 90s, 10m, 2h or 7d", param, ctx)
        return float(int(match[1]) * _UNITS[match[2]])


@click.command("logs")
@click.argument("model")
@click.option("-f", "--follow", is_flag=True, help="Go on with new lines until Ctrl-C.")
@click.option("--since", type=Span(), metavar="SPAN", help="All lines of the last 90s, 10m, 2h, 7d.")
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(min=0),
    metavar="LINES",
    help=f"At most so many of the last lines.  [default: {_LINES}; all with --since]",
)
@click.option(
    "--log",
    "kind",
    type=click.Choice(["model", "access", "deployment"]),
    default="model",
    show_default=True,
    help="What the model's server says, each request (API), or what a deployment says (Beanstalk).",
)
@stage_option
@click.option("--json", "as_json", is_flag=True, help="Print one JSON value a line on stdout.")
def command(
    model: str, follow: bool, since: float | None, lines: int | None, kind: LogKind, stage: str, as_json: bool
) -> None:
    """Print what a model's server says, the oldest line first: times are UTC.

    On every target: an endpoint's containers, a function, an environment's instances. The server of our own
    image writes of problems alone.

    \b
    slipway logs iris
    slipway logs wine -f --since 10m
    """
    from slipway.log_groups import log_groups
    from slipway.log_reader import LogReader

    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), stage)
    aws = aws_of(project, settings.stage)
    reader = LogReader(aws.client("logs"), lambda: log_groups(aws, model, kind))
    try:
        told = _print(_past(reader, since, lines), as_json=as_json)
        if not reader.existing:
            _miss(reader, model, story, follow=follow)
        elif not told and lines != 0:
            story.say(f"no line in {', '.join(sorted(reader.existing))}")
        if follow:
            _print(reader.follow(), as_json=as_json)
    except NotDeployed:
        story.say(f"{model} is not deployed any more")
    except KeyboardInterrupt:
        if not follow:
            raise
    except BrokenPipeError:
        # Who reads has enough; what Python still holds for stdout goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _past(reader: LogReader, since: float | None, lines: int | None) -> Iterable[Line]:
    if since is None:
        return reader.last(_LINES if lines is None else lines)
    found = reader.since(since)
    return found if lines is None else deque(found, lines)


def _miss(reader: LogReader, model: str, story: Story, *, follow: bool) -> None:
    groups = ", ".join(reader.groups)
    if follow:
        story.say(f"waiting for the first line of {groups}")
        return
    raise NoLogs(
        f"{model} has written no line yet: there is no log group {groups}.",
        why="It is made with the first line, or when the model is deployed.",
        fix=f"Wait for it: slipway logs {model} -f. Is it deployed? slipway status",
    )


def _print(lines: Iterable[Line], *, as_json: bool) -> int:
    """Print lines as they come, and return how many there were."""
    from rich.console import Console

    from slipway.log_text import shown

    console, count = Console(file=sys.stdout, highlight=False), 0
    for line in lines:
        count += 1
        if as_json:
            print(json.dumps(asdict(line)), flush=True)
        else:
            console.print(shown(line), soft_wrap=True)
    return count
