"""slipway train: data to artifact."""

from __future__ import annotations

import json
import sys

import click

from slipway.options import json_option, models_argument, set_option, settings_of
from slipway.project import Project
from slipway.story import Story


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
    results = []
    for settings in settings_of(project, models, "local", overrides).models:
        with story.step(f"train {settings.name}"):
            artifact = train(project.root, settings, progress=story.event)
        results.append(
            {"model": artifact.model, "version": artifact.version, "metrics": artifact.manifest["metrics"]}
        )
    if as_json:
        print(json.dumps(results))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("model", "version", "metric", "test rows")
        for result in results:
            for position, (metric, value) in enumerate(result["metrics"].items()):
                first = position == 0
                table.add_row(
                    result["model"] if first else "",
                    result["version"] if first else "",
                    metric,
                    f"{value:.4f}",
                )
        Console(file=sys.stdout).print(table)
    story.next(f"slipway deploy {' '.join(models)}".rstrip())
