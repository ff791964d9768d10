"""slipway train: data to artifact."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING

import click

from slipway.options import json_option, models_argument, set_option, settings_of
from slipway.project import Project
from slipway.story import Story

if TYPE_CHECKING:
    from training.artifact import Artifact


@click.command("train")
@models_argument
@set_option
@json_option
def command(models: tuple[str, ...], overrides: tuple[str, ...], as_json: bool) -> None:
    """Train models (default: all), measure them on held-back rows, and write their artifacts.

    \b
    slipway train iris
    slipway train iris --set model.hyperparameters='{ C = 0.1 }'
    """
    from training.train import train

    project, story = Project.here(), Story()
    artifacts = []
    for settings in settings_of(project, models, "local", overrides).models:
        if not models and not (settings.folder / "train.py").is_file():
            story.say(
                f"{settings.name} has no train.py: it is trained elsewhere. "
                f"slipway import {settings.name} PATH packages it"
            )
            continue
        with story.step(f"train {settings.name}"):
            artifacts.append(train(project.root, settings, progress=story.event))
    show(artifacts, as_json=as_json)
    story.next(f"slipway deploy {' '.join(models)}".rstrip())


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
