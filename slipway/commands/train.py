"""slipway train: data to artifact."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from localaws.control import DEFAULT_PORT
from slipway.options import aws_of, json_option, models_argument, set_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story

if TYPE_CHECKING:
    from stacks.settings import Settings
    from training.artifact import Artifact
    from training.fit import Trainer


@click.command("train")
@models_argument
@click.option(
    "--on",
    "where",
    type=click.Choice(["local", "sagemaker"]),
    default="local",
    show_default=True,
    help="Train in a process of this machine, or as a SageMaker training job.",
)
@stage_option
@set_option
@json_option
@click.option(
    "--port", default=DEFAULT_PORT, show_default=True, help="Port of the embedded AWS, if it starts."
)
def command(
    models: tuple[str, ...], where: str, stage: str, overrides: tuple[str, ...], as_json: bool, port: int
) -> None:
    """Train models (default: all), measure them on held-back rows, and write their artifacts.

    \b
    slipway train iris
    slipway train diabetes --on sagemaker --set train.instance_count=2
    """
    from stacks.training_job import can_train_on_sagemaker as can_be_trained
    from training.target_build import build_for_target
    from training.train import train

    if where == "local" and stage != "local":
        raise click.UsageError(f"--stage {stage} says where a job runs: add --on sagemaker.")
    project, story = Project.here(), Story()
    settings = settings_of(project, models, stage, overrides)
    trainer = _trainer(project, settings, story, port) if where == "sagemaker" else None
    artifacts = []
    for model in settings.models:
        if not models and not can_be_trained(model):
            story.say(
                f"{model.name} has no train.py: it is trained elsewhere. "
                f"slipway import {model.name} PATH packages it"
            )
            continue
        with story.step(f"train {model.name}{'' if trainer is None else f' on SageMaker ({stage})'}"):
            given = {} if trainer is None else {"trainer": trainer}
            artifacts.append(train(project.root, model, progress=story.event, **given))
            build_for_target(project.root, model, artifacts[-1], progress=story.event)
    show(artifacts, as_json=as_json)
    at = "" if stage == "local" else f" --stage {stage}"
    story.next(f"slipway deploy {' '.join(models)}".rstrip() + at)


def _trainer(project: Project, settings: Settings, story: Story, port: int) -> Trainer:
    from slipway.shared import place_to_train
    from training.sagemaker.sdk import training_job
    from training.sagemaker.trainer import SageMakerTrainer

    training_job()  # where the SDK is missing, that is said before anything starts
    aws = aws_of(project, settings.stage, start=True, port=port)
    return SageMakerTrainer(place_to_train(project, aws, story))


def show(artifacts: list[Artifact], *, as_json: bool) -> None:
    """Print what was packaged: version, engine, and the metrics on the test rows."""
    if as_json:
        results = [
            {
                "model": artifact.model,
                "version": artifact.version,
                "engine": artifact.manifest["engine"]["name"],
                "metrics": artifact.manifest["metrics"],
            }
            for artifact in artifacts
        ]
        print(json.dumps(results))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("model", "version", "engine", "metric", "test rows")
    for artifact in artifacts:
        about = (artifact.model, artifact.version, artifact.manifest["engine"]["name"])
        for metric, value in artifact.manifest["metrics"].items():
            table.add_row(*about, metric, f"{value:.4f}")
            about = ("", "", "")
    Console(file=sys.stdout).print(table)
