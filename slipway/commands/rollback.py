"""slipway rollback: another version that AWS still holds answers again."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import asdict

import click

from slipway.arrival import await_version
from slipway.environments import is_environment
from slipway.errors import NoSuchVersion
from slipway.functions import Held, move_alias
from slipway.options import aws_of, json_option, settings_of, stage_option
from slipway.pointers import in_s3, point_at, versions_of
from slipway.project import Project
from slipway.story import Story
from slipway.verify import client_for


@click.command("rollback")
@click.argument("model")
@click.option(
    "--to",
    metavar="VERSION",
    help="A model's version (12 hex digits) or a function version's number; default: the one before.",
)
@click.option(
    "--list", "only_list", is_flag=True, help="Show the versions that AWS holds, and change nothing."
)
@stage_option
@json_option
def command(model: str, to: str | None, only_list: bool, stage: str, as_json: bool) -> None:
    """Go back to another version of a model on Lambda, without a deploy.

    The version is tried first with its golden rows; where it does not load or answers otherwise than in
    training, nothing changes. A function version brings its settings along, such as its memory. A model in S3
    changes alone, and running functions take it within a minute. The next deploy goes forward again.

    \b
    slipway rollback wine
    slipway rollback wine --list
    slipway rollback wine --to 0123456789ab
    """
    project, story = Project.here(), Story()
    settings = settings_of(project, (model,), stage)
    aws = aws_of(project, settings.stage)
    at = "" if stage == "local" else f" --stage {stage}"
    outputs = aws.outputs(model)
    if "FunctionName" not in outputs:
        swapped = is_environment(outputs)
        holder = "an environment of Elastic Beanstalk" if swapped else "a SageMaker endpoint"
        older = f"slipway deploy {model} --set serve.version=previous{at}"
        raise NoSuchVersion(
            f"{model} is served by {holder}, which holds no versions to go back to.",
            why="A deploy puts an older artifact into service, beside the one that answers until then.",
            fix=f"Run: {older}"
            + (f"\nOr, in an environment of its own first: {older} --swap" if swapped else ""),
        )
    versions = versions_of(aws, model, outputs)
    if not only_list:
        target = choose(model, versions, to)
        with story.step(f"try {_named(target)}, and let it answer"):
            if in_s3(aws, outputs):
                point_at(aws, outputs, aws.outputs()["BucketName"], model, target.name)
            else:
                move_alias(aws, outputs, target.name)
        with story.step(f"wait until {model} answers with model {target.model_version}"):
            await_version(aws, client_for(aws, model), target.model_version)
        versions = versions_of(aws, model, outputs)
    _show(model, versions, as_json=as_json)
    story.next(f"slipway rollback {model}{at}" if only_list else f"slipway status{at}")


def choose(model: str, versions: Sequence[Held], to: str | None) -> Held:
    """Return the version to go to: the one asked for, else the one before the current.

    Args:
        model: the model's name, for messages.
        versions: the newest first.
        to: a model's version, or a function version's number.

    Raises:
        NoSuchVersion: AWS does not hold it, or there is none before.
    """
    known = "\n".join(f"{_named(version)} of {version.date}" for version in versions)
    if to is None:
        current = next((place for place, version in enumerate(versions) if version.current), len(versions))
        if current + 1 >= len(versions):
            raise NoSuchVersion(
                f"AWS holds no version of {model} before the one that answers.",
                why=known,
                fix=f"Train and deploy an older one: slipway deploy {model} --set serve.version=previous",
            )
        return versions[current + 1]
    for version in versions:
        if to in (version.name, version.model_version):
            return version
    raise NoSuchVersion(f"AWS holds no version {to} of {model}.", why=known, fix="Name one of these.")


def _named(version: Held) -> str:
    return (
        f"version {version.name} (model {version.model_version})"
        if version.name != version.model_version
        else f"model {version.name}"
    )


def _show(model: str, versions: Sequence[Held], *, as_json: bool) -> None:
    if as_json:
        print(json.dumps({"model": model, "versions": [asdict(version) for version in versions]}))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table("version", "model", "since", "answers")
    for version in versions:
        table.add_row(version.name, version.model_version, version.date, "yes" if version.current else "")
    Console(file=sys.stdout).print(table)
