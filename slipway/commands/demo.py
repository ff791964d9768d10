"""slipway demo: everything once, and back to nothing."""

from __future__ import annotations

import json
import sys
import time
from dataclasses import asdict, dataclass

import click

from slipway.errors import LeftBehind
from slipway.options import json_option, settings_of
from slipway.project import Project
from slipway.story import Story
from stacks.serve_settings import CHAMPION

BATCH_DOOR = "transform job"


@dataclass(frozen=True)
class Row:
    """One line of the table at the end."""

    model: str
    variant: str
    target: str
    door: str
    rows: int
    agreement: float
    p50_ms: float | None
    """None where the door is no request."""
    left_behind: list[str]


@click.command("demo")
@json_option
def command(as_json: bool) -> None:
    """Train every model, deploy it on an embedded AWS with the CDK CLI, predict, destroy, prove it is empty.

    An endpoint of AWS's own image gets an API in front of it. A model on Lambda is deployed from a zip file,
    then from a container image; one on Beanstalk a second time beside the first, which it replaces while
    requests come in. A model with a challenger is deployed twice: the second time, the challenger is a
    shadow. A model of AWS's built-in XGBoost is trained by a training job, and its test set goes through a
    transform job. The demo starts an embedded AWS of its own, on a free port, and leaves one that runs
    already alone.

    \b
    slipway demo
    slipway demo --json
    """
    from slipway.tour import take

    started = time.monotonic()
    project, story = Project.here(), Story()
    settings = settings_of(project, (), "local")
    tour = take(project, settings, story)
    rows = [
        Row(
            model=model.name,
            variant=variant,
            target=model.serve.target,
            door=replay.door,
            rows=replay.rows,
            agreement=replay.agreement,
            p50_ms=round(replay.p50_ms, 2),
            left_behind=tour.left_behind,
        )
        for model in settings.models
        for variant, replay in tour.replays[model.name].items()
    ]
    rows += [
        Row(model, CHAMPION, "batch", BATCH_DOOR, count, 1.0, None, tour.left_behind)
        for model, count in tour.batches.items()
    ]
    if as_json:
        found = {
            "models": [asdict(row) for row in rows],
            "left_behind": tour.left_behind,
            "kept_by_aws": tour.kept,
        }
        print(json.dumps({**found, "seconds": round(time.monotonic() - started, 1)}))
    else:
        _print_table(rows)
    if tour.left_behind:
        raise LeftBehind(
            f"{len(tour.left_behind)} things are left.",
            why="\n".join(tour.left_behind),
            fix="Report this; it is a defect.",
        )
    story.say(
        f"destroyed: nothing left (AWS itself would keep {len(tour.kept)} resources of the CDK bootstrap)"
    )
    story.say(f"{time.monotonic() - started:.0f} s in all")
    story.next(f"slipway deploy {settings.models[0].name}")


def _print_table(rows: list[Row]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "variant", "target", "door", "rows", "agreement", "p50")
    for row in rows:
        shown = (row.model, row.variant, row.target, row.door, str(row.rows), f"{row.agreement:.3f}")
        table.add_row(*shown, "" if row.p50_ms is None else f"{row.p50_ms:.1f} ms")
    Console(file=sys.stdout).print(table)
