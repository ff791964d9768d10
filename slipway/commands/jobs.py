"""slipway jobs: the training and transform jobs of a stage."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slipway.errors import NotDeployed
from slipway.options import aws_of, json_option, set_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story
from stacks.settings import ModelSettings, model_names

if TYPE_CHECKING:
    from slipway.aws import Aws
    from slipway.job_list import JobRow

_REASON_SHOWN = 60
_WIDTH = 180  # in a file or a pipe


@click.command("jobs")
@click.argument("model", required=False)
@click.option("--attach", metavar="NAME", help="Follow this job of MODEL to its end and take what it left.")
@click.option("--stop", metavar="NAME", help="Stop this job of MODEL.")
@click.option(
    "--out",
    type=click.Path(path_type=Path, dir_okay=False),
    help="With --attach: where a transform job's predictions go.",
)
@stage_option
@set_option
@json_option
def command(
    model: str | None,
    attach: str | None,
    stop: str | None,
    out: Path | None,
    stage: str,
    overrides: tuple[str, ...],
    as_json: bool,
) -> None:
    """List the newest training and transform jobs, or follow or stop one.

    A training job that is attached gives the artifact that `slipway train` would have written, if data,
    settings and train.py are still those that it was started with.

    \b
    slipway jobs --json
    slipway jobs diabetes --attach slipway-local-diabetes-0123456789ab
    """
    from slipway.job_list import jobs_of

    if (attach or stop) and model is None:
        raise click.UsageError("Name the model too: slipway jobs MODEL --attach NAME")
    if attach and stop:
        raise click.UsageError("Either --attach or --stop.")
    project, story = Project.here(), Story()
    settings = settings_of(project, (model,) if model else (), stage, overrides)
    aws = aws_of(project, settings.stage)
    if model and stop:
        _stop(aws, model, stop, story)
        return
    if model and attach:
        _attach(project, aws, settings.models[0], attach, out, story, as_json=as_json)
        return
    rows = jobs_of(aws, model_names(project.root), model)
    if as_json:
        print(json.dumps([asdict(row) for row in rows]))
    else:
        _show(rows)
    at = "" if stage == "local" else f" --stage {stage}"
    running = next((row for row in rows if row.status == "InProgress"), None)
    if running:
        story.next(f"slipway jobs {running.model}{at} --attach {running.name}")
    else:
        story.next(f"slipway train {model or ''}".rstrip() + f" --on sagemaker{at}")


def _attach(
    project: Project,
    aws: Aws,
    settings: ModelSettings,
    name: str,
    out: Path | None,
    story: Story,
    *,
    as_json: bool,
) -> None:
    from slipway.job_list import kind_of
    from slipway.shared import place_of

    place = place_of(aws)
    if kind_of(aws, name) == "training":
        from slipway.commands.train import show
        from training.sagemaker.trainer import AttachedTrainer
        from training.train import train

        with story.step(f"follow {name}"):
            trainer = AttachedTrainer(place, name)
            artifact = train(project.root, settings, trainer=trainer, progress=story.event)
        show([artifact], as_json=as_json)
        story.next(f"slipway deploy {place.option(settings.name)}")
        return
    from slipway.batch_job import find, finish
    from slipway.commands.batch import show as show_predicted

    with story.step(f"follow {name}"):
        resource = find(place, settings.name, name)
        predicted = finish(place, settings.name, resource, out, story.event, _outputs(aws, settings.name))
    show_predicted(settings.name, predicted, story, as_json=as_json)
    story.next(f"slipway jobs {place.option(settings.name)}")


def _outputs(aws: Aws, model: str) -> dict[str, str]:
    """Return the outputs of a model's stack; none where it is gone, and a job of it still has its own."""
    try:
        return aws.outputs(model)
    except NotDeployed:
        return {}


def _stop(aws: Aws, model: str, name: str, story: Story) -> None:
    from slipway.job_list import kind_of
    from training.sagemaker.sdk import training_job, transform_job

    kind = kind_of(aws, name)
    of_the_sdk = training_job() if kind == "training" else transform_job()
    job = of_the_sdk.get(name, session=aws.bound(), region=str(aws.session.region_name))
    status = str(getattr(job, f"{kind}_job_status"))
    if status == "InProgress":
        job.stop()
        story.say(f"{name} is told to stop; a training has two minutes to end by itself.")
    else:
        story.say(f"{name} is {status} already.")
    at = "" if aws.stage.name == "local" else f" --stage {aws.stage.name}"
    story.next(f"slipway jobs {model}{at}")


def _show(rows: list[JobRow]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("job", "kind", "status", "started (UTC)", "took", "machine", "tells")
    table.columns[0].no_wrap = True  # it is what --attach and --stop take
    for row in rows:
        metrics = "  ".join(f"{name} {value:g}" for name, value in sorted(row.metrics.items()))
        table.add_row(
            row.name,
            row.kind,
            row.status,
            row.started.partition("+")[0].replace("T", " "),
            f"{row.seconds:.0f} s",
            row.machine,
            row.reason.splitlines()[0][:_REASON_SHOWN] if row.reason else metrics or "-",
        )
    console = Console(file=sys.stdout)
    if not console.is_terminal:
        console.width = _WIDTH
    console.print(table)
