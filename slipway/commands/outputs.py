"""slipway outputs: the names that apps need."""

from __future__ import annotations

import json

import click

from slipway.options import aws_of, json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story


@click.command("outputs")
@click.argument("model", required=False)
@stage_option
@json_option
def command(model: str | None, stage: str, as_json: bool) -> None:
    """Print the outputs of a model's stack, or of the shared one.

    \b
    slipway outputs iris
    slipway outputs --json
    """
    project = Project.here()
    settings = settings_of(project, (model,) if model else (), stage)
    outputs = aws_of(project, settings.stage).outputs(model)
    if as_json:
        print(json.dumps(outputs, sort_keys=True))
    else:
        width = max(map(len, outputs), default=0)
        for name, value in sorted(outputs.items()):
            print(f"{name:<{width}}  {value}")
    Story().next("slipway env" if stage == "local" else f"slipway status --stage {stage}")
