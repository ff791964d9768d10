"""slipway traffic: who answers how much."""

from __future__ import annotations

import json
import sys

import click

from slipway.options import aws_of, json_option, settings_of, stage_option
from slipway.project import Project
from slipway.story import Story

_PERCENT = click.FloatRange(0, 100)


@click.command("traffic")
@click.argument("model")
@click.option("--champion", type=_PERCENT, help="Percent of the requests that the champion answers.")
@click.option("--challenger", type=_PERCENT, help="Percent of the requests that the challenger answers.")
@stage_option
@json_option
def command(model: str, champion: float | None, challenger: float | None, stage: str, as_json: bool) -> None:
    """Show how requests are shared between champion and challenger, or share them otherwise.

    A change takes effect without a deploy and is written into model.toml, so that the next deploy keeps it.

    \b
    slipway traffic digits
    slipway traffic digits --challenger 10
    """
    from slipway.functions import require_endpoint
    from slipway.traffic import move, shares, split, write_down

    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), stage)
    aws = aws_of(project, settings.stage)
    outputs = aws.outputs(model)
    require_endpoint(
        model,
        outputs,
        "variants: one version answers every request",
        f"To choose the version, on Lambda: slipway rollback {model} --list; on Beanstalk: "
        f"slipway deploy {model} --set serve.version=previous",
    )
    endpoint = outputs["EndpointName"]
    if champion is not None or challenger is not None:
        weights = split(shares(aws, endpoint), champion, challenger)
        with story.step(f"move the traffic of {endpoint}"):
            move(aws, endpoint, weights)
        path = settings.models[0].folder / "model.toml"
        if write_down(path, weights):
            story.say(f"model_code/{model}/model.toml says the same now")
        else:
            story.say(f"model_code/{model}/model.toml has no such variants: the next deploy undoes this")
    found = shares(aws, endpoint)
    if as_json:
        print(json.dumps({"model": model, "endpoint": endpoint, "shares": found}))
    else:
        from rich.console import Console
        from rich.table import Table

        table = Table("variant", "share of requests")
        for name, share in found.items():
            table.add_row(name, f"{share:.1%}")
        Console(file=sys.stdout).print(table)
    story.next(f"slipway status{'' if stage == 'local' else f' --stage {stage}'}")
